using System.Text.Json;

namespace Timur.Bench.Reports;

/// <summary>report.html: one file with its data, style and program inside; nothing is fetched from anywhere.</summary>
internal static class HtmlReport
{
    internal static string Write(Findings findings)
    {
        // The encoder writes < as \u003C: no text of a program's can end the script.
        string json = JsonSerializer.Serialize(PageModel.From(findings), PageJson.Default.PageModel);
        return Resource("page.html").Replace("/*style*/", Resource("page.css")).Replace("/*data*/", json).Replace("/*program*/", Resource("page.js"));
    }

    private static string Resource(string name)
    {
        using Stream stream = typeof(HtmlReport).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

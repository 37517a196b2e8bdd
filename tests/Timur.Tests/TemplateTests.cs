using Timur.Templates;
using Xunit;

namespace Timur.Tests;

/// <summary>Go's text/template, with what scripts write for Docker's and Podman's <c>--format</c>; what Go itself prints was taken from its documentation and tried.</summary>
public sealed class TemplateTests
{
    private static readonly TemplateObject Container = new TemplateObject()
        .Add("Name", "web")
        .Add("Ports", new TemplateObject()
            .Add("80/tcp", new List<object?> { new TemplateObject().Add("HostIp", "0.0.0.0").Add("HostPort", "8080") })
            .Add("53/udp", (object?)null))
        .Add("Labels", new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" })
        .Add("Nothing", new TemplateObject())
        .Also("Label", key => $"<{key}>")
        .Also("Id", () => "whole")
        .Add("Mounts", new List<object?> { new TemplateObject().Add("Source", "/one"), new TemplateObject().Add("Source", "/two") });

    [Theory]
    [InlineData("{{range $p, $conf := .Ports}}{{if $conf}}{{$p}} -> {{(index $conf 0).HostPort}} {{end}}{{end}}", "80/tcp -> 8080 ")]
    [InlineData("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;")]
    [InlineData("{{range $i, $m := .Mounts}}{{if $i}},{{end}}{{$m.Source}}{{end}}", "/one,/two")]
    [InlineData("{{range $m := .Mounts}}{{$.Name}}:{{.Source}} {{end}}", "web:/one web:/two ")]
    [InlineData("{{range .Mounts}}{{$.Name}}{{end}}", "webweb")]
    [InlineData("{{$n := .Name}}{{with .Labels}}{{$n}}{{.a}}{{end}}", "web1")]
    [InlineData("{{$n := \"\"}}{{range .Mounts}}{{$n = .Source}}{{end}}{{$n}}", "/two")]
    [InlineData("{{with $x := .Name}}{{$x}}{{.}}{{end}}", "webweb")]
    [InlineData("{{if .Nothing}}some{{else if eq .Name \"web\"}}web{{else}}other{{end}}", "web")]
    [InlineData("{{if .Nothing}}some{{else if eq .Name \"db\"}}db{{else}}other{{end}}!", "other!")]
    [InlineData("{{range .Nothing}}x{{else}}none{{end}}", "none")]
    [InlineData("{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080")]
    [InlineData("{{println (eq .Name \"(\")}}", "false\n")]
    [InlineData("{{printf \"%-6s|%3d|%q|%5.2s|%v%%\" .Name 7 .Name .Name true}}", "web   |  7|\"web\"|   we|true%")]
    [InlineData("{{printf \"%03d %x\" 7 255}}", "007 ff")]
    [InlineData("{{if gt (len .Mounts) 1}}many{{end}}{{if lt 10 9}}less{{end}}{{if ge \"b\" \"a\"}}!{{end}}", "many!")]
    [InlineData("{{.Label \"a.b\"}} {{.Id}}", "<a.b> whole")]
    public void Templates_of_other_engines_scripts_print_the_same(string template, string expected) => Assert.Equal(expected, Template.Parse(template).Render(Container));

    [Theory]
    [InlineData("{{$x}}", "there is no variable $x")]
    [InlineData("{{range .Mounts}}{{$m := .}}{{end}}{{$m}}", "there is no variable $m")]
    [InlineData("{{(index .Mounts 0}}", "doesn't close")]
    [InlineData("{{$a, $b := .Name}}", "only range has two")]
    [InlineData("{{printf \"%s\"}}", "printf has no value for %s")]
    [InlineData("{{printf \"%y\" 1}}", "printf doesn't know %y")]
    [InlineData("{{truncate .Name \"x\"}}", "truncate needs a number, not 'x'")]
    [InlineData("{{.Name \"x\"}}", ".Name takes no argument")]
    public void Mistakes_are_said(string template, string expected)
        => Assert.Contains(expected, Assert.Throws<Failure>(() => Template.Parse(template).Render(Container)).Message + Assert.Throws<Failure>(() => Template.Parse(template).Render(Container)).Advice);

    /// <summary>Other names than Docker's are for templates only.</summary>
    [Fact]
    public void Other_names_of_fields_are_not_in_the_json() => Assert.Equal("{\"ID\":\"1\"}", new TemplateObject().Add("ID", "1").Also("Id", () => "2").Also("Label", key => key).ToJson());
}

namespace Timur.Bench.Reports;

/// <summary>Figures as people read them.</summary>
internal static class Number
{
    /// <summary>Four significant digits, thousands apart.</summary>
    internal static string Show(double value)
    {
        double size = Math.Abs(value);
        string format = size >= 1000 ? "#,0" : size >= 100 ? "0.0" : size >= 1 ? "0.00" : "0.000";
        return value.ToString(format).Replace(',', ' ');
    }
}

namespace Timur.Bench.Reports;

/// <summary>How the figures come about, as both reports say it.</summary>
internal static class Method
{
    internal const string Text =
        "The same sysbench, with the same libraries, runs in every candidate; on the host it is started from the image's own files. In each round every candidate "
        + "runs once, in a new random order, and ratios are taken within a round: what disturbs the machine for a while disturbs all. The figure shown is the median of "
        + "these ratios, with a 95 % interval by bootstrap that is never narrower than the sign test allows. The host is a candidate twice; the ratio of the two is what "
        + "chance makes here, and no difference below it is called one. Rounds are spread over several windows, in each of which the test files are made anew. Before a "
        + "run on files everything is written out (sync), the files made just before are in the page cache alike for all. Disk requests are those the disk below the "
        + "store counted; other programs' are among them.";
}

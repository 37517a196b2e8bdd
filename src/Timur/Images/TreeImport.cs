using Timur.Images.Compression;
using Timur.Images.Tar;
using Timur.Kernel;

namespace Timur.Images;

/// <summary>Unpacks an archive into a directory as it is: names that mean something in a layer mean nothing here.</summary>
public static class TreeImport
{
    /// <param name="archive">Plain or compressed.</param>
    /// <param name="owner">Owner and group as they are to be; null takes the archive's.</param>
    public static void Unpack(Stream archive, Fd target, Func<OwnerAndTimes, OwnerAndTimes>? owner = null)
    {
        try
        {
            using Stream plain = Decompression.OpenGiven(archive);
            using var unpacker = new LayerUnpacker(plain, target) { IsLayer = false, Owner = owner ?? (attributes => attributes) };
            unpacker.Run();
            if (unpacker.Needs.Links is [(string path, string linked), ..])
            {
                throw new Failure($"the archive links '{path}' to '{linked}', which it doesn't hold", "pack what the link leads to, too");
            }
        }
        catch (Exception e) when (Decompression.IsDamage(e))
        {
            throw new Failure($"the archive is damaged: {e.Message}", "it may have been cut off: get it again", cause: e);
        }
    }
}

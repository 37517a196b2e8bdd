using Timur.Images;
using Timur.Kernel;
using Timur.State;
using Timur.Storage;

namespace Timur.Build;

/// <summary>A step that may change files.</summary>
internal abstract class LayerStep(StageBuild stage)
{
    protected StageBuild Stage => stage;

    protected ImageBuild Build => stage.Build;

    /// <summary>What the image's history says of it.</summary>
    internal abstract string CreatedBy { get; }

    /// <summary>A digest of everything that the result depends on.</summary>
    internal abstract string Key();

    /// <summary>Does it; the layer, or null when no file changed.</summary>
    internal abstract KeptLayer? Make();

    /// <summary>The key's beginning: the kind of step, and the files it starts from.</summary>
    protected StepKey KeyOf(string kind, IEnumerable<string>? below = null) => new StepKey(kind, below ?? stage.State.DiffIds).Add(Build.Options.Epoch?.ToUnixTimeSeconds().ToString());

    /// <summary>Changes the files by way of a mount that nobody else sees.</summary>
    /// <param name="layers">What is below.</param>
    protected KeptLayer? Change(IReadOnlyList<string> layers, Action<Fd> change)
    {
        (string directory, FileLock held) = Build.Layers.NewDirectory();
        using (held)
        {
            try
            {
                string upper = directory + "/upper";
                Directories.Create(upper);
                Directories.Create(directory + "/work");
                Directories.Create(directory + "/empty");
                CopyRoot(layers, upper);
                using (Fd tree = LayerTree.OpenWritable(layers, upper, directory + "/work", directory + "/empty"))
                {
                    change(tree);
                }

                return Take(upper);
            }
            finally
            {
                Directories.RemoveTree(directory);
            }
        }
    }

    /// <summary>An upper directory as a layer; null when nothing is in it.</summary>
    protected KeptLayer? Take(string upper) => Directories.List(upper).Count == 0 ? null : Build.Layers.Take(upper, Build.Options.Epoch);

    /// <summary>An upper directory's own owner and mode are those of the root that is seen.</summary>
    protected static void CopyRoot(IReadOnlyList<string> layers, string upper)
    {
        if (layers.Count > 0 && Files.TryStatus(layers[^1], out _) is { } root)
        {
            Files.Chown(upper, root.UserId, root.GroupId);
            Files.Chmod(upper, root.Permissions);
        }
    }
}

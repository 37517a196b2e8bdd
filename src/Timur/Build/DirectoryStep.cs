using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Engine;
using Timur.Images;

namespace Timur.Build;

/// <summary>WORKDIR makes its directory when it isn't there; the user of the moment owns it.</summary>
internal sealed class DirectoryStep(StageBuild stage, TextInstruction instruction) : LayerStep(stage)
{
    private string Path => Stage.State.Config.WorkingDir;

    internal override string CreatedBy => $"WORKDIR {Path}";

    internal override string Key() => KeyOf("directory").Add(Path).Add(Stage.State.Config.User).Finish();

    internal override KeptLayer? Make()
    {
        string path = SourceTree.Clean(Path);
        PayloadUser owner = Owner();
        return path.Length == 0 ? null : Change(Stage.State.LayerDirectories, tree => new TargetTree(tree, instruction.At).MakeDirectories(path, owner.UserId, owner.GroupId));
    }

    private PayloadUser Owner()
    {
        try
        {
            return new UserLookup([.. Stage.State.LayerDirectories.Reverse()]).Find(Stage.State.Config.User);
        }
        catch (Failure)
        {
            // RUN says what is wrong with the user.
            return new PayloadUser(0, 0, [], "/");
        }
    }
}

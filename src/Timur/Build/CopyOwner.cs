using System.Globalization;
using Timur.Build.Dockerfiles;
using Timur.Engine;

namespace Timur.Build;

/// <summary><c>--chown=USER[:GROUP]</c> by names of the stage's own passwd and group, or by number; a number without a group means the group of that number.</summary>
internal static class CopyOwner
{
    internal static (uint User, uint Group) Find(string text, IReadOnlyList<string> layers, Place at)
    {
        if (!text.Contains(':') && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
        {
            return (number, number);
        }

        try
        {
            PayloadUser user = new UserLookup([.. layers.Reverse()]).Find(text);
            return (user.UserId, user.GroupId);
        }
        catch (Failure e)
        {
            throw at.Error(e.Message.Replace("--user: the image", "--chown: the stage", StringComparison.Ordinal), "add it by RUN before, or use numbers", e);
        }
    }
}

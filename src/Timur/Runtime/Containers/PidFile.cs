using System.Text;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>The file in which a caller looks for a process's id.</summary>
internal static class PidFile
{
    internal static void Write(string path, int pid) => AtomicFile.Write(Path.GetFullPath(path), Encoding.UTF8.GetBytes(pid.ToString()), 0x1A4);
}

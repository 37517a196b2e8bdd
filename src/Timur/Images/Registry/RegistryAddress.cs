using System.Net;

namespace Timur.Images.Registry;

/// <summary>A registry by the host and port in image names, and where it really is.</summary>
internal sealed record RegistryAddress(string Name)
{
    /// <summary>Docker Hub answers under another name than the one it has in images.</summary>
    internal string Host => Name == "docker.io" ? "registry-1.docker.io" : Name;

    /// <summary>This machine itself, where nobody listens in.</summary>
    internal bool IsLoopback
    {
        get
        {
            string host = Host.Split(':')[0];
            return host == "localhost" || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
        }
    }

    internal Uri Root(string scheme) => new($"{scheme}://{Host}/v2/");
}

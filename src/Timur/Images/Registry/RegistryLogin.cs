using System.Net;
using Timur.Images.Registry.Credentials;

namespace Timur.Images.Registry;

/// <summary>Tries credentials at a registry.</summary>
public static class RegistryLogin
{
    /// <summary>Asks the registry whether it knows the user; a <see cref="Failure"/> when it doesn't.</summary>
    public static void Check(string registry, Credential credential, RegistrySettings settings)
    {
        using var connection = new RegistryConnection(registry, settings with { Credentials = $"{credential.User}:{credential.Password}" });
        using HttpResponseMessage response = connection.Send(() => new HttpRequestMessage(HttpMethod.Get, connection.Root), "", default);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            throw new Failure($"{registry} doesn't know this user name and password", "check them; some registries want a token instead of the password");
        }

        if (!response.IsSuccessStatusCode)
        {
            throw connection.Refused(response, registry);
        }
    }
}

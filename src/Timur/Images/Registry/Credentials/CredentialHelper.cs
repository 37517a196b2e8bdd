using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Timur.Images.Registry.Credentials;

/// <summary>A program <c>docker-credential-NAME</c> that keeps credentials (the protocol of docker-credential-helpers: a verb, JSON in, JSON out).</summary>
internal sealed class CredentialHelper(string name)
{
    /// <summary>Null when it has none for this server.</summary>
    internal Credential? Get(string server)
    {
        (int code, string output) = Run("get", server);
        if (code != 0)
        {
            return output.Contains("not found", StringComparison.OrdinalIgnoreCase) || output.Contains("no credentials", StringComparison.OrdinalIgnoreCase)
                ? null : throw Failed("get", code, output);
        }

        try
        {
            JsonNode? json = JsonNode.Parse(output);
            string user = (string?)json?["Username"] ?? "";
            string? secret = (string?)json?["Secret"];
            return user == "<token>" ? new Credential("", null, secret) : new Credential(user, secret);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Failed("get", code, "its answer isn't what the protocol says");
        }
    }

    internal void Store(string server, Credential credential)
    {
        var json = new JsonObject { ["ServerURL"] = server, ["Username"] = credential.User, ["Secret"] = credential.Password };
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            json.WriteTo(writer);
        }

        (int code, string output) = Run("store", System.Text.Encoding.UTF8.GetString(stream.ToArray()));
        if (code != 0)
        {
            throw Failed("store", code, output);
        }
    }

    /// <summary>Servers that it has credentials for.</summary>
    internal IReadOnlyList<string> List()
    {
        (int code, string output) = Run("list", "");
        if (code != 0)
        {
            throw Failed("list", code, output);
        }

        try
        {
            return JsonNode.Parse(output) is JsonObject json ? [.. json.Select(pair => pair.Key)] : throw new JsonException();
        }
        catch (JsonException)
        {
            throw Failed("list", code, "its answer isn't what the protocol says");
        }
    }

    internal bool Erase(string server) => Run("erase", server).Code == 0;

    private (int Code, string Output) Run(string verb, string input)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo($"docker-credential-{name}", verb) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            try
            {
                process.StandardInput.Write(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended without asking; its exit code says what that means.
            }

            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new Failure($"the credentials are kept by docker-credential-{name}, which isn't on this machine", "install it, or take its name out of auth.json or config.json", cause: e);
        }
    }

    private Failure Failed(string verb, int code, string output)
        => new($"docker-credential-{name} {verb} ended with exit code {code}: {output.Trim()}", "try it by hand");
}

using System.Text;

namespace Timur.Images.Registry.Credentials;

/// <summary>Who somebody is at a registry: a password, or an identity token that a token server takes instead.</summary>
public sealed record Credential(string User, string? Password, string? IdentityToken = null)
{
    /// <summary>From <c>USER:PASSWORD</c>.</summary>
    public static Credential Parse(string text)
    {
        int colon = text.IndexOf(':');
        return colon > 0 ? new Credential(text[..colon], text[(colon + 1)..])
            : throw new Failure("--creds needs USER:PASSWORD", "for example: --creds anna:secret; timur login keeps them instead");
    }

    /// <summary>From the <c>auth</c> member of an auth.json: base64 of <c>USER:PASSWORD</c>; null when it is something else.</summary>
    internal static Credential? FromBase64(string text)
    {
        Span<byte> bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out int count))
        {
            return null;
        }

        string pair = Encoding.UTF8.GetString(bytes[..count]).TrimEnd('\0');
        return pair.IndexOf(':') is var colon and > 0 ? new Credential(pair[..colon], pair[(colon + 1)..]) : null;
    }

    internal string ToBase64() => Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}"));

    /// <summary>Without the secret.</summary>
    public override string ToString() => User;
}

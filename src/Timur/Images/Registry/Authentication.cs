using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Timur.Images.Registry.Credentials;
using Timur.Oci;

namespace Timur.Images.Registry;

/// <summary>
/// Answers a registry's challenges: Basic, and Bearer with a token server (distribution-spec; Docker's token and OAuth2 specifications). Tokens are kept
/// for each scope until shortly before they expire. Several threads may use it.
/// </summary>
internal sealed class Authentication(string registry, RegistrySettings settings, Func<HttpRequestMessage, CancellationToken, HttpResponseMessage> send)
{
    /// <summary>What a token server means that doesn't say how long its token lasts.</summary>
    private const long DefaultLifetime = 60;

    private const long LongestLifetime = 365 * 24 * 3600;

    private readonly Lock _lock = new();

    /// <summary>Until when each holds, by the clock that nobody sets (Environment.TickCount64).</summary>
    private readonly Dictionary<string, (AuthenticationHeaderValue Value, long Until)> _known = [];

    /// <summary>Where tokens for a scope come from.</summary>
    private readonly Dictionary<string, Challenge> _sources = [];
    private Credential? _credential;
    private bool _looked;

    /// <summary>
    /// The Authorization header for a scope, with a token got anew when the last one's time is nearly over; null when none is known, and then the registry is asked without.
    /// </summary>
    internal AuthenticationHeaderValue? For(string scope, bool secure, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(scope, out var known) && known.Until <= Environment.TickCount64 && _sources.TryGetValue(scope, out Challenge? source))
            {
                _known[scope] = known = Fetch(source, scope, Known(), secure, cancel);
            }

            return known.Value;
        }
    }

    /// <summary>Acts on a 401: true when another try is worth it. Called by whoever got it, with the header that was refused.</summary>
    internal bool Answer(HttpResponseMessage refusal, string scope, AuthenticationHeaderValue? refused, bool secure, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(scope, out var known) && known.Until > Environment.TickCount64 && !known.Value.Equals(refused))
            {
                return true;
            }

            List<Challenge> challenges = [];
            if (refusal.Headers.NonValidated.TryGetValues("WWW-Authenticate", out HeaderStringValues headers))
            {
                foreach (string header in headers)
                {
                    challenges.AddRange(Challenge.Parse(header));
                }
            }

            Credential? credential = Known();
            if (challenges.Find(challenge => challenge.Scheme == "bearer" && challenge["realm"] is not null) is { } bearer)
            {
                _known[scope] = Fetch(bearer, scope, credential, secure, cancel);
                _sources[scope] = bearer;
                return true;
            }

            if (challenges.Exists(challenge => challenge.Scheme == "basic") && credential?.Password is not null && refused is null)
            {
                _known[scope] = (Basic(credential), long.MaxValue);
                return true;
            }

            return false;
        }
    }

    /// <summary>Whether credentials were found for this registry; for the advice when access is refused.</summary>
    internal bool HasCredential
    {
        get
        {
            lock (_lock)
            {
                return Known() is not null;
            }
        }
    }

    private Credential? Known()
    {
        if (!_looked)
        {
            _credential = settings.Credentials is { } given ? Credential.Parse(given) : new CredentialStore(settings.AuthFile).Find(registry);
            _looked = true;
        }

        return _credential;
    }

    private static AuthenticationHeaderValue Basic(Credential credential)
        => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Password}")));

    private (AuthenticationHeaderValue, long) Fetch(Challenge challenge, string scope, Credential? credential, bool secure, CancellationToken cancel)
    {
        if (!Uri.TryCreate(challenge["realm"], UriKind.Absolute, out Uri? realm) || realm.Scheme is not ("http" or "https"))
        {
            throw new Failure($"{registry} names '{challenge["realm"]}' as its token server, which is no address", "ask whoever runs the registry");
        }

        if (credential is not null && secure && realm.Scheme != "https")
        {
            throw new Failure($"{registry} wants the password sent to {realm.Host} without encryption", "it isn't sent; ask whoever runs the registry");
        }

        string wanted = challenge["scope"] is { Length: > 0 } asked && !scope.Split(' ').Contains(asked) ? $"{scope} {asked}" : scope;
        using HttpResponseMessage answer = Ask(realm, challenge["service"], wanted, credential, cancel);
        if (!answer.IsSuccessStatusCode)
        {
            throw answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest
                ? new Failure(
                    $"{registry} refuses access: its token server {realm.Host} answers {(int)answer.StatusCode}",
                    credential is null ? $"log in: timur login {registry}" : $"user name or password may be wrong: timur login {registry}")
                : new Failure($"{registry}: its token server {realm.Host} answers {(int)answer.StatusCode} {answer.ReasonPhrase}", "try again later");
        }

        JsonPart json = JsonPart.Parse(Bodies.ReadLimited(answer, 1 << 20, settings.Patience, cancel), $"the answer of {realm.Host}");
        string token = json.Text("token") ?? json.Text("access_token") ?? throw json.Complain("there is no token in it");
        if (token.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            throw json.Complain("its token has characters that no header takes");
        }

        long seconds = json.Number("expires_in") is > 0 and var said ? Math.Min(said, LongestLifetime) : DefaultLifetime;

        // From now on, not from issued_at: clocks differ. Got anew when nine tenths of its life are over.
        return (new AuthenticationHeaderValue("Bearer", token), Environment.TickCount64 + (seconds * 900));
    }

    private HttpResponseMessage Ask(Uri realm, string? service, string scope, Credential? credential, CancellationToken cancel)
    {
        if (credential?.IdentityToken is { } identity)
        {
            HttpResponseMessage answer = send(
                new HttpRequestMessage(HttpMethod.Post, realm)
                {
                    Content = new FormUrlEncodedContent(
                    [
                        new("grant_type", "refresh_token"), new("service", service ?? ""), new("client_id", "timur"), new("scope", scope), new("refresh_token", identity),
                    ]),
                },
                cancel);
            if (answer.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed))
            {
                return answer;
            }

            answer.Dispose();
        }

        var query = new StringBuilder(realm.Query.Length > 1 ? realm.Query + "&" : "?");
        query.Append(CultureInfo.InvariantCulture, $"service={Uri.EscapeDataString(service ?? "")}");
        foreach (string one in scope.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            query.Append(CultureInfo.InvariantCulture, $"&scope={Uri.EscapeDataString(one)}");
        }

        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(realm, query.ToString()));
        if (credential?.Password is not null)
        {
            query.Append(CultureInfo.InvariantCulture, $"&account={Uri.EscapeDataString(credential.User)}");
            request = new HttpRequestMessage(HttpMethod.Get, new Uri(realm, query.ToString()));
            request.Headers.Authorization = Basic(credential);
        }

        return send(request, cancel);
    }
}

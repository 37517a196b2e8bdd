using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Timur.Digests;

namespace Timur.Images.Registry;

/// <summary>
/// Requests to one registry: finds out how it is reached, authenticates, follows redirects, tries again what fails for a passing reason. Blocking, for several
/// threads at once; nothing of it exists before a registry is needed.
/// </summary>
internal sealed class RegistryConnection : IDisposable
{
    private const int MostRedirects = 10;

    private readonly RegistryAddress _address;
    private readonly RegistrySettings _settings;
    private readonly HttpClient _client;
    private readonly Authentication _authentication;
    private readonly Lazy<Uri> _root;
    private volatile bool _answered;

    internal RegistryConnection(string registry, RegistrySettings settings)
    {
        _address = new RegistryAddress(registry);
        _settings = settings;
        IsLax = !(settings.TlsVerify ?? !(_address.IsLoopback && !Certificates.Has(_address, settings)));
        _client = new HttpClient(Handler()) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("timur");
        _authentication = new Authentication(registry, settings, SendOnce);
        _root = new Lazy<Uri>(FindRoot);
    }

    /// <summary>As it stands in names.</summary>
    internal string Name => _address.Name;

    internal Patience Patience => _settings.Patience;

    internal long PieceSize => _settings.PieceSize;

    /// <summary>Where <c>/v2/</c> is.</summary>
    internal Uri Root => _root.Value;

    private bool IsLax { get; }

    public void Dispose() => _client.Dispose();

    /// <summary>Sends until there is an answer that is final; the body is still to be read.</summary>
    /// <param name="make">Makes the request, each time anew.</param>
    /// <param name="scope">What it needs access to, such as <c>repository:library/busybox:pull</c>.</param>
    internal HttpResponseMessage Send(Func<HttpRequestMessage> make, string scope, CancellationToken cancel) => Send(make, scope, 0, out _, cancel);

    /// <summary>As the other, with the body when the answer is 200: one that breaks off is asked for again.</summary>
    /// <param name="limit">The most bytes it may have.</param>
    internal HttpResponseMessage Send(Func<HttpRequestMessage> make, string scope, int limit, out byte[] body, CancellationToken cancel)
    {
        var backoff = new Backoff(Patience, cancel);
        while (true)
        {
            try
            {
                HttpResponseMessage response = SendAuthenticated(make, scope, cancel);
                _answered = true;
                if (!Backoff.IsPassing(response.StatusCode) || !backoff.TryWait(response.Headers.RetryAfter))
                {
                    body = limit > 0 && response.StatusCode == HttpStatusCode.OK ? Bodies.ReadLimited(response, limit, Patience, cancel) : [];
                    return response;
                }

                response.Dispose();
            }
            catch (Exception e) when (IsBroken(e))
            {
                // A registry that never answered is more likely misspelt than busy.
                bool hopeless = !_answered && e is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError };
                if (hopeless || !backoff.TryWait())
                {
                    throw Unreachable(e);
                }
            }
        }
    }

    /// <summary>The failure for an answer that isn't what was wanted.</summary>
    internal Failure Refused(HttpResponseMessage response, string what)
    {
        string reason = Bodies.Reason(response, Patience);
        return response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
            ? new Failure(
                $"{what}: {Name} refuses access: {reason}",
                _authentication.HasCredential ? $"this user may not do that, or the password is wrong: timur login {Name}" : $"log in: timur login {Name}")
            : new Failure($"{what}: {Name} answers {reason}", response.StatusCode == HttpStatusCode.TooManyRequests ? "wait a while, or log in for a higher limit" : null);
    }

    /// <summary>The connection failed, rather than the request being refused.</summary>
    internal static bool IsBroken(Exception e) => e is HttpRequestException or IOException or SocketException or ObjectDisposedException;

    private HttpResponseMessage SendAuthenticated(Func<HttpRequestMessage> make, string scope, CancellationToken cancel)
    {
        for (int attempt = 0; ; attempt++)
        {
            HttpRequestMessage request = make();
            AuthenticationHeaderValue? authorization = _authentication.For(scope, Root.Scheme == "https", cancel);
            HttpResponseMessage response = SendAlongRedirects(request, authorization, cancel);
            if (response.StatusCode != HttpStatusCode.Unauthorized || attempt == 2
                || !_authentication.Answer(response, scope, authorization, Root.Scheme == "https", cancel))
            {
                return response;
            }

            response.Dispose();
        }
    }

    /// <summary>Credentials go to the registry and nobody else: a redirect to another host is followed without them.</summary>
    private HttpResponseMessage SendAlongRedirects(HttpRequestMessage request, AuthenticationHeaderValue? authorization, CancellationToken cancel)
    {
        for (int redirects = 0; ; redirects++)
        {
            Uri uri = request.RequestUri!;
            request.Headers.Authorization = IsRegistry(uri) ? authorization : null;
            HttpResponseMessage response = SendOnce(request, cancel);
            bool redirected = response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
            if (!redirected || response.Headers.Location is not { } location || (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head))
            {
                return response;
            }

            response.Dispose();
            Uri next = Bodies.Place(uri, location.OriginalString);
            if (redirects == MostRedirects || (uri.Scheme == "https" && next.Scheme == "http" && !IsLax))
            {
                throw new Failure($"{uri.Host} redirects to {next.GetLeftPart(UriPartial.Authority)}, {(redirects == MostRedirects ? "round in a circle" : "without encryption")}", "ask whoever runs the registry");
            }

            var again = new HttpRequestMessage(request.Method, next);
            foreach ((string name, IEnumerable<string> values) in request.Headers)
            {
                again.Headers.TryAddWithoutValidation(name, values);
            }

            request = again;
        }
    }

    private bool IsRegistry(Uri uri) => uri.Scheme == Root.Scheme && uri.Authority == Root.Authority;

    private HttpResponseMessage SendOnce(HttpRequestMessage request, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);

        // What was sent may have to be put in its place before there is an answer.
        TimeSpan silence = request.Content is null ? Patience.Silence : 2 * Patience.Silence;
        patience.CancelAfter(silence);
        if (request.Content is UploadContent upload)
        {
            upload.Beat = () => patience.CancelAfter(silence);
        }

        try
        {
            return _client.Send(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new IOException($"no answer within {silence.TotalSeconds:0} s", e);
        }
    }

    /// <summary>TLS; where that may be left out, plain HTTP when nothing answers over TLS.</summary>
    private Uri FindRoot()
    {
        if (!IsLax)
        {
            return StreamSha256.HasOpenSsl ? _address.Root("https")
                : throw new Failure($"can't reach {Name}: HTTPS needs the OpenSSL library, and this machine has none", "install it: apt-get install libssl3 ca-certificates");
        }

        if (StreamSha256.HasOpenSsl)
        {
            try
            {
                using HttpResponseMessage response = SendOnce(new HttpRequestMessage(HttpMethod.Get, _address.Root("https")), default);
                return _address.Root("https");
            }
            catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.SecureConnectionError or HttpRequestError.ConnectionError or HttpRequestError.ResponseEnded
                or HttpRequestError.ProxyTunnelError or HttpRequestError.NameResolutionError)
            {
            }
        }

        return _address.Root("http");
    }

    private SocketsHttpHandler Handler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = !_address.IsLoopback,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 64,
        ActivityHeadersPropagator = null,
        SslOptions = Certificates.Options(_address, _settings, IsLax),
        ConnectCallback = Connect,
    };

    /// <summary>A socket that blocks: on one that .NET connects itself, each read is a trip through a thread that polls.</summary>
    private static ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using (cancel.UnsafeRegister(static opened => ((Socket)opened!).Dispose(), socket))
            {
                socket.Connect(context.DnsEndPoint);
            }

            return new ValueTask<Stream>(new NetworkStream(socket, ownsSocket: true));
        }
        catch
        {
            socket.Dispose();
            cancel.ThrowIfCancellationRequested();
            throw;
        }
    }

    private Failure Unreachable(Exception e)
    {
        string reason = e.InnerException is AuthenticationException tls ? tls.InnerException?.Message ?? tls.Message
            : e is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } ? "its name can't be resolved"
            : e.InnerException?.Message ?? e.Message;
        string? advice = e is HttpRequestException { HttpRequestError: var kind } ? kind switch
        {
            HttpRequestError.NameResolutionError => "check the name, and this machine's network and name server",
            HttpRequestError.SecureConnectionError =>
                $"put the registry's authority into /etc/containers/certs.d/{Name}/ca.crt; --tls-verify=false does without checking, or without TLS",
            HttpRequestError.ConnectionError => "check the name and port, the network, and HTTPS_PROXY if there is a proxy",
            _ => null,
        } : null;
        return new Failure($"can't reach registry {Name}: {reason}", advice ?? "the network or the registry broke off again and again: try later, what was fetched is kept", cause: e);
    }
}

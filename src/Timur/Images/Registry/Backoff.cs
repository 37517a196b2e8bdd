using System.Net;
using System.Net.Http.Headers;

namespace Timur.Images.Registry;

/// <summary>How often, and after how long, something that failed for a passing reason is tried again.</summary>
internal sealed class Backoff(Patience patience, CancellationToken cancel)
{
    private const int Attempts = 6;
    private static readonly TimeSpan LongestWish = TimeSpan.FromMinutes(2);
    private int _failed;

    /// <summary>An answer that may be another one later: too many requests, or trouble inside the server. Other 4xx stay what they are.</summary>
    internal static bool IsPassing(HttpStatusCode status)
        => status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || ((int)status >= 500 && status != HttpStatusCode.NotImplemented);

    /// <summary>Something was achieved since: the count starts anew.</summary>
    internal void Reset() => _failed = 0;

    /// <summary>Waits, twice as long each time and never exactly as long as others do; false when it was tried often enough.</summary>
    /// <param name="wish">What the server asked for in Retry-After (RFC 9110, 10.2.3): seconds or a date.</param>
    internal bool TryWait(RetryConditionHeaderValue? wish = null)
    {
        if (++_failed >= Attempts)
        {
            return false;
        }

        TimeSpan wait = patience.FirstWait * Math.Pow(2, _failed - 1) * (0.75 + (Random.Shared.NextDouble() / 2));
        TimeSpan? wished = wish?.Delta ?? (wish?.Date is { } date ? date - DateTimeOffset.UtcNow : null);
        if (wished > LongestWish)
        {
            return false;
        }

        cancel.WaitHandle.WaitOne(wished > wait ? wished.Value : wait);
        cancel.ThrowIfCancellationRequested();
        return true;
    }
}

using Timur.Images.Registry;
using Xunit;

namespace Timur.Tests.Images;

public class ChallengeTests
{
    [Fact]
    public void Parameters_are_read_whether_quoted_or_not()
    {
        Challenge challenge = Assert.Single(Challenge.Parse("Bearer realm=\"https://auth.example/token\",service=registry.example , scope=\"repository:a/b:pull,push\""));
        Assert.Equal(("bearer", "https://auth.example/token", "registry.example", "repository:a/b:pull,push"), (challenge.Scheme, challenge["realm"], challenge["service"], challenge["scope"]));
    }

    [Fact]
    public void Several_challenges_stand_in_one_header()
    {
        IReadOnlyList<Challenge> challenges = Challenge.Parse("Negotiate, Basic realm=\"a, b=c \\\"d\\\"\", BEARER realm=x");
        Assert.Equal(["negotiate", "basic", "bearer"], challenges.Select(challenge => challenge.Scheme));
        Assert.Equal(("a, b=c \"d\"", "x"), (challenges[1]["realm"], challenges[2]["realm"]));
        Assert.Null(challenges[2]["scope"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",,")]
    [InlineData("=")]
    [InlineData("Basic realm=\"never closed")]
    [InlineData("Basic =\"\\")]
    [InlineData("\"\"\"")]
    public void Nonsense_is_read_without_an_error(string header) => Assert.InRange(Challenge.Parse(header).Count, 0, 2);
}

using System.Text;
using Timur.Build;
using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Images.Registry.Configuration;
using Timur.Oci;
using Xunit;

namespace Timur.Tests.Images;

/// <summary>Documents that somebody damaged: whatever is in them, the answer is a value or a sentence (a <see cref="Failure"/>), never another exception.</summary>
public class DocumentFuzzTests
{
    private const int Cases = 20_000;
    private const int Seed = 20261127;
    private static readonly string Digest = "sha256:" + new string('a', 64);

    [Fact]
    public void Dockerfiles()
    {
        string[] corpus =
        [
            "# syntax=docker/dockerfile:1\n# escape=`\nARG V=1\nFROM busybox:${V:-2} AS one\nRUN echo `\n  two\nCOPY --from=one --chmod=u+x,g=rw --chown=1:2 a b /c/\n",
            "FROM scratch\nADD --checksum=sha256:00 --keep-git-dir https://example.org/a.tar /x\nENV A=1 B=\"two words\" C='x'\nENV OLD style\nLABEL \"a b\"=c\nEXPOSE 80/tcp 90-92\nVOLUME [\"/a\", \"/b\"]\n",
            "FROM a\nRUN <<EOF cat <<-'B'\nx\nEOF\n\ty\n\tB\nCOPY <<F /f\n$A ${A#x} ${A%%y} ${A//a/b}\nF\nHEALTHCHECK --interval=5s --retries=3 CMD [\"x\"]\nSTOPSIGNAL 9\nUSER a:b\nWORKDIR rel\nSHELL [\"sh\"]\n",
            "FROM a\nRUN --mount=type=cache,target=/c,id=x,sharing=locked,mode=0700,uid=1,gid=2,from=b,source=/s --mount=type=secret,id=s,required,env=T --mount=type=ssh --network=none --security=sandbox make\nONBUILD RUN x\nENTRYPOINT [\"e\"]\nCMD c\nMAINTAINER m\n",
        ];
        Check(new Mutation(Seed, corpus, "FROM ", "\nRUN ", "--mount=type=", "<<EOF", "<<-'E'\n", "\\\n", "${a:-", "${a:?x}", "ONBUILD ", "\nCOPY ", "\nARG ", "--from=", "AS ", "\n#", "\nHEALTHCHECK "), 60, text =>
        {
            Dockerfile file = Dockerfile.Parse("Dockerfile", text);
            var kinds = new SortedSet<string>();
            foreach (Instruction instruction in file.Stages.SelectMany(stage => stage.Instructions))
            {
                kinds.Add(instruction.GetType().Name);
                var expansion = new Expansion(name => name.Length > 2 ? null : "v", file.Escape, instruction.At);
                instruction.At.Lines.ToList().ForEach(line => expansion.Word(line));
                if (instruction is RunInstruction run)
                {
                    run.Mounts.ToList().ForEach(mount => kinds.Add(RunMount.Parse(mount, expansion, run.At).Type));
                }
                else if (instruction is not (CopyInstruction or ArgInstruction))
                {
                    ConfigChange.Apply(new ImageConfig(), instruction, expansion, false);
                }
            }

            return $"{file.Stages.Count} {string.Join(' ', kinds)}";
        });
    }

    [Fact]
    public void Manifests_and_indexes()
    {
        string[] corpus =
        [
            """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"DIGEST","size":3},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"DIGEST","size":9}],"annotations":{"a":"b"}}""".Replace("DIGEST", Digest, StringComparison.Ordinal),
            """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"DIGEST","size":3,"platform":{"os":"linux","architecture":"amd64","variant":"v2"}},{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"DIGEST","size":3,"platform":{"os":"unknown","architecture":"unknown"}}]}""".Replace("DIGEST", Digest, StringComparison.Ordinal),
            """{"schemaVersion":1,"name":"x","fsLayers":[]}""",
        ];
        Check(new Mutation(Seed, corpus, "\"layers\":", "\"manifests\":[", "\"size\":-1", "\"digest\":\"\"", "{}", "[]", "\"platform\":null"), 40, text =>
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            string type = Manifest.TypeOf(bytes, text.Length % 2 == 0 ? "" : MediaTypes.OciManifest, "document");
            return MediaTypes.IsIndex(type) ? "index " + ImageIndex.Read(bytes, "document").Choose(Platform.Own, "document").MediaType : "manifest " + Manifest.Read(bytes, type, "document").Layers.Count;
        });
    }

    [Fact]
    public void Configurations()
    {
        string[] corpus =
        [
            """{"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05.6Z","author":"a","config":{"User":"1:2","ExposedPorts":{"80/tcp":{}},"Env":["A=b"],"Entrypoint":["e"],"Cmd":["c"],"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"l":"m"},"StopSignal":"TERM","Healthcheck":{"Test":["CMD","x"],"Interval":1000000000,"Retries":3},"OnBuild":["RUN x"],"Shell":["sh"]},"rootfs":{"type":"layers","diff_ids":["DIGEST"]},"history":[{"created":"2026-01-02T03:04:05Z","created_by":"x","comment":"c","empty_layer":true}]}""".Replace("DIGEST", Digest, StringComparison.Ordinal),
            """{"config":null,"rootfs":{"type":"layers","diff_ids":[]}}""",
        ];
        Check(new Mutation(Seed, corpus, "null", "{}", "[]", "\"Env\":", "\"Cmd\":\"x\"", "\"Healthcheck\":{\"Test\":[]}", "\"created\":\"never\""), 25, text =>
        {
            ImageConfig config = ImageConfigJson.Read(Encoding.UTF8.GetBytes(text), "configuration");
            return $"{ImageConfigJson.Read(ImageConfigJson.Write(config), "written").DiffIds.Count} {config.Env.Count} {config.History.Count} {config.Cmd.Count}";
        });
    }

    [Fact]
    public void What_registries_say_and_people_write()
    {
        string[] corpus =
        [
            "Bearer realm=\"https://auth.example/token\",service=registry.example , scope=\"repository:a/b:pull,push\"", "Negotiate, Basic realm=\"a, b=c \\\"d\\\"\"", "registry.example:5000/team/app:1.0",
            "app@" + Digest, "linux/arm/v7", "!keep/**/*.md\n*.txt\n# c\n[a-z]?\n", "u+x,g=rw,o=u", "</v2/_catalog?last=b>; rel=\"next\"", "type=bind,from=a,rw", "docker.io/library/x",
        ];
        Check(new Mutation(Seed, corpus, "rel=next", ">", "<", "@sha256:", "**/", "[!", "realm=", "\\"), 20, text =>
        {
            int challenges = Challenge.Parse(text).Count;
            bool ignored = IgnoreRules.Parse(text).Ignores("a/b.txt");
            bool isMode = ModeChange.TryParse(text)?.Apply(0x1ED, isDirectory: true) is not null;
            bool isPlace = Refused(() => Bodies.Place(new Uri("http://registry.example/v2/"), text));
            bool isPlatform = Refused(() => Platform.Parse(text));
            bool isMount = Refused(() => RunMount.Parse(text, new Expansion(_ => null, '\\', new Place("D", 1, [text])), new Place("D", 1, [text])));
            return $"{Math.Min(challenges, 3)} {ignored} {isMode} {isPlace} {isPlatform} {isMount} {ImageName.Parse(text).HasDigest}";
        });
    }

    [Fact]
    public void Registries_conf()
    {
        string path = Path.GetTempFileName();
        try
        {
            string[] corpus =
            [
                "unqualified-search-registries = [\"a.example\", 'b.example']\nshort-name-mode=\"enforcing\"\n[[registry]]\nprefix = \"*.example.org\"\nlocation = \"x.example/y\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"m.example\"\npull-from-mirror = \"digest-only\"\n[aliases]\n\"d\" = \"docker.io/library/d\"\n",
                "# c\n[registries.search]\nregistries = ['old.example']\nx = 1_000\ny = \"\"\"multi\nline\"\"\"\nz = { a = 1, b = [1, [2]] }\n",
            ];
            Check(new Mutation(Seed, corpus, "[[registry]]\n", "= [", "\"\"\"", "'''", "{ a = ", "[a.b.c]\n", "blocked = true\n"), 20, text =>
            {
                File.WriteAllBytes(path, Encoding.UTF8.GetBytes(text));
                TomlPart? part = TomlPart.TryRead(path);
                return part is null ? "none" : "read " + text.Count(c => c == '[');
            });
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Both outcomes are reached in many ways, else the damage would be too coarse to test anything.</summary>
    private static void Check(Mutation mutation, int kinds, Func<string, string> ask)
    {
        mutation.Run(Cases, ask);
        Assert.True(mutation.Kinds > kinds, $"only {mutation.Kinds} kinds of answers");
    }

    private static bool Refused(Action ask)
    {
        try
        {
            ask();
            return false;
        }
        catch (Failure)
        {
            return true;
        }
    }
}

using Xunit;

namespace Timur.SystemTests;

/// <summary>What the binary does on a machine that has nothing but libc: the root of the virtual machine is made that way.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class LibraryTests(VirtualMachine machine)
{
    /// <summary>What .NET loads where it can: OpenSSL, ICU, Kerberos, brotli. (zlib is there for the programs that make disks and links; timur has its own.) systemd's own are where no loader looks.</summary>
    private const string Absent = "find / -xdev -path /opt/systemd -prune -o '(' -name 'libssl*' -o -name 'libcrypto*' -o -name 'libicu*' -o -name 'libgssapi*' -o -name 'libbrotli*' ')' -print";

    [Fact]
    public void Containers_run_where_no_library_but_libc_is()
    {
        Outcome outcome = machine.Shell($"{Absent}; timur rmi busybox >/dev/null 2>&1; timur run --rm --network none busybox echo ran");
        Assert.Equal((0, "ran\n"), (outcome.Code, outcome.Out));
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("gzip -c")]
    public void An_imported_layers_name_is_its_digest_without_openssl(string compress)
    {
        Outcome outcome = machine.Shell($$"""
            {{Absent}}
            mkdir -p /tmp/tree/bin && cp /bin/busybox /tmp/tree/bin/ && tar -C /tmp/tree -cf /tmp/tree.tar . && {{compress}} </tmp/tree.tar >/tmp/archive
            timur import /tmp/archive digested >/dev/null || exit
            timur save -o /tmp/saved.tar digested; layer=$(tar -tf /tmp/saved.tar | grep '^[0-9a-f]*[.]tar$')
            [ -d /var/lib/timur/images/layers/${layer%.tar} ] && [ "$(tar -xOf /tmp/saved.tar $layer | sha256sum | cut -c 1-64).tar" = "$layer" ] && echo layer
            id=$(timur inspect --format '{{"{{.Id}}"}}' digested); id=${id#sha256:}
            [ "$id" = "$(sha256sum </var/lib/timur/images/configs/$id.json | cut -c 1-64)" ] && echo configuration
            timur run --rm --network none digested /bin/busybox echo ran
            timur rmi digested >/dev/null; rm -r /tmp/tree /tmp/tree.tar /tmp/archive /tmp/saved.tar
            """);
        Assert.True(outcome.Out == "layer\nconfiguration\nran\n", outcome.ToString());
    }
}

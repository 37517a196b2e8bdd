using System.Globalization;
using Timur.Kernel;
using Timur.State;

namespace Timur.Networks;

/// <summary>
/// Who has which address: one symbolic link for each, <c>networks/leases/NETWORK/ADDRESS</c> to the container's id. Making the link is the claim
/// (symlink(2) is atomic), so that any number of starts at once needs no lock.
/// </summary>
internal sealed class AddressLeases(DataPaths paths, NetworkRecord network)
{
    private readonly string _directory = Directory(paths, network.Name);

    internal static string Directory(DataPaths paths, string network) => $"{paths.Networks}/leases/{network}";

    /// <summary>Claims any free address; where the search begins follows from the id, so that neighbours in time don't collide.</summary>
    internal uint Claim(ContainerId id)
    {
        uint usable = network.Subnet.Size - 3;
        uint start = uint.Parse(id.Text.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) % usable;
        for (uint tried = 0; tried < usable; tried++)
        {
            uint address = network.Subnet.Gateway + 1 + ((start + tried) % usable);
            if (TryClaim(address, id))
            {
                return address;
            }
        }

        throw new Failure($"can't connect to network {network.Name}: all {usable} addresses of {network.Subnet} are taken",
            "remove containers, or run timur system check --repair if addresses of vanished ones are left");
    }

    /// <summary>Claims this address.</summary>
    internal void Claim(ContainerId id, uint address)
    {
        string text = Ipv4Subnet.Format(address);
        if (!network.Subnet.IsAssignable(address))
        {
            throw new Failure($"can't give {text} to the container: network {network.Name} has {network.Subnet}", "choose an address of that subnet, not its first two or its last");
        }

        if (!TryClaim(address, id))
        {
            string holder = Files.TryReadLink($"{_directory}/{text}", out _) ?? "another container";
            throw new Failure($"can't give {text} to the container: {(holder.Length == 64 ? holder[..12] : holder)} has it", "choose another --ip");
        }
    }

    /// <summary>Gives the address back if it is this container's.</summary>
    internal static void Release(DataPaths paths, string network, string address, ContainerId id)
    {
        string path = $"{Directory(paths, network)}/{address}";
        if (Files.TryReadLink(path, out _) == id.Text)
        {
            Files.TryUnlink(path, out _);
        }
    }

    /// <summary>All leases of a network: address and the holder's id.</summary>
    internal static List<(string Address, string Holder)> List(DataPaths paths, string network)
    {
        var leases = new List<(string, string)>();
        foreach (DirectoryEntry entry in Directories.List(Directory(paths, network)))
        {
            if (Files.TryReadLink($"{Directory(paths, network)}/{entry.Name}", out _) is { } holder)
            {
                leases.Add((entry.Name, holder));
            }
        }

        return leases;
    }

    private bool TryClaim(uint address, ContainerId id)
    {
        string path = $"{_directory}/{Ipv4Subnet.Format(address)}";
        if (Files.TrySymlink(id.Text, path, out Errno why))
        {
            return true;
        }

        // A crash between lease and attachment record leaves the container's own lease.
        return why == Errno.EEXIST ? Files.TryReadLink(path, out _) == id.Text : throw new SyscallException("symlink", why, path);
    }
}

using Timur.Kernel;

namespace Timur.Storage;

/// <summary>Whose a root is when the container has a user namespace.</summary>
/// <param name="UserNamespace">A namespace with the container's ids.</param>
/// <param name="User">The host's id of root inside.</param>
/// <param name="Group">The host's id of its group.</param>
public sealed record RootOwner(Fd UserNamespace, uint User, uint Group);

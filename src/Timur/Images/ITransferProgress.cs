namespace Timur.Images;

/// <summary>Hears how a pull or push is getting on, from several threads.</summary>
public interface ITransferProgress
{
    /// <summary>A layer is on its way.</summary>
    /// <param name="size">Bytes in all.</param>
    void Begin(string layer, long size);

    /// <summary>More bytes of it have come or gone.</summary>
    void Advance(string layer, long bytes);

    /// <summary>Nothing more happens to it.</summary>
    /// <param name="how">Such as <c>done</c> or <c>already here</c>.</param>
    void End(string layer, string how);

    /// <summary>A line for the person.</summary>
    void Say(string line);
}

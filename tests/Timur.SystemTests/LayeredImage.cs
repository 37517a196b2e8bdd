namespace Timur.SystemTests;

/// <summary>An image of many layers, for a shell: there is no command that makes one.</summary>
internal static class LayeredImage
{
    /// <summary>
    /// A shell script that puts an image into a store and its id into <c>$id</c>: busybox, and as many layers on it, of which the layer N has
    /// <c>/layers/N</c> and, as the topmost wins, N in <c>/top</c>.
    /// </summary>
    /// <param name="timur">The command with its options.</param>
    /// <param name="images">The store's directory, quoted for the shell.</param>
    internal static string Script(string timur, string images, int layers) => $$$"""
        set -e
        images={{{images}}}
        {{{timur}}} run --rm --network none busybox true
        ids="\"sha256:$(ls "$images/layers")\""
        i=0
        while [ $i -lt {{{layers}}} ]; do
            i=$((i + 1)); layer=$(printf %064d $i); mkdir -p "$images/layers/$layer/layers"
            : >"$images/layers/$layer/layers/$i"; echo $i >"$images/layers/$layer/top"
            ids="$ids,\"sha256:$layer\""
        done
        echo "{\"config\":{\"Env\":[\"PATH=/bin\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[$ids]}}" >"$images/configs/new"
        id=$(sha256sum "$images/configs/new" | cut -c 1-64)
        mv "$images/configs/new" "$images/configs/$id.json"

        """;
}

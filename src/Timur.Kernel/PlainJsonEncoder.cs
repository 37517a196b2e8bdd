using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Timur.Kernel;

/// <summary>
/// How this program's JSON files are written: only what RFC 8259 section 7 demands is escaped. The library's own encoders prepare tables for all of
/// Unicode at their first use, which a start would notice. Lives in this assembly because the base class works with pointers.
/// </summary>
public sealed class PlainJsonEncoder : JavaScriptEncoder
{
    public static JsonWriterOptions Options => new() { Encoder = new PlainJsonEncoder(), SkipValidation = true };

    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\';

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        for (int i = 0; i < utf8Text.Length; i++)
        {
            if (WillEncode(utf8Text[i]))
            {
                return i;
            }

            // Damaged UTF-8 has to be replaced: that is the slow way's work.
            if (utf8Text[i] >= 0x80)
            {
                return base.FindFirstCharacterToEncodeUtf8(utf8Text[i..]) is var at and >= 0 ? i + at : -1;
            }
        }

        return -1;
    }

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var characters = new ReadOnlySpan<char>(text, textLength);
        for (int i = 0; i < characters.Length; i++)
        {
            if (WillEncode(characters[i]))
            {
                return i;
            }

            if (char.IsSurrogate(characters[i]))
            {
                // A lone half has to be replaced.
                if (Rune.DecodeFromUtf16(characters[i..], out _, out int consumed) != System.Buffers.OperationStatus.Done)
                {
                    return i;
                }

                i += consumed - 1;
            }
        }

        return -1;
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var output = new Span<char>(buffer, bufferLength);
        string text = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            < 0x20 => $"\\u{unicodeScalar:x4}",
            _ => new Rune(unicodeScalar).ToString(),
        };
        numberOfCharactersWritten = text.TryCopyTo(output) ? text.Length : 0;
        return numberOfCharactersWritten > 0;
    }
}

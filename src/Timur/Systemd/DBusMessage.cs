namespace Timur.Systemd;

/// <summary>What a message is (D-Bus specification, Message Types).</summary>
internal enum DBusKind
{
    Call = 1, Answer = 2, Error = 3, Signal = 4,
}

/// <summary>A message: header fields that matter here, and the values.</summary>
/// <param name="Member">Of a call or signal.</param>
/// <param name="ErrorName">Of an error.</param>
/// <param name="AnswerTo">The serial number of the call that it answers.</param>
internal sealed record DBusMessage(DBusKind Kind, string Member, string ErrorName, uint AnswerTo, string Signature, byte[] Body)
{
    private const byte LittleEndian = (byte)'l';

    /// <summary>Bytes that tell how long the whole is.</summary>
    internal const int PreludeSize = 16;

    internal static byte[] Call(uint serial, string destination, string path, string face, string member, string signature, byte[] body)
    {
        var writer = new DBusWriter();
        writer.Byte(LittleEndian);
        writer.Byte((byte)DBusKind.Call);
        writer.Byte(0);
        writer.Byte(1);
        writer.Unsigned((uint)body.Length);
        writer.Unsigned(serial);
        writer.Array(8, () =>
        {
            Field(writer, 1, "o", path);
            Field(writer, 2, "s", face);
            Field(writer, 3, "s", member);
            Field(writer, 6, "s", destination);
            if (signature.Length > 0)
            {
                Field(writer, 8, "g", signature);
            }
        });
        writer.Align(8);
        return [.. writer.ToBytes(), .. body];
    }

    /// <summary>How many bytes follow the prelude.</summary>
    internal static int Rest(byte[] prelude)
    {
        if (prelude[0] != LittleEndian)
        {
            throw new Failure("systemd's answer can't be read", "it isn't little endian", 1);
        }

        var reader = new DBusReader(prelude, 4);
        long body = reader.Unsigned();
        reader.Unsigned();
        long fields = reader.Unsigned();
        long all = ((PreludeSize + fields + 7) / 8 * 8) + body - PreludeSize;
        return all is >= 0 and < 1 << 24 ? (int)all : throw new Failure("systemd's answer can't be read", $"it would have {all} bytes", 1);
    }

    internal static DBusMessage Parse(byte[] message)
    {
        var reader = new DBusReader(message, 1);
        var kind = (DBusKind)reader.Byte();
        reader.Byte();
        reader.Byte();
        int size = (int)reader.Unsigned();
        reader.Unsigned();
        int end = (int)reader.Unsigned() + PreludeSize;
        string member = "", error = "", signature = "";
        uint answers = 0;
        while (reader.At < end)
        {
            reader.Align(8);
            byte code = reader.Byte();
            string type = reader.Signature();
            string text = type is "s" or "o" ? reader.Text() : type == "g" ? reader.Signature() : "";
            uint number = type == "u" ? reader.Unsigned() : 0;
            (member, error, answers, signature) = code switch
            {
                3 => (text, error, answers, signature),
                4 => (member, text, answers, signature),
                5 => (member, error, number, signature),
                8 => (member, error, answers, text),
                _ => (member, error, answers, signature),
            };
        }

        return new DBusMessage(kind, member, error, answers, signature, message[^size..]);
    }

    private static void Field(DBusWriter writer, byte code, string type, string value)
    {
        writer.Align(8);
        writer.Byte(code);
        writer.Signature(type);
        if (type == "g")
        {
            writer.Signature(value);
        }
        else
        {
            writer.Text(value);
        }
    }
}

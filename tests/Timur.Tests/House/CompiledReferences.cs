using System.Reflection;
using System.Reflection.Emit;

namespace Timur.Tests.House;

/// <summary>Which types of ours a compiled type uses: in its signatures and in the instructions of its methods.</summary>
internal static class CompiledReferences
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<int, OpCode> OpCodesByValue = typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value & 0xffff);

    /// <summary>Pairs of a type and a type it uses, both outermost and both in a namespace of Timur's.</summary>
    internal static IEnumerable<(Type User, Type Used)> Of(params IEnumerable<Assembly> assemblies)
        => from assembly in assemblies
           from type in assembly.GetTypes()
           from used in Used(type).SelectMany(Parts)
           let outer = Outermost(type)
           let target = Outermost(used)
           where IsOurs(outer) && IsOurs(target) && outer != target
           group target by (outer, target) into pair
           select (pair.Key.outer, pair.Key.target);

    private static bool IsOurs(Type type) => type.Namespace is { } name && (name == "Timur" || name.StartsWith("Timur.", StringComparison.Ordinal));

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static IEnumerable<Type> Parts(Type type)
        => type.HasElementType ? Parts(type.GetElementType()!)
            : type.IsGenericType && !type.IsGenericTypeDefinition ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
            : type.IsGenericParameter ? type.GetGenericParameterConstraints().SelectMany(Parts) : [type];

    private static IEnumerable<Type> Used(Type type)
    {
        IEnumerable<Type> shape = type.GetInterfaces().Concat(type.GetFields(Declared).Select(field => field.FieldType));
        if (type.BaseType is { } parent)
        {
            shape = shape.Append(parent);
        }

        IEnumerable<MethodBase> methods = type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared));
        return shape.Concat(methods.SelectMany(InSignature)).Concat(methods.SelectMany(InBody));
    }

    private static IEnumerable<Type> InSignature(MethodBase method)
        => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method is MethodInfo { ReturnType: var result } ? result : typeof(void));

    private static IEnumerable<Type> InBody(MethodBase method)
    {
        if (method.GetMethodBody() is not { } body)
        {
            return [];
        }

        Type[] ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : [];
        Type[] ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : [];
        return body.LocalVariables.Select(local => local.LocalType).Concat(
            Tokens(body.GetILAsByteArray()!).SelectMany(token => InMember(method.Module.ResolveMember(token, ofType, ofMethod)!)));
    }

    private static IEnumerable<Type> InMember(MemberInfo member) => member switch
    {
        Type type => [type],
        MethodBase method => InSignature(method).Append(method.DeclaringType!).Concat(method.IsGenericMethod ? method.GetGenericArguments() : []),
        FieldInfo field => [field.DeclaringType!, field.FieldType],
        _ => [],
    };

    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (int at = 0; at < code.Length;)
        {
            int value = code[at++];
            if (value == 0xfe)
            {
                value = 0xfe00 | code[at++];
            }

            OperandType operand = OpCodesByValue[value].OperandType;
            if (operand is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                yield return BitConverter.ToInt32(code, at);
            }

            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }
}

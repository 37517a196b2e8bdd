namespace Timur.Templates;

/// <summary>What an expression sees: the value that <c>.</c> is, and the variables of the blocks around it (Go text/template, "Variables").</summary>
internal sealed class TemplateScope
{
    private readonly TemplateScope? _outer;
    private readonly Dictionary<string, object?> _variables = [];

    internal TemplateScope(object? root) => (Dot, _variables["$"]) = (root, root);

    private TemplateScope(TemplateScope outer, object? dot) => (_outer, Dot) = (outer, dot);

    /// <summary>What <c>.</c> is.</summary>
    internal object? Dot { get; }

    /// <summary>The inside of a block.</summary>
    internal TemplateScope Inside(object? dot) => new(this, dot);

    internal void Declare(string name, object? value) => _variables[name] = value;

    /// <summary><c>$x = …</c>: of the block that declared it.</summary>
    internal void Assign(string name, object? value) => Holder(name)._variables[name] = value;

    internal object? Find(string name) => Holder(name)._variables[name];

    private TemplateScope Holder(string name)
    {
        for (TemplateScope? scope = this; scope is not null; scope = scope._outer)
        {
            if (scope._variables.ContainsKey(name))
            {
                return scope;
            }
        }

        throw new Failure($"--format: there is no variable {name}", $"declare it before: {{{{{name} := .Field}}}}");
    }
}

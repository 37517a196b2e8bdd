using System.Text;
using Timur.CommandLine;

namespace Timur.Cli;

/// <summary><c>timur completion</c>: scripts for shells, and the man page, from the table of commands.</summary>
internal static class CompletionCommand
{
    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.OutText(Operands.One(arguments, "completion", "bash|zsh|fish|man") switch
        {
            "bash" => Bash(),
            "zsh" => "#compdef timur\nautoload -U +X bashcompinit && bashcompinit\n" + Bash(),
            "fish" => Fish(),
            "man" => ManPage(),
            { } other => throw new Failure($"completion: '{other}' isn't a shell", "use bash, zsh, fish or man"),
        });
        return 0;
    }

    private static string Bash()
    {
        var cases = new StringBuilder();
        foreach (Command command in CommandTable.All)
        {
            cases.Append($"        '{command.Name}') words='{string.Join(' ', command.Options().Select(option => "--" + option.Name))}' ;;\n");
        }

        string firsts = string.Join(' ', CommandTable.All.Select(command => command.Name.Split(' ')[0]).Distinct());
        string pairs = string.Join('|', CommandTable.All.Where(command => command.Name.Contains(' ')).Select(command => command.Name.Split(' ')[0]).Distinct());
        return $$"""
            _timur() {
                local current="${COMP_WORDS[COMP_CWORD]}" verb="${COMP_WORDS[1]}" words=''
                if [ "$COMP_CWORD" = 1 ]; then
                    COMPREPLY=($(compgen -W '{{firsts}}' -- "$current")); return
                fi
                if [ "$verb" = oci ] && [ "$COMP_CWORD" = 2 ]; then
                    COMPREPLY=($(compgen -W "$(timur oci --help | sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$current")); return
                fi
                case "$verb" in {{pairs}})
                    if [ "$COMP_CWORD" = 2 ]; then
                        COMPREPLY=($(compgen -W "$(timur --help | sed -n "s/^  $verb \([a-z]*\) .*/\1/p")" -- "$current")); return
                    fi
                    verb="$verb ${COMP_WORDS[2]}" ;;
                esac
                case "$verb" in
            {{cases}}    esac
                case "$current" in
                    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
                    *) case "$verb" in
                        run|create|rmi|tag|push|pull) COMPREPLY=($(compgen -W "$(timur images --format '{{"{{"}}.Repository{{"}}"}}:{{"{{"}}.Tag{{"}}"}}' 2>/dev/null) host" -- "$current")) ;;
                        *) COMPREPLY=($(compgen -W "$(timur ps -a --format '{{"{{"}}.Names{{"}}"}}' 2>/dev/null)" -- "$current")) ;;
                    esac ;;
                esac
            }
            complete -o default -F _timur timur

            """;
    }

    private static string Fish()
    {
        var text = new StringBuilder();
        foreach (Command command in CommandTable.All)
        {
            string[] words = command.Name.Split(' ');
            string condition = words.Length == 1 ? "__fish_use_subcommand" : $"__fish_seen_subcommand_from {words[0]}";
            text.Append($"complete -c timur -f -n '{condition}' -a '{words[^1]}' -d '{command.Summary.Replace("'", "\\'")}'\n");
            foreach (Option option in command.Options().Where(option => !option.ChangesNothing))
            {
                text.Append($"complete -c timur -n '__fish_seen_subcommand_from {words[^1]}' -l {option.Name}{(option.Short is { } letter ? $" -s {letter}" : "")}{(option.Kind is OptionKind.Flag or OptionKind.Optional ? "" : " -r")} -d '{option.Help.Replace("'", "\\'")}'\n");
            }
        }

        return text.ToString();
    }

    private static string ManPage()
    {
        static string Escape(string text) => text.Replace("\\", "\\e").Replace("-", "\\-");
        var page = new StringBuilder($".TH TIMUR 1 \"\" \"timur {VersionCommand.Version}\"\n.SH NAME\ntimur \\- run programs in their own world\n.SH SYNOPSIS\n.B timur\n[\\-\\-root DIR] [\\-\\-state DIR] [\\-\\-debug] COMMAND ...\n.SH COMMANDS\n");
        foreach (Command command in CommandTable.All)
        {
            page.Append($".SS timur {Escape(command.Name)} {Escape(command.Usage)}\n{Escape(command.Summary)}\n");
            foreach (Option option in command.Options().Where(option => !option.ChangesNothing))
            {
                page.Append($".TP\n.B {Escape(option.Display.Trim())} {Escape(option.ValueName)}\n{Escape(option.Help)}\n");
            }
        }

        page.Append(".SH EXIT STATUS\nThe payload's own; 125 when timur failed, 126 when the command can't be run, 127 when it wasn't found, 128+N when signal N killed it.\n");
        return page.ToString();
    }
}

//! The scripts that shells load. They know nothing of the commands: they ask the program itself at every tab.
//!
//! The surprise: none of them lets the shell expand what the program printed (bash's `compgen -W` would): names come from
//! a controller, and a tab must run nothing.

/// Shells that there is a script for.
pub const SHELLS: &[&str] = &["bash", "fish", "zsh"];

/// The script for a shell, if it is one we know.
pub fn script(shell: &str) -> Option<&'static str> {
    match shell {
        "bash" => Some(BASH),
        "zsh" => Some(ZSH),
        "fish" => Some(FISH),
        _ => None,
    }
}

/// Bash cuts words at colons: the whole line goes over, with the characters that it cuts at.
const BASH: &str = r#"# Completion for bash. Load with: source <(grigri completion bash)
_grigri() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        if [ "$word" = '*' ]; then compopt -o default 2>/dev/null; else COMPREPLY+=("$word"); fi
    done < <("${COMP_WORDS[0]/#\~/$HOME}" complete --line "${COMP_LINE:0:COMP_POINT}" --breaks "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
    case "${COMPREPLY[*]}" in *[:=,/]) compopt -o nospace 2>/dev/null ;; esac
}
complete -F _grigri juju grigri
"#;

const ZSH: &str = r#"#compdef juju grigri
# Completion for zsh. Load with: source <(grigri completion zsh)
_grigri() {
    local -a found open
    found=("${(@f)$("${(Q)words[1]/#\~/$HOME}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
    found=(${found:#})
    open=(${(M)found:#*[:=,/]})
    compadd -a -S '' open
    compadd -- ${${found:#*[:=,/]}:#\*}
    if (( $found[(I)\*] )); then _files; fi
}
compdef _grigri juju grigri
"#;

const FISH: &str = r#"# Completion for fish. Load with: grigri completion fish | source
function __grigri_complete
    for word in (command $argv[1] complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null </dev/null)
        if test "$word" = '*'
            __fish_complete_path (commandline -ct)
        else
            echo $word
        end
    end
end
complete -c juju -f -a '(__grigri_complete juju)'
complete -c grigri -f -a '(__grigri_complete grigri)'
"#;

//! Scripts for shells that complete command lines, made from the table of commands.
//!
//! The surprise: names of controllers and models come from the client store by the hidden command `complete`, which
//! never connects: completing must not wait for a network.

use crate::command;
use crate::flags::Flag;

/// The script for a shell, if it is one we know.
pub fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

/// Every name that may stand first.
fn names() -> Vec<&'static str> {
    let mut names = vec!["help"];
    for command in command::all().into_iter().filter(|c| !c.hidden) {
        names.push(command.name);
        names.extend(command.aliases);
    }
    names.sort_unstable();
    names
}

fn bash() -> String {
    let programs = "juju grigri";
    format!(
        "# Completion for bash. Load with: source <(grigri completion bash)\n\
         _grigri() {{\n\
         \x20   local cur=\"${{COMP_WORDS[COMP_CWORD]}}\"\n\
         \x20   local IFS=$'\\n'\n\
         \x20   COMPREPLY=($(compgen -W \"$(\"${{COMP_WORDS[0]}}\" complete -- \"${{COMP_WORDS[@]:1:COMP_CWORD}}\" 2>/dev/null)\" -- \"$cur\"))\n\
         \x20   if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions \"$cur\"; fi\n\
         }}\n\
         complete -o default -F _grigri {programs}\n"
    )
}

fn zsh() -> String {
    "#compdef juju grigri\n\
     # Completion for zsh. Load with: source <(grigri completion zsh)\n\
     _grigri() {\n\
     \x20   local -a found\n\
     \x20   found=(${(f)\"$(\"${words[1]}\" complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"})\n\
     \x20   if (( $#found )); then compadd -a found; else _files; fi\n\
     }\n\
     compdef _grigri juju grigri\n"
        .to_owned()
}

fn fish() -> String {
    let mut text = String::from("# Completion for fish. Load with: grigri completion fish | source\n");
    for program in ["juju", "grigri"] {
        text.push_str(&format!(
            "complete -c {program} -f -a '({program} complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n"
        ));
    }
    text
}

/// What the word being typed, the last of `words`, may become.
pub fn candidates(words: &[String], controllers: &[String], models: &[String]) -> Vec<String> {
    let (typed, before) = match words.split_last() {
        Some((typed, before)) => (typed.as_str(), before),
        None => ("", words),
    };
    let all: Vec<String> = match before.first() {
        None => names().into_iter().map(str::to_owned).collect(),
        Some(name) if name == "help" => names().into_iter().map(str::to_owned).collect(),
        Some(name) => match command::find(name) {
            Some(command) => within(command, before, typed, controllers, models),
            None => Vec::new(),
        },
    };
    all.into_iter().filter(|c| c.starts_with(typed)).collect()
}

fn within(
    command: &command::Command,
    before: &[String],
    typed: &str,
    controllers: &[String],
    models: &[String],
) -> Vec<String> {
    if typed.starts_with('-') {
        let flags = command.own_flags();
        return flags.iter().chain(command::GLOBAL_FLAGS).map(|f| Flag::dashed(f.spelled())).collect();
    }
    match before.last().map(String::as_str) {
        Some("-m" | "--model") => return models.to_vec(),
        Some("-c" | "--controller") => return controllers.to_vec(),
        Some("--format") => return command.formats.iter().map(|f| (*f).to_owned()).collect(),
        _ => {}
    }
    match command.name {
        "switch" => controllers.iter().chain(models).cloned().collect(),
        "show-model" | "destroy-model" => models.to_vec(),
        "show-controller" | "destroy-controller" | "kill-controller" | "start-controller" | "unregister" => {
            controllers.to_vec()
        }
        "completion" => ["bash", "fish", "zsh"].map(str::to_owned).to_vec(),
        _ => Vec::new(),
    }
}

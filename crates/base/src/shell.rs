//! Text for shells. It runs nothing.

use std::fmt::Write;

/// As one word of a shell, whatever is in it (a NUL no shell can have).
pub fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command line that has `/bin/sh` run a script, whatever shell takes it: csh knows no line end between quotes, fish has quotes of its own.
/// Standard input stays the script's.
pub fn script(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" ./_-=:;,".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            // As printf's %b reads it.
            let _ = write!(plain, "\\0{byte:03o}");
        }
    }
    format!("/bin/sh -c 'eval \"$(printf %b \"{plain}\")\"'")
}

#[cfg(test)]
mod tests {
    use super::{script, word};
    use std::process::{Command, Stdio};

    #[test]
    fn a_script_is_the_same_in_every_shell_there_is() {
        let text = "printf '%s|' \"it's\" $((1 + 1)) 'a  b!' \\\\ \"é\n\"\ncat <<E; exit 3\nlast $0\nE\n";
        let mut tried = 0;
        for shell in ["sh", "bash", "dash", "busybox", "csh", "tcsh", "fish", "zsh", "ksh"] {
            let mut command = Command::new(shell);
            if shell == "busybox" {
                command.arg("sh");
            }
            let Ok(done) = command.args(["-c", &script(text)]).stdin(Stdio::null()).output() else { continue };
            let said = String::from_utf8_lossy(&done.stdout);
            assert_eq!(
                (&*said, done.status.code()),
                ("it's|2|a  b!|\\|é\n|last /bin/sh\n", Some(3)),
                "{shell}: {done:?}"
            );
            tried += 1;
        }
        assert!(tried > 0, "no shell at all");
    }

    #[test]
    fn nothing_in_a_word_means_anything_to_a_shell() {
        let check = |text: &str, expected: &str| assert_eq!(word(text), expected);
        check("", "''");
        check("a b", "'a b'");
        check("$(x) `y` \\ \"", "'$(x) `y` \\ \"'");
        check("it's", r"'it'\''s'");
    }
}

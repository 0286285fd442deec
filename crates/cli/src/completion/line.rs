//! A line as bash has it: cut into words as a shell does, and what of the last word bash takes for the whole.
//!
//! The surprise: bash cuts words at `:` and `=` too before it asks, and replaces only what stands behind the last of them.

/// The words of a line up to the cursor, without their quotes; the last is the one being typed, which may be empty or have
/// a quote that is still open. What stands before the last `|`, `;`, `&` or `(` is another command's.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quote: Option<char> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('"') | None, '\\') => {
                word.extend(letters.next());
                begun = true;
            }
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                begun = true;
            }
            (None, '|' | ';' | '&' | '(') => {
                words.clear();
                word.clear();
                begun = false;
            }
            (None, _) if letter.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (None, _) => {
                word.push(letter);
                begun = true;
            }
        }
    }
    words.push(word);
    words
}

/// How much of `word` lies before what bash calls the current word, given its `COMP_WORDBREAKS`: bytes.
pub fn after_break(word: &str, breaks: &str) -> usize {
    let at = word.rfind(|letter: char| matches!(letter, ':' | '=' | '@') && breaks.contains(letter));
    at.map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_as_a_shell_does() {
        for (line, expected) in [
            ("", vec![""]),
            ("juju", vec!["juju"]),
            ("juju ", vec!["juju", ""]),
            ("juju  status -m lab:w", vec!["juju", "status", "-m", "lab:w"]),
            ("juju exec 'a b' \"c \\\" d\" e\\ f", vec!["juju", "exec", "a b", "c \" d", "e f"]),
            ("juju exec '' x", vec!["juju", "exec", "", "x"]),
            ("juju show-machine 'a", vec!["juju", "show-machine", "a"]),
            ("sleep 1; juju st", vec!["juju", "st"]),
            ("echo x | juju --debug ", vec!["juju", "--debug", ""]),
            ("echo $(juju ", vec!["juju", ""]),
            ("a\\", vec!["a"]),
        ] {
            assert_eq!(split(line), expected, "{line:?}");
        }
    }

    #[test]
    fn bash_replaces_what_stands_behind_a_break() {
        for (word, breaks, expected) in [
            ("lab:wo", " \t\n\"'><=;|&(:", 4),
            ("--format=ya", "=:", 9),
            ("lab:wo", "=", 0),
            ("bob@0", "@=:", 4),
            ("bob@0", "=:", 0),
            ("", ":", 0),
        ] {
            assert_eq!(after_break(word, breaks), expected, "{word}");
        }
    }
}

//! Completing command lines in shells: the scripts that shells load, and what may stand where the cursor is.
//!
//! Pure but for its words: what a controller knows is looked up by the hidden command `complete`, which the scripts call.
//! The surprise: shells put what we print into a line that is going to be run, so names are offered only when they are
//! made of characters that no shell reads a meaning into, whatever a controller says its machines are called.

mod line;
mod noun;
mod script;
mod slot;

pub use line::{after_break, split};
pub use noun::{CONSTRAINTS, Noun, PROVIDERS};
pub use script::{SHELLS, script};
pub use slot::{Slot, slot};

/// Stands among the candidates where a path may, too: the scripts leave that to their shell.
pub const FILES: &str = "*";

/// Whether a shell takes the word for itself, quoted or not.
pub fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/:@,=+%".contains(&b))
}

/// What the word being typed may become: of all names the fitting ones, each once, in their order.
pub fn fitting(slot: &Slot, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // Of a list with commas, what is in it already is not offered again.
    let list = slot.kept.rsplit('=').next().unwrap_or_default();
    let given: Vec<&str> = if list.contains(',') { list.split(',').collect() } else { Vec::new() };
    let words = slot.fixed.iter().cloned().chain(names.into_iter().map(|name| name + slot.suffix));
    for word in words {
        let whole = format!("{}{word}", slot.kept);
        if whole.starts_with(&slot.typed)
            && is_plain(&whole)
            && !given.contains(&word.as_str())
            && !found.contains(&whole)
        {
            found.push(whole);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_run_is_not_offered() {
        let words: Vec<String> = ["show-machine", ""].map(str::to_owned).to_vec();
        let names = ["0", "1/lxd/0", "$(reboot)", "`id`", "a b", "a;b", "*", "~", "a\nb", "", "0"].map(str::to_owned);
        assert_eq!(fitting(&slot(&words), names), ["0", "1/lxd/0"]);
    }

    #[test]
    fn what_a_list_has_is_not_offered_again() {
        let words: Vec<String> = ["exec", "--machine=0,2,"].map(str::to_owned).to_vec();
        assert_eq!(fitting(&slot(&words), ["0", "1", "2"].map(str::to_owned)), ["--machine=0,2,1"]);
    }
}

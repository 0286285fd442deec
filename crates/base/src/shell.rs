//! Text for a POSIX shell. It runs nothing.

/// As one word of a shell, whatever is in it (a NUL no shell can have).
pub fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn nothing_in_a_word_means_anything_to_a_shell() {
        let check = |text: &str, expected: &str| assert_eq!(word(text), expected);
        check("", "''");
        check("a b", "'a b'");
        check("$(x) `y` \\ \"", "'$(x) `y` \\ \"'");
        check("it's", r"'it'\''s'");
    }
}

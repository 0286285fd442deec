//! The file `aliases` of the client store: a user's own names for commands, `mm = add-machine -n 2`.

use std::path::Path;

/// Replaces the command's word by what its alias stands for. One step: an alias does not lead to another.
pub fn expand(dir: &Path, words: Vec<String>) -> Vec<String> {
    let Some(first) = words.first() else { return words };
    let Ok(text) = std::fs::read_to_string(dir.join("aliases")) else { return words };
    let Some(meaning) = find(&text, first) else { return words };
    meaning.into_iter().chain(words.into_iter().skip(1)).collect()
}

fn find(text: &str, name: &str) -> Option<Vec<String>> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .find(|(left, _)| left.trim() == name)
        .map(|(_, right)| right.split_whitespace().map(str::to_owned).collect())
        .filter(|words: &Vec<String>| !words.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn aliases() {
        let text = "# mine\nmm = add-machine -n 2\nempty =\n";
        assert_eq!(super::find(text, "mm").expect("known"), ["add-machine", "-n", "2"]);
        assert_eq!(super::find(text, "empty"), None);
        assert_eq!(super::find(text, "x"), None);
    }
}

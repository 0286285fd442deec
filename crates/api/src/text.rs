//! The beginning of a text that may be too long. The surprise: bounds are bytes, and a letter is never cut in two.

pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

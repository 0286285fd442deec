//! A query's words. Must not know what they mean together.

use std::fmt;

use super::SyntaxError;

#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    Name(String),
    Text(String),
    Int(i64),
    Float(f64),
    Sign(&'static str),
}

/// More than this nobody types; what is read is walked by recursion.
const MOST: usize = 1000;

/// The longer ones first.
const SIGNS: [&str; 15] = ["==", "!=", "<=", ">=", "&&", "||", "=>", "<", ">", "(", ")", "[", "]", ",", "."];

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Name(name) => write!(f, "{name:?}"),
            Word::Text(text) => write!(f, "string {text:?}"),
            Word::Int(number) => write!(f, "number {number}"),
            Word::Float(number) => write!(f, "number {number}"),
            Word::Sign(sign) => write!(f, "{sign:?}"),
        }
    }
}

/// Each with its place, in characters.
pub fn words(text: &str) -> Result<Vec<(usize, Word)>, SyntaxError> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = chars.get(at).copied() {
        if found.len() == MOST {
            return Err(SyntaxError::Unexpected { at, what: format!("word after {MOST} others") });
        }
        if first.is_whitespace() {
            at += 1;
            continue;
        }
        let begin = at;
        let word = if first.is_ascii_alphabetic() || first == '_' {
            at += run(&chars[at..], |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
            Word::Name(chars[begin..at].iter().collect())
        } else if first.is_ascii_digit() {
            at += run(&chars[at..], |c| c.is_ascii_digit() || c == '.');
            number(&chars[begin..at], begin)?
        } else if first == '"' || first == '\'' {
            let (text, length) = quoted(&chars[at..])?;
            at += length;
            Word::Text(text)
        } else {
            let rest: String = chars[at..].iter().take(2).collect();
            let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                return Err(SyntaxError::Unexpected { at, what: format!("character {first:?}") });
            };
            at += sign.len();
            Word::Sign(sign)
        };
        found.push((begin, word));
    }
    Ok(found)
}

fn run(chars: &[char], belongs: impl Fn(char) -> bool) -> usize {
    chars.iter().take_while(|c| belongs(**c)).count()
}

fn number(digits: &[char], at: usize) -> Result<Word, SyntaxError> {
    let text: String = digits.iter().collect();
    let parsed = match text.contains('.') {
        true => text.parse().ok().map(Word::Float),
        false => text.parse().ok().map(Word::Int),
    };
    parsed.ok_or(SyntaxError::Unexpected { at, what: format!("number {text}") })
}

/// The text in quotes, and how long it is with them. A backslash takes the next character as it is.
fn quoted(chars: &[char]) -> Result<(String, usize), SyntaxError> {
    let mut text = String::new();
    let mut at = 1;
    while let Some(c) = chars.get(at) {
        match c {
            '\\' => {
                at += 1;
                text.extend(chars.get(at));
            }
            c if *c == chars[0] => return Ok((text, at + 1)),
            c => text.push(*c),
        }
        at += 1;
    }
    Err(SyntaxError::Incomplete)
}

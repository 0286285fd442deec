//! Makes one input of another: bytes, words of the target, parts of other seeds, and JSON as JSON.
//! It must not try anything. The surprise: now and then something is repeated up to the longest input, as depth and length are what parsers die of.

use serde_json::{Map, Value, json};

use super::corpus::Corpus;
use super::dice::Dice;
use super::{LONGEST, Target};

/// What breaks readers of anything.
const WORDS: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "  ",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "é",
    "ß",
    "İ",
    "\u{1F600}",
    "\u{1b}[31m",
    "%",
    "%s",
    "\\",
    "\"",
    "'",
    "`",
    "$(x)",
    ":",
    "::",
    ",",
    ";",
    "=",
    "/",
    "//",
    "../",
    "-",
    "--",
    "_",
    "@",
    "#",
    "*",
    "&a",
    "*a",
    "!",
    "|",
    ">",
    "?",
    "~",
    "[",
    "]",
    "{",
    "}",
    "(",
    "<",
    "0",
    "00",
    "-0",
    "-1",
    "1",
    "255",
    "256",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1e999",
    "-1e999",
    "0x10",
    "1_0",
    ".5",
    "5.",
    "NaN",
    "inf",
    "null",
    "true",
    "no",
    "\u{ff10}",
];

pub fn change(mut input: Vec<u8>, corpus: &Corpus, target: &Target, dice: &mut Dice) -> Vec<u8> {
    let most = 1 + dice.below(6);
    let times = 1 + dice.below(most);
    for _ in 0..times {
        if target.json
            && !dice.one_in(4)
            && let Ok(mut value) = serde_json::from_slice::<Value>(&input)
        {
            let other = serde_json::from_slice(dice.pick::<Vec<u8>>(corpus.seeds())).unwrap_or(Value::Null);
            json_change(&mut value, &other, target, dice);
            input = value.to_string().into_bytes();
            continue;
        }
        bytes_change(&mut input, corpus, target, dice);
        input.truncate(LONGEST);
    }
    input
}

fn word<'a>(target: &'a Target, dice: &mut Dice) -> &'a str {
    if target.words.is_empty() || dice.one_in(3) { dice.pick::<&str>(WORDS) } else { dice.pick::<&str>(target.words) }
}

fn bytes_change(input: &mut Vec<u8>, corpus: &Corpus, target: &Target, dice: &mut Dice) {
    let at = dice.below(input.len() + 1);
    match dice.below(12) {
        0 if at < input.len() => input[at] ^= 1 << dice.below(8),
        1 if at < input.len() => input[at] = (dice.next() & 0xff) as u8,
        2 => drop(input.drain(dice.part(input.len()))),
        3 => {
            let part = dice.part(input.len());
            let copied = input[part].to_vec();
            drop(input.splice(at..at, copied));
        }
        4 | 5 => drop(input.splice(at..at, word(target, dice).bytes())),
        6 => {
            let part = dice.part(input.len());
            drop(input.splice(part, word(target, dice).bytes()));
        }
        7 => {
            let other = dice.pick(corpus.seeds());
            let part = other[dice.part(other.len())].to_vec();
            drop(input.splice(at..at, part));
        }
        8 => {
            let other = dice.pick(corpus.seeds());
            let tail = other[dice.below(other.len() + 1)..].to_vec();
            input.truncate(at);
            input.extend(tail);
        }
        9 => input.truncate(at),
        10 if dice.one_in(8) => {
            let part = if dice.one_in(2) {
                word(target, dice).as_bytes().to_vec()
            } else {
                input[dice.part(input.len())].to_vec()
            };
            let most = LONGEST.saturating_sub(input.len()) / part.len().max(1);
            let times = if dice.one_in(2) { most } else { dice.below(most.min(300) + 1) };
            drop(input.splice(at..at, part.repeat(times)));
        }
        _ => {
            // A number somewhere in it becomes another.
            let Some(start) = input.iter().skip(at).position(u8::is_ascii_digit).map(|n| n + at) else { return };
            let end = input[start..].iter().position(|b| !b.is_ascii_digit()).map_or(input.len(), |n| n + start);
            let number = String::from_utf8_lossy(&input[start..end]).parse::<u64>().unwrap_or(0);
            let number = match dice.below(4) {
                0 => number.wrapping_add(1),
                1 => number.wrapping_sub(1),
                2 => 1u64 << dice.below(64),
                _ => u64::MAX,
            };
            drop(input.splice(start..end, number.to_string().into_bytes()));
        }
    }
}

fn json_change(value: &mut Value, other: &Value, target: &Target, dice: &mut Dice) {
    let place = descend(value, dice);
    match dice.below(10) {
        0 => *place = Value::Null,
        1 => *place = json!(word(target, dice)),
        2 => {
            *place = dice
                .pick(&[
                    json!(0),
                    json!(-1),
                    json!(i64::MAX),
                    json!(i64::MIN),
                    json!(u64::MAX),
                    json!(1e300),
                    json!(0.5),
                    json!(i32::MAX),
                ])
                .clone()
        }
        3 => {
            *place =
                dice.pick(&[json!([]), json!({}), json!(""), json!(true), json!([null]), json!({"": null})]).clone()
        }
        4 => {
            let mut taken = other.clone();
            *place = descend(&mut taken, dice).take();
        }
        5 => *place = json!([place.take()]),
        6 => {
            let most = if dice.one_in(8) { 200 } else { 3 };
            (0..dice.below(most)).for_each(|_| *place = json!([place.take()]));
        }
        _ => match place {
            Value::Object(map) => object_change(map, target, dice),
            Value::Array(items) if items.is_empty() => items.push(json!(word(target, dice))),
            Value::Array(items) => {
                let at = dice.below(items.len());
                match dice.below(3) {
                    0 => drop(items.remove(at)),
                    1 => items.push(items[at].clone()),
                    _ => items.extend(std::iter::repeat_n(items[at].clone(), dice.below(20))),
                }
            }
            Value::String(text) => {
                let mut bytes = std::mem::take(text).into_bytes();
                let part = dice.part(bytes.len());
                drop(bytes.splice(part, word(target, dice).bytes()));
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            Value::Number(number) => {
                *place = json!(number.as_i64().unwrap_or(0).wrapping_add(dice.below(5) as i64 - 2))
            }
            Value::Bool(is) => *is = !*is,
            Value::Null => *place = json!(word(target, dice)),
        },
    }
}

fn object_change(map: &mut Map<String, Value>, target: &Target, dice: &mut Dice) {
    let key = map.keys().nth(dice.below(map.len())).cloned();
    match (dice.below(4), key) {
        (0, Some(key)) => drop(map.shift_remove(&key)),
        (1, Some(key)) => {
            let value = map.get(&key).cloned().unwrap_or_default();
            map.insert(key.to_uppercase(), value);
        }
        (2, Some(key)) => {
            let value = map.shift_remove(&key).unwrap_or_default();
            map.insert(word(target, dice).to_owned(), value);
        }
        _ => drop(map.insert(word(target, dice).to_owned(), json!(word(target, dice)))),
    }
}

/// Some place in a value; every depth is as likely.
fn descend<'a>(value: &'a mut Value, dice: &mut Dice) -> &'a mut Value {
    let mut place = value;
    let mut depth = dice.below(8);
    loop {
        let len = match place {
            Value::Object(map) => map.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        if depth == 0 || len == 0 {
            return place;
        }
        depth -= 1;
        let at = dice.below(len);
        place = match place {
            Value::Object(map) => map.values_mut().nth(at).unwrap_or_else(|| unreachable!("fewer than there are")),
            Value::Array(items) => &mut items[at],
            _ => unreachable!("it has parts"),
        };
    }
}

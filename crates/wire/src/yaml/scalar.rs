//! What a text looks like as a scalar: which style may hold it, and whether it must be quoted to stay a text.

/// The ways to write a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The style for a text, `key` when it stands before a colon.
pub(super) fn style(text: &str, key: bool, flow: bool) -> Style {
    // Readers differ on which of the rarer line ends are such: written as escapes, they are the same to all.
    let wish = if text.contains(|c| is_break(c) && c != '\n') {
        Style::Double
    } else if text.contains('\n') {
        Style::Literal
    } else if is_text(text) {
        Style::Plain
    } else {
        Style::Double
    };
    let allowed = Allowed::of(text);
    match wish {
        Style::Plain => {
            let plain = if flow { allowed.flow_plain } else { allowed.block_plain };
            if plain {
                Style::Plain
            } else if allowed.single {
                Style::Single
            } else {
                Style::Double
            }
        }
        Style::Literal if allowed.block && !key && !flow => Style::Literal,
        _ => Style::Double,
    }
}

struct Allowed {
    flow_plain: bool,
    block_plain: bool,
    single: bool,
    block: bool,
}

impl Allowed {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let document_mark = text.starts_with("---") || text.starts_with("...");
        let (mut flow_indicator, mut block_indicator) = (document_mark, document_mark);
        let (mut breaks, mut special, mut space_break, mut break_space) = (false, false, false, false);
        let (mut previous_space, mut previous_break, mut after_blank) = (false, false, true);
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let before_blank = chars.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t') || is_break(*next));
            match (at, c) {
                (0, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`') => {
                    (flow_indicator, block_indicator) = (true, true);
                }
                (0, '?') | (_, ':') => {
                    flow_indicator = true;
                    block_indicator |= before_blank;
                }
                (0, '-') => {
                    flow_indicator |= before_blank;
                    block_indicator |= before_blank;
                }
                (_, ',' | '?' | '[' | ']' | '{' | '}') => flow_indicator = true,
                (_, '#') if after_blank => (flow_indicator, block_indicator) = (true, true),
                _ => {}
            }
            special |= !is_printable(c);
            if c == ' ' {
                break_space |= previous_break;
                (previous_space, previous_break) = (true, false);
            } else if is_break(c) {
                breaks = true;
                space_break |= previous_space;
                (previous_space, previous_break) = (false, true);
            } else {
                (previous_space, previous_break) = (false, false);
            }
            after_blank = matches!(c, ' ' | '\t') || is_break(c);
        }
        let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
        let edged = edge(text.chars().next()) || edge(text.chars().next_back());
        let plain = !edged && !break_space && !space_break && !special && !breaks;
        Allowed {
            flow_plain: plain && !flow_indicator && !bytes.is_empty(),
            block_plain: plain && !block_indicator && !bytes.is_empty(),
            single: !break_space && !space_break && !special,
            block: !bytes.is_empty() && !text.ends_with(' ') && !space_break && !special,
        }
    }
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The printer's idea of printable: tabs are not, and nothing above the basic plane is.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// Whether a reader would take the unquoted text for a text, and not for a number, a boolean, null or a time.
fn is_text(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    if matches!(
        text,
        "~" | "null"
            | "Null"
            | "NULL"
            | "y"
            | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "true"
            | "True"
            | "TRUE"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "false"
            | "False"
            | "FALSE"
            | "off"
            | "Off"
            | "OFF"
            | ".nan"
            | ".NaN"
            | ".NAN"
            | ".inf"
            | ".Inf"
            | ".INF"
            | "+.inf"
            | "+.Inf"
            | "+.INF"
            | "-.inf"
            | "-.Inf"
            | "-.INF"
    ) {
        return false;
    }
    match first {
        b'.' => text.parse::<f64>().is_err(),
        b'+' | b'-' | b'0'..=b'9' => !is_timestamp(text) && !is_number(&text.replace('_', "")) && !is_base60(text),
        _ => true,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |prefix: &[&str], radix: u32| {
        prefix.iter().find_map(|p| unsigned.strip_prefix(p)).is_some_and(|digits| {
            !digits.is_empty() && !digits.starts_with(['+', '-']) && u64::from_str_radix(digits, radix).is_ok()
        })
    };
    radix(&["0x", "0X"], 16) || radix(&["0o", "0O"], 8) || radix(&["0b", "0B"], 2) || is_decimal(unsigned)
}

/// `1`, `1.`, `.5`, `1.5e-3`: integers, octal or not, are among them.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let whole = match mantissa.split_once('.') {
        None => digits(mantissa),
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
    };
    whole && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// `10:30`, `1:02:03.5`: sexagesimal numbers of YAML 1.1.
fn is_base60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = text.split(':');
    let Some(first) = parts.next() else {
        return false;
    };
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    let last = match last.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') => whole,
        Some(_) => return false,
        None => last,
    };
    let sixty = |s: &str| match s.as_bytes() {
        [d] => d.is_ascii_digit(),
        [t, d] => (b'0'..=b'5').contains(t) && d.is_ascii_digit(),
        _ => false,
    };
    sixty(last) && middle.iter().all(|s| sixty(s))
}

/// `2006-1-2`, `2006-1-2T15:4:5Z`, `2006-1-2 15:4:5`: what a reader would take for a time.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((bytes[at], &text[at + 1..]))),
        None => (text, None),
    };
    let small = |s: &str, max: u32| {
        (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit()) && s.parse::<u32>().is_ok_and(|n| n <= max)
    };
    let mut day = date[5..].splitn(2, '-');
    let (Some(month), Some(day)) = (day.next(), day.next()) else {
        return false;
    };
    if !small(month, 12) || !small(day, 31) || month.parse() == Ok(0) || day.parse() == Ok(0) {
        return false;
    }
    let clock = |s: &str| {
        let s = s
            .split_once('.')
            .map_or(Some(s), |(s, f)| (!f.is_empty() && f.bytes().all(|b| b.is_ascii_digit())).then_some(s));
        s.is_some_and(|s| {
            let parts: Vec<&str> = s.split(':').collect();
            matches!(parts.as_slice(), [h, m, s] if small(h, 23) && small(m, 59) && small(s, 59))
        })
    };
    match rest {
        None => true,
        Some((b' ', time)) => clock(time),
        Some((_, time)) => {
            if let Some(time) = time.strip_suffix('Z') {
                return clock(time);
            }
            let Some(at) = time.rfind(['+', '-']) else {
                return false;
            };
            let zone = &time.as_bytes()[at + 1..];
            clock(&time[..at])
                && zone.len() == 5
                && zone[2] == b':'
                && zone.iter().filter(|b| b.is_ascii_digit()).count() == 4
        }
    }
}

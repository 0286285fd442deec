//! Spans of time as Go writes them, in flags and settings.

/// A duration in nanoseconds as Go writes it: numbers with a unit each, a sign, and a bare `0`.
pub fn parse(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0i128;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|&at| at > 0)?;
        let (value, tail) = rest.split_at(number);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let nanos = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(nanoseconds(value, nanos)?)?;
        rest = tail;
    }
    if total > i128::from(i64::MAX) {
        return None;
    }
    Some(sign * total)
}

/// `1`, `1.5`, `.5`, `1.` of a unit, exactly; what is less than a nanosecond is dropped.
fn nanoseconds(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // An hour's digits beyond these say nothing about nanoseconds.
    let fraction = &fraction[..fraction.len().min(18)];
    let scale = 10i128.pow(u32::try_from(fraction.len()).ok()?);
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(part * unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("90s", Some(90_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("-2ms", Some(-2_000_000)),
            (".5us", Some(500)),
            ("2562047h47m16.854775807s", Some(i128::from(i64::MAX))),
            ("2562047h47m16.854775808s", None),
            (".s", None),
            ("1.2.3s", None),
            ("5", None),
            ("", None),
            ("x", None),
            ("3d", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}

//! The order of map keys: letters by code point, runs of digits by value.

use std::cmp::Ordering;

/// Natural order of two keys, as the original's YAML printer sorts maps.
#[must_use]
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    // Keys that differ at an ASCII letter are by far the most: no need to decode the rest then.
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut digits = false;
    for i in 0..left.len().min(right.len()) {
        let (l, r) = (left[i], right[i]);
        if l == r {
            digits = l.is_ascii_digit();
            continue;
        }
        let (ll, rl) = (l.is_alphabetic(), r.is_alphabetic());
        if ll && rl {
            return l.cmp(&r);
        }
        if ll || rl {
            // "a1" before "aa", but "1a" after "12": inside a number a letter ends it.
            let left_first = if digits { ll } else { rl };
            return if left_first { Ordering::Less } else { Ordering::Greater };
        }
        return number_cmp(&left, &right, i);
    }
    left.len().cmp(&right.len())
}

/// The first differing characters are at `i` and neither is a letter: compare the numbers that begin there.
fn number_cmp(left: &[char], right: &[char], i: usize) -> Ordering {
    let mut seed = 0u64;
    if left[i] == '0' || right[i] == '0' {
        // A leading zero counts only when a number stands before it.
        seed = u64::from(left[..i].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0'));
    }
    let run = |chars: &[char]| {
        let (mut value, mut end) = (seed, i);
        while let Some(digit) = chars.get(end).and_then(|c| c.to_digit(10)) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            end += 1;
        }
        (value, end)
    };
    run(left).cmp(&run(right)).then(left[i].cmp(&right[i]))
}

/// Sort names as Juju lists them.
pub fn sort_natural<T: AsRef<str>>(names: &mut [T]) {
    names.sort_by(|a, b| natural_cmp(a.as_ref(), b.as_ref()));
}

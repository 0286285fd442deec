//! Certificates and their fingerprints: the recordings have those of their own controller.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// A SHA-256 as `AB:CD:…`.
const PRINT: usize = 32 * 3 - 1;

/// The text with each certificate and each fingerprint replaced by a word.
pub(super) fn mask(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let Some(end) = rest[at..].find(END) else { break };
        out += &prints(&rest[..at]);
        out += "CERTIFICATE";
        rest = &rest[at + end + END.len()..];
    }
    out + &prints(rest)
}

fn prints(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        let start = at.saturating_sub(2);
        match rest.get(start..start + PRINT).filter(|word| is_print(word)) {
            Some(_) => {
                out += &rest[..start];
                out += "FINGERPRINT";
                rest = &rest[start + PRINT..];
            }
            None => {
                out += &rest[..=at];
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

fn is_print(word: &str) -> bool {
    word.bytes().enumerate().all(|(i, b)| match i % 3 {
        2 => b == b':',
        _ => b.is_ascii_digit() || (b'A'..=b'F').contains(&b),
    })
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn certificates_and_fingerprints_are_words() {
        let print = ["AB"; 32].join(":");
        let text = format!(
            "a: x\n-----BEGIN CERTIFICATE-----\n  QQ\n-----END CERTIFICATE-----\nf: {print} [{print}]\nAB:CD\n"
        );
        assert_eq!(mask(&text), "a: x\nCERTIFICATE\nf: FINGERPRINT [FINGERPRINT]\nAB:CD\n");
    }
}

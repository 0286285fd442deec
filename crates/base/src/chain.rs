//! An error with all that caused it, in one line.

use std::error::Error;

/// `error: cause: its cause`. A cause that the text so far says already is left out: some libraries repeat theirs.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chain;
    use std::fmt;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Link {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn causes_follow_and_none_twice() {
        let deep = Link("cannot open", Some(Box::new(Link("read failed", Some(Box::new(Link("disk gone", None)))))));
        assert_eq!(chain(&deep), "cannot open: read failed: disk gone");
        let twice = Link("read failed: disk gone", Some(Box::new(Link("disk gone", None))));
        assert_eq!(chain(&twice), "read failed: disk gone");
        assert_eq!(chain(&Link("alone", None)), "alone");
    }
}

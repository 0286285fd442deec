//! Releases of operating systems by number and by name; a name is what Juju's older words call a series.

use crate::OsBase;

const RELEASES: &[(&str, &str, &str)] = &[
    ("ubuntu", "14.04", "trusty"),
    ("ubuntu", "16.04", "xenial"),
    ("ubuntu", "18.04", "bionic"),
    ("ubuntu", "20.04", "focal"),
    ("ubuntu", "22.04", "jammy"),
    ("ubuntu", "24.04", "noble"),
    ("ubuntu", "26.04", "resolute"),
    ("debian", "11", "bullseye"),
    ("debian", "12", "bookworm"),
    ("debian", "13", "trixie"),
];

/// `jammy` of `ubuntu` and `22.04`.
pub fn name(os: &str, number: &str) -> Option<&'static str> {
    RELEASES.iter().find(|release| (release.0, release.1) == (os, number)).map(|release| release.2)
}

/// `22.04` of `ubuntu` and `jammy`.
pub fn number(os: &str, name: &str) -> Option<&'static str> {
    RELEASES.iter().find(|release| (release.0, release.2) == (os, name)).map(|release| release.1)
}

/// `ubuntu@22.04` of `jammy`, stable.
pub fn base(series: &str) -> Option<OsBase> {
    let (os, number, _) = RELEASES.iter().find(|release| release.2 == series)?;
    OsBase::new(os, number).ok()
}

/// `jammy` of `ubuntu@22.04`.
pub fn series(base: &OsBase) -> Option<&'static str> {
    name(&base.name, base.track())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_found_both_ways() {
        for (os, number_of, name_of) in RELEASES {
            assert_eq!((name(os, number_of), number(os, name_of)), (Some(*name_of), Some(*number_of)));
            assert_eq!(base(name_of).as_ref().and_then(series), Some(*name_of));
        }
        assert_eq!(base("jammy").map(|base| base.to_string()).as_deref(), Some("ubuntu@22.04"));
        assert_eq!((name("ubuntu", "12"), number("debian", "jammy"), base("")), (None, None, None));
    }
}

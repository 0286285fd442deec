//! What dpkg wrote down: which files its packages own, and which links its alternatives make.
//! It only reads. The surprise: paths in the lists are the packages' view, from before `/bin` became a link to `/usr/bin`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, at};

const INFO: &str = "/var/lib/dpkg/info";
const ALTERNATIVES: &str = "/var/lib/dpkg/alternatives";

/// Every path that a package owns, sorted, each once.
pub fn owned() -> Result<Vec<String>, Error> {
    let mut paths = Vec::with_capacity(1 << 17);
    let info = Path::new(INFO);
    for entry in fs::read_dir(info).map_err(|_| Error::NoDpkg)? {
        let path = entry.map_err(at("list", info))?.path();
        if path.extension().is_some_and(|e| e == "list") {
            let text = fs::read(&path).map_err(at("read", &path))?;
            let text = String::from_utf8_lossy(&text);
            paths.extend(text.lines().filter(|l| l.starts_with('/')).map(str::to_owned));
        }
    }
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// The links outside `/etc/alternatives` that point into it.
pub fn alternatives() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(ALTERNATIVES) else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()).flat_map(|text| links(&text)).collect()
}

/// A record of one alternative: its mode, its link, then names and links of those that follow it, up to an empty line.
fn links(record: &str) -> Vec<PathBuf> {
    let mut lines = record.lines().skip(1).take_while(|line| !line.is_empty());
    let mut found: Vec<PathBuf> = lines.next().map(PathBuf::from).into_iter().collect();
    while let (Some(_name), Some(link)) = (lines.next(), lines.next()) {
        found.push(link.into());
    }
    found.retain(|path| path.is_absolute());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_an_alternative_are_found() {
        let record =
            "auto\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\nnawk\n/usr/bin/nawk\n\n/usr/bin/mawk\n5\n";
        let found: Vec<String> = links(record).iter().map(|p| p.display().to_string()).collect();
        assert_eq!(found, ["/usr/bin/awk", "/usr/share/man/man1/awk.1.gz", "/usr/bin/nawk"]);
        assert!(links("").is_empty() && links("auto\n").is_empty());
    }
}

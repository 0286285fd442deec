//! `--disks`: storage constraints for volumes, `POOL,COUNT,SIZE` in any order.

use base::storage::is_pool_name;
use wire::facade::machine_manager::Constraints as Disk;

/// The list of one or more `--disks`, each a list of its own.
pub fn parse(text: &str) -> Result<Vec<Disk>, String> {
    text.split_whitespace().map(|one| disk(one).map_err(|e| format!("cannot parse disk constraints: {e}"))).collect()
}

fn disk(text: &str) -> Result<Disk, String> {
    let mut disk = Disk::default();
    let (mut pool, mut count, mut size) = (None::<String>, None::<i64>, None::<i64>);
    for field in text.split(',').filter(|f| !f.is_empty()) {
        let twice = |what: &str, old: String, new: &str| {
            format!("{what} is already set to {old:?}, new value {new:?} not valid")
        };
        if is_pool_name(field) {
            if let Some(old) = pool.replace(field.to_owned()) {
                return Err(twice("pool name", old, field));
            }
        } else if let Some(number) = whole(field) {
            if number < 1 {
                return Err(format!("parsing storage count: count must be greater than zero, got {field:?}"));
            }
            if let Some(old) = count.replace(number) {
                return Err(twice("storage instance count", old.to_string(), field));
            }
        } else if let Some(mib) = mebibytes(field) {
            if let Some(old) = size.replace(mib) {
                return Err(twice("storage size", old.to_string(), field));
            }
        } else {
            return Err(format!("unrecognized storage constraint {field:?} not valid"));
        }
    }
    if pool.is_none() && count.is_none() && size.is_none() {
        return Err("storage constraints require at least one field to be specified".to_owned());
    }
    disk.pool = pool.unwrap_or_default();
    disk.size = size.unwrap_or(0);
    disk.count = count.unwrap_or(1);
    Ok(disk)
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// `10G`, `1.5TiB`: rounded up to MiB.
fn mebibytes(text: &str) -> Option<i64> {
    let number = text.trim_end_matches("iB").trim_end_matches('B');
    let power = "MGTPEZY".find(number.chars().next_back()?)?;
    let value: f64 = number[..number.len() - 1].parse().ok().filter(|v: &f64| *v >= 0.0)?;
    let size = (value * 1024f64.powi(i32::try_from(power).ok()?)).ceil();
    #[allow(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (size < 9e18).then_some(size as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_read_in_any_order() {
        let check = |text: &str, expected: Result<Vec<(&str, i64, i64)>, &str>| {
            let got = parse(text).map(|all| all.into_iter().map(|d| (d.pool, d.count, d.size)).collect::<Vec<_>>());
            let expected = expected.map(|all| all.into_iter().map(|(p, c, s)| (p.to_owned(), c, s)).collect());
            assert_eq!(got, expected.map_err(str::to_owned), "{text}");
        };
        check("", Ok(vec![]));
        check("ebs", Ok(vec![("ebs", 1, 0)]));
        check("3", Ok(vec![("", 3, 0)]));
        check("ebs,2,10G 20G", Ok(vec![("ebs", 2, 10240), ("", 1, 20480)]));
        check("1GiB", Ok(vec![("", 1, 1024)]));
        check("0.5M", Ok(vec![("", 1, 1)]));
        check(
            "ebs,,x",
            Err("cannot parse disk constraints: pool name is already set to \"ebs\", new value \"x\" not valid"),
        );
        check(
            "-1",
            Err("cannot parse disk constraints: parsing storage count: count must be greater than zero, got \"-1\""),
        );
        check("%", Err("cannot parse disk constraints: unrecognized storage constraint \"%\" not valid"));
    }
}

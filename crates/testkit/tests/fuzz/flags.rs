//! The command line's own readers: durations, sizes, `--disks`, and whole lines of flags.

use base::duration;
use cli::command::machine::disks as disk_flag;
use cli::flags::{Args, Flag};

use crate::engine::{Target, logged, sentence};
use crate::names;

pub fn durations() -> Target {
    Target::of_text(|text| {
        if let Some(nanos) = duration::parse(text) {
            assert!(i64::try_from(nanos).is_ok(), "{nanos} ns is more than any timer takes");
            assert_eq!(duration::parse(&format!("{nanos}ns")), Some(nanos));
        }
    })
    .words(&["ns", "us", "µs", "μs", "ms", "s", "m", "h", "1h30m", ".", "-", "+", "0.1"])
}

pub fn sizes() -> Target {
    Target::of_text(names::size).words(&["M", "G", "T", "P", ".", "e", "inf", "nan", "1.5"])
}

pub fn disks() -> Target {
    Target::of_text(|text| match disk_flag::parse(text) {
        Ok(all) => {
            for disk in all {
                assert!(disk.count >= 1 && disk.size >= 0, "{disk:?}");
                let printed = format!("{},{},{}M", disk.pool, disk.count, disk.size);
                assert_eq!(disk_flag::parse(&printed).as_deref(), Ok([disk].as_slice()), "prints as {printed:?}");
            }
        }
        Err(why) => sentence(&why, text.as_bytes()),
    })
    .words(&["ebs", ",", " ", "G", "GiB", "Y", "10", "-1", ".", "ebs,2,10G"])
}

const TABLE: &[Flag] = &[
    Flag::bool(&["force"], ""),
    Flag::bool(&["q", "quiet"], ""),
    Flag::int(&["n"], "1", ""),
    Flag::uint(&["count"], "1", ""),
    Flag::text(&["m", "model"], ""),
    Flag::texts(&["config"], ""),
    Flag::duration(&["t", "timeout"], "5m", ""),
    Flag::checked(&["size"], "", |text| base::constraints::size_mib(text).map(drop), ""),
];

/// One word a line.
pub fn lines() -> Target {
    Target::of_text(|text| {
        let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
        for among in [true, false] {
            match Args::parse(TABLE, &words, among) {
                Ok(args) => {
                    // What is an argument stays one behind the mark that ends flags.
                    let mut again = vec!["--".to_owned()];
                    again.extend(args.positional().iter().cloned());
                    let again = Args::parse(TABLE, &again, among).expect("no flags, no error");
                    assert_eq!(again.positional(), args.positional());
                    // What was checked can be asked for.
                    for (given, there) in [
                        (args.given("n"), args.int("n").is_some()),
                        (args.given("count"), args.uint("count").is_some()),
                        (args.given("t"), args.duration("t").is_some()),
                    ] {
                        assert_eq!(given, there);
                    }
                }
                Err(error) => {
                    assert_eq!(error.exit(), 2);
                    // These are the original's words, around what the user typed.
                    logged(&error, text.as_bytes());
                }
            }
        }
    })
    .words(&[
        "--",
        "-",
        "\n",
        "--force",
        "-q",
        "-n",
        "--count",
        "-m",
        "--config=",
        "-t",
        "--timeout",
        "--size",
        "=",
        "5m",
        "=false",
        "-qn3",
    ])
}

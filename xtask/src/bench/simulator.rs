//! Measuring a controller with thousands of played agents: `testkit`'s simulator does it, here its lines are read.

use std::path::Path;

use super::Row;
use crate::command::Error;
use crate::run;

/// Ten thousand agents, of which a thousand are in the model whose status is asked for.
const WORDS: [&str; 5] = ["bench", "--agents", "10000", "--machines", "1000"];

pub fn measure(binary: &Path) -> Vec<Row> {
    let mut command = run::cargo();
    command.args(["run", "--quiet", "--release", "--package", "testkit", "--bin", "simulator", "--"]);
    let by_hand =
        format!("cargo run --release -p testkit --bin simulator -- {} --grigri target/dist/grigri", WORDS.join(" "));
    match run::read_command(command.args(WORDS).arg("--grigri").arg(binary)) {
        Ok(said) => said.lines().filter_map(|line| row(line, &by_hand)).collect(),
        Err(error) => vec![Row::new("a controller with 10,000 agents", "-", &by_hand, Err(error))],
    }
}

fn row(line: &str, command: &str) -> Option<Row> {
    let mut parts = line.split('\t');
    let (what, budget, figure) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Row::new(what, budget, command, Ok::<_, Error>(figure.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_three_parts_are_rows() {
        let made = row("logins a second\t>= 2,000\t2500", "c").map(|row| (row.what, row.budget, row.figure.ok()));
        assert_eq!(made, Some(("logins a second".into(), ">= 2,000".into(), Some("2500".into()))));
        assert!(row("noise", "c").is_none());
    }
}

//! Waiting for machines and models: there already, yet to come, taken away.

use cli::io::Captured;
use tokio::sync::Notify;

use super::Desk;

pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(|word| word.replace('|', " ")).collect()
}

/// Waits until stderr has it.
pub async fn told(captured: &Captured, what: &str) {
    let wait = async {
        while !captured.stderr().contains(what) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
    assert!(in_time.is_ok(), "never told {what}: {}", captured.stderr());
}

#[tokio::test]
async fn goals_are_reached_missed_and_taken_away() {
    let desk = Desk::with_machines(1).await;
    let (code, out, err) = desk.run("juju wait-for machine 0").await;
    assert_eq!((code, out.as_str()), (0, "properties:\n  life: alive\n  status: started\n"), "{err}");
    assert_eq!(err, "machine \"0\" is running\n");
    let adds = async |captured: &Captured, _: &Notify| {
        told(captured, "machine \"1\" not found, waiting...\n").await;
        desk.works("juju add-machine").await;
    };
    let (code, out, err) = desk.run_with(words("juju wait-for machine 1"), |_| {}, adds).await;
    assert_eq!((code, out.as_str()), (0, "properties:\n  life: alive\n  status: started\n"), "{err}");
    let query = "--query len(machines)==2&&forEach(machines,m=>m.status==\"started\")";
    let (code, out, err) = desk.run(&format!("juju wait-for model m {query}")).await;
    let summary =
        "properties:\n  machines: {}\nmachines:\n  \"0\":\n    status: started\n  \"1\":\n    status: started\n";
    assert_eq!((code, out.as_str(), err.as_str()), (0, summary, "model \"m\" is running\n"));
    let (code, out, err) = desk.run("juju wait-for machine 0 --query status==\"down\" --timeout 100ms").await;
    let expected = "machine \"0\" found, waiting...\nERROR timed out waiting for \"0\" to reach goal state\n";
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", expected));
    let removes = async |captured: &Captured, _: &Notify| {
        told(captured, "machine \"0\" found, waiting...\n").await;
        desk.works("juju remove-machine 0 --no-prompt").await;
    };
    let line = words("juju wait-for machine 0 --query status==\"away\"");
    // Whether it is seen dead before it is gone is chance: that ends the wait well.
    let (code, _, err) = desk.run_with(line, |_| {}, removes).await;
    let gone = [(0, "machine \"0\" has been removed"), (1, "ERROR machine 0 removed")];
    assert!(gone.contains(&(code, err.lines().last().unwrap_or_default())), "{err}");
}

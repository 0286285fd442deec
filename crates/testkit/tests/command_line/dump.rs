//! `dump-model` and `dump-db`: who knows them, and what they print.

use super::Desk;

#[tokio::test]
async fn a_model_is_dumped_by_who_asked_for_the_commands_of_developers() {
    let desk = Desk::new().await;
    desk.works("juju add-model m").await;
    let (code, out, err) = desk.run("juju dump-model").await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("ERROR juju: \"dump-model\" is not a juju command."), "{err}");

    let dump = async |line: &str| {
        let args = line.split_whitespace().map(str::to_owned).collect();
        let flagged = |io: &mut cli::Io| {
            io.env.insert("JUJU_DEV_FEATURE_FLAGS".into(), "branches,Developer-Mode".into());
        };
        let (code, out, err) = desk.run_with(args, flagged, async |_, _| {}).await;
        assert_eq!(code, 0, "{line}: {err}");
        out
    };
    let yaml = dump("juju dump-model").await;
    assert!(yaml.starts_with("access:\n  admin: admin\nkeys:\n"), "{yaml}");
    assert!(yaml.contains("\nmodel:\n  agent-version: "), "{yaml}");
    // Read and printed anew, it is what the controller printed of the same records.
    assert_eq!(yaml, dump("juju dump-db m").await);
    let json: serde_json::Value =
        serde_json::from_str(&dump("juju dump-model m --format json --simplified").await).expect("JSON");
    assert_eq!(json["model"]["name"], "m");
}

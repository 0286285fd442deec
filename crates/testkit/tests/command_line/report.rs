//! `bug-report` against a whole controller: what is in it, and that no secret is, wherever one was planted.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use super::Desk;
use store::append::{Level, Line, LogBounds};
use testkit::controller::PASSWORD;

/// Name and text of each file of an archive.
fn read(path: &std::path::Path) -> Vec<(String, String)> {
    let mut tar = Vec::new();
    let file = std::fs::File::open(path).expect("it is there");
    flate2::read::GzDecoder::new(file).read_to_end(&mut tar).expect("gzip");
    let (mut files, mut rest) = (Vec::new(), &*tar);
    while rest[0] != 0 {
        let text = |range: std::ops::Range<usize>| String::from_utf8_lossy(&rest[range]).trim_matches('\0').to_owned();
        let size = usize::from_str_radix(&text(124..135), 8).expect("octal");
        files.push((text(0..100), String::from_utf8_lossy(&rest[512..512 + size]).into_owned()));
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    files
}

#[tokio::test]
async fn a_report_has_what_is_needed_and_no_secret() {
    let desk = Desk::with_machines(1).await;
    // Each stands in its own place, and in the log, where nobody expects it.
    let planted = [
        PASSWORD,
        "cloud-key-0123456789",
        "cookie-0123456789abcdef",
        "from-the-environment",
        "of-the-proxy",
        "in-cloud-init",
        "of-a-command",
        "written-to-the-log",
        "MIIEsecretkeysecretkey",
    ];
    let data = desk.folder.path().join("data");
    std::fs::write(
        data.join("credentials.yaml"),
        "credentials:\n  aws:\n    mine:\n      auth-type: access-key\n      secret-key: cloud-key-0123456789\n",
    )
    .expect("written");
    std::fs::create_dir_all(data.join("cookies")).expect("made");
    std::fs::write(data.join("cookies/lab.json"), r#"[{"Name": "macaroon", "Value": "cookie-0123456789abcdef"}]"#)
        .expect("written");
    desk.works("juju model-config http-proxy=http://me:of-the-proxy@10.0.0.1:3128 cloudinit-userdata={\"packages\":[\"in-cloud-init\"]}")
        .await;
    desk.works("juju exec --machine 0 echo of-a-command").await;
    desk.works("juju add-machine --base ubuntu@9").await;
    let models = desk.works("juju models --format json").await;
    let models: serde_json::Value = serde_json::from_str(&models).expect("JSON");
    let of_m =
        models["models"].as_array().expect("a list").iter().find(|model| model["short-name"] == "m").expect("there");
    let model = of_m["model-uuid"].as_str().expect("a uuid");
    let message = format!(
        "tried {PASSWORD}, cloud-key-0123456789, cookie-0123456789abcdef and from-the-environment; \
         then password=written-to-the-log; -----BEGIN RSA PRIVATE KEY----- MIIEsecretkeysecretkey -----END RSA PRIVATE KEY----- the end"
    );
    let line = Line {
        at: 1_700_000_000_000_000,
        entity: "machine-0".into(),
        level: Level::Info,
        module: "planted".into(),
        location: String::new(),
        message,
        labels: Default::default(),
    };
    desk.controller.append().logs().append(model, vec![line], LogBounds::default()).await.expect("written");

    let args: Vec<String> = ["juju", "bug-report", "-o", "report.tar.gz"].map(str::to_owned).into();
    let with_secret = |io: &mut cli::Io| {
        io.env.insert("MY_TOKEN".into(), "from-the-environment".into());
    };
    let (code, out, err) = desk.run_with(args.clone(), with_secret, async |_, _| {}).await;
    assert_eq!((code, out.as_str()), (0, "report.tar.gz\n"), "{err}");
    let path = desk.folder.path().join("report.tar.gz");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    let files = read(&path);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["README.txt", "host/facts.json", "host/doctor.json", "versions.json"] {
        assert!(names.contains(&&*format!("bug-report/{name}")), "no {name}: {names:?}");
    }
    for name in ["status.json", "why.json", "settings.json", "debug-log.txt"] {
        assert!(names.contains(&&*format!("bug-report/models/admin.m/{name}")), "no {name}: {names:?}");
    }
    for (name, text) in &files {
        for secret in planted {
            assert!(!text.contains(secret), "{name} has {secret:?}");
        }
    }
    let text = |name: &str| &files.iter().find(|(known, _)| known.ends_with(name)).expect("there").1;
    assert!(
        text("admin.m/debug-log.txt").contains("planted tried [redacted], [redacted]"),
        "{}",
        text("admin.m/debug-log.txt")
    );
    assert!(text("admin.m/debug-log.txt").contains("the end"));
    assert!(text("admin.m/settings.json").contains("\"http-proxy\": \"(set)\""));
    assert!(text("admin.m/status.json").contains("\"instance-status\""));
    assert!(text("README.txt").starts_with("Bug report of grigri "));

    // What is there stays as it is.
    let before = std::fs::read(&path).expect("there");
    let (code, out, err) = desk.run("juju bug-report -o report.tar.gz").await;
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert_eq!(err, "ERROR report.tar.gz is there already, and is not overwritten: name another file with -o\n");
    assert_eq!(std::fs::read(&path).expect("there"), before);
    // Without a name of its own, and of one model.
    let out = desk.works("juju bug-report -m m").await;
    assert!(out.starts_with("bug-report-lab-") && out.ends_with("Z.tar.gz\n"), "{out}");
    let files = read(&desk.folder.path().join(out.trim()));
    assert!(files.iter().all(|(name, _)| !name.contains("models/") || name.contains("models/admin.m/")));
    for (line, words) in [
        ("juju bug-report -c nowhere", "ERROR controller nowhere not found\n"),
        ("juju bug-report -n -1", "ERROR --lines must be a number from 0 to 50000\n"),
        ("juju bug-report -c lab -m other:m", "ERROR controller other not found\n"),
    ] {
        let (code, _, err) = desk.run(line).await;
        assert!(code != 0 && err == words, "{line}: {code} {err}");
    }
}

#[tokio::test]
async fn a_report_is_made_of_a_host_alone_too() {
    let desk = Desk::new().await;
    std::fs::remove_dir_all(desk.folder.path().join("data")).expect("removed");
    let (code, out, err) = desk.run("juju bug-report").await;
    assert!(code == 0 && out.starts_with("bug-report-host-"), "{out}{err}");
    let files = read(&desk.folder.path().join(out.trim()));
    assert!(files.iter().any(|(name, _)| name == "bug-report/host/facts.json"), "{files:?}");
}

//! Completion against controllers that do not answer: a tab is answered all the same, soon, and without a word on stderr.

use std::net::TcpListener;
use std::time::Duration;

use cli::{Injected, Io};

const CONTROLLERS: &str = "\
controllers:
  lab:
    uuid: a1b2c3d4-0000-4000-8000-000000000001
    api-endpoints: ['ADDRESS']
    ca-cert: |
      -----BEGIN CERTIFICATE-----
      MIIBejCCAR+gAwIBAgIUNE9mp/+6PsqF/3l8TWDsFVrkzfYwCgYIKoZIzj0EAwIw
      ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyNzIwNDk1NFoYDzIxMjYxMTAzMjA0
      OTU0WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
      AAROFPVN3g+jyXbtF7fSTXQXimGDKEc2CBuKRcgHuzpqYbOub2Lfob4H3GoE5+Co
      w3+tjauKKvHnWLJChIYOeeYTo1MwUTAdBgNVHQ4EFgQU6a4KBUT7fYHLRKsz29XR
      J2lsvgkwHwYDVR0jBBgwFoAU6a4KBUT7fYHLRKsz29XRJ2lsvgkwDwYDVR0TAQH/
      BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA+2+0LO2cQFd33eluBqmS6mmj8XoY
      6LjxyKB4gwRKTo0CIQDCmSQnO1+VFrzyZEkZWtsLMtE/zGrMtqN3d4Ke+wGUQw==
      -----END CERTIFICATE-----
    cloud: builtin
    controller-machine-count: 0
    active-controller-machine-count: 0
current-controller: lab
";
const MODELS: &str = "controllers:\n  lab:\n    models:\n      admin/work:\n        uuid: a1b2c3d4-0000-4000-8000-000000000002\n        \
                      type: iaas\n    current-model: admin/work\n";
const ACCOUNTS: &str = "controllers:\n  lab:\n    user: admin\n    password: x\n";

/// A client store with one controller at an address.
fn store(address: &str, accounts: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (file, text) in [
        ("controllers.yaml", CONTROLLERS.replace("ADDRESS", address).as_str()),
        ("models.yaml", MODELS),
        ("accounts.yaml", accounts),
    ] {
        std::fs::write(dir.path().join(file), text).expect("written");
    }
    dir
}

/// What is offered for the last word; the files of the store must stay as they are.
async fn complete(dir: &tempfile::TempDir, words: &[&str]) -> String {
    let path = dir.path().to_str().expect("text");
    let (io, captured) = Io::captured(&[("JUJU_DATA", path), ("TMPDIR", path)], dir.path(), "a password\n");
    let read = |file: &str| std::fs::read_to_string(dir.path().join(file)).expect("there");
    let before = ["controllers.yaml", "models.yaml", "accounts.yaml"].map(read);
    let line: Vec<String> = ["grigri", "complete", "--"].iter().chain(words).map(|word| (*word).to_owned()).collect();
    let run = cli::run(line, io, Injected::default());
    let (code, _) = tokio::time::timeout(Duration::from_secs(5), run).await.expect("ends in time");
    assert_eq!((code, captured.stderr().as_str()), (0, ""), "{words:?}");
    assert_eq!(["controllers.yaml", "models.yaml", "accounts.yaml"].map(read), before, "{words:?}");
    captured.stdout()
}

#[tokio::test]
async fn a_controller_that_says_nothing_is_not_waited_for() {
    // Connections are made by the kernel; nobody ever reads what they say.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let dir = store(&silent.local_addr().expect("bound").to_string(), ACCOUNTS);
    assert_eq!(complete(&dir, &["show-machine", ""]).await, "");
    assert_eq!(complete(&dir, &["show-task", ""]).await, "");
    assert_eq!(complete(&dir, &["status", "-m", "w"]).await, "work\n");
    assert_eq!(complete(&dir, &["status", "-m", ""]).await, "work\nlab:\n");
    assert_eq!(complete(&dir, &["switch", ""]).await, "lab\nwork\n");
    assert_eq!(complete(&dir, &["switch", "lab:"]).await, "lab:work\n");
    // Nobody is asked for what is known.
    assert_eq!(complete(&dir, &["show-controller", ""]).await, "lab\n");
    assert_eq!(complete(&dir, &["scp", "file", ""]).await, "*\n");
}

#[tokio::test]
async fn nor_one_that_is_not_there_nor_one_that_nobody_is_logged_in_to() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").to_string();
    for accounts in [ACCOUNTS, "controllers: {}\n", "controllers:\n  lab:\n    user: admin\n"] {
        let dir = store(&gone, accounts);
        assert_eq!(complete(&dir, &["show-machine", ""]).await, "");
        assert_eq!(complete(&dir, &["exec", "--machine", "0,"]).await, "");
        assert_eq!(complete(&dir, &["show-machine", "-m", "nowhere:x", ""]).await, "");
    }
}

#[tokio::test]
async fn a_broken_store_offers_what_needs_none() {
    let dir = store("127.0.0.1:1", ACCOUNTS);
    std::fs::write(dir.path().join("controllers.yaml"), "[[[").expect("written");
    assert_eq!(complete(&dir, &["show-machine", ""]).await, "");
    assert_eq!(complete(&dir, &["whoa"]).await, "whoami\n");
}

//! Clouds and credentials on this client: what is asked on a terminal, what the files are afterwards.
//! What the original prints is held by the recordings (`replay`); they have no terminal, and none of our own clouds.

use cli::io::Captured;
use cli::{Injected, Io};
use std::os::unix::fs::PermissionsExt as _;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench { folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(bench.folder.path().join("data")).expect("made");
        bench
    }

    async fn run(&self, line: &str, typed: &str) -> (i32, Captured) {
        let home = self.folder.path().display().to_string();
        let data = format!("{home}/data");
        let env = [("HOME", home.as_str()), ("JUJU_DATA", data.as_str()), ("TMPDIR", home.as_str())];
        let (mut io, captured) = Io::captured(&env, self.folder.path(), typed);
        io.stdin_is_terminal = true;
        let args = line.split_whitespace().map(str::to_owned).collect();
        let (code, _) = cli::run(args, io, Injected::default()).await;
        (code, captured)
    }

    /// Runs what must go well.
    async fn done(&self, line: &str, typed: &str) -> String {
        let (code, out) = self.run(line, typed).await;
        assert_eq!(code, 0, "{line}: {}{}", out.stdout(), out.stderr());
        out.stdout()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

#[tokio::test]
async fn a_cloud_and_its_credential_are_asked_for() {
    let bench = Bench::new();
    for name in ["c.crt", "c.key", "s.crt"] {
        bench.write(name, PEM);
    }
    let typed = "lxc\nlxd\nfar away\nfar\n10.0.0.1\nhttps://10.0.0.1:8443\ncertificate\n";
    let out = bench.done("juju add-cloud --client", typed).await;
    for said in ["Invalid cloud type \"lxc\"", "cloud name \"far away\" not valid", "\"10.0.0.1\" is no URL"] {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert_eq!(
        bench.read("data/clouds.yaml"),
        "clouds:\n  far:\n    type: lxd\n    auth-types: [certificate]\n    endpoint: https://10.0.0.1:8443\n    regions:\n      default: {}\n"
    );
    // A path that is no file is asked for again.
    let typed = "9\nmine\n\nnope.crt\nc.crt\nc.key\ns.crt\n";
    let out = bench.done("juju add-credential far --client", typed).await;
    assert!(out.contains("Invalid credential name: \"9\""), "{out}");
    assert!(out.contains("invalid client-cert: open nope.crt: no such file or directory"), "{out}");
    assert!(out.ends_with("Credential \"mine\" added locally for cloud \"far\".\n\n"), "{out}");
    let kept = bench.read("data/credentials.yaml");
    assert!(kept.contains("BEGIN CERTIFICATE") && !kept.contains("c.crt"), "{kept}");
    let mode =
        std::fs::metadata(bench.folder.path().join("data/credentials.yaml")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Shown without the key, unless it is asked for.
    let shown = bench.done("juju credentials --client --format yaml", "").await;
    assert!(shown.contains("client-cert") && !shown.contains("client-key"), "{shown}");
    let shown = bench.done("juju show-credential far mine --client --show-secrets", "").await;
    assert!(shown.contains("client-key"), "{shown}");
    let table = bench.done("juju clouds --client", "").await;
    assert!(table.contains("far        1        default    lxd      1            local"), "{table}");
}

#[tokio::test]
async fn what_a_user_wrote_into_the_files_stays() {
    let bench = Bench::new();
    let clouds = "zed: mine\nclouds:\n  zoo:\n    type: lxd\n    endpoint: https://z:8443\n    colour: red\n    regions:\n      b:\n        flavour: x\n      a: {}\n  abc:\n    type: manual\n    endpoint: h\n";
    bench.write("data/clouds.yaml", clouds);
    bench.write("new.yaml", "clouds:\n  mid:\n    type: incus\n    endpoint: https://m:8443\n");
    bench.done("juju add-cloud mid new.yaml --client", "").await;
    let added = bench.read("data/clouds.yaml");
    for kept in ["zed: mine", "colour: red", "flavour: x"] {
        assert!(added.contains(kept), "{kept}: {added}");
    }
    let place = |text: &str| added.find(text).unwrap_or_else(|| panic!("{text}: {added}"));
    assert!(place("zoo:") < place("abc:") && place("abc:") < place("mid:"), "{added}");
    assert!(place("b:\n") < place("a: {}"), "the first region is the default: {added}");
    bench.done("juju remove-cloud mid --client", "").await;
    assert!(!bench.read("data/clouds.yaml").contains("mid"));

    bench.write("data/credentials.yaml", "note: x\ncredentials:\n  zoo:\n    z:\n      auth-type: certificate\n      odd: why\n    default-credential: z\n");
    bench.done("juju default-region zoo a", "").await;
    let kept = bench.read("data/credentials.yaml");
    assert!(kept.contains("note: x") && kept.contains("odd: why") && kept.contains("default-region: a"), "{kept}");
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told_of_and_left_alone() {
    for (name, text, line) in [
        ("clouds.yaml", "clouds: [", "juju add-cloud x new.yaml --client"),
        ("clouds.yaml", "clouds:\n  x: 7\n", "juju remove-cloud x --client"),
        ("credentials.yaml", "credentials:\n  zoo: [\n", "juju default-region localhost localhost"),
        ("credentials.yaml", "credentials:\n  zoo:\n    a: text\n", "juju default-credential localhost --reset"),
    ] {
        let bench = Bench::new();
        bench.write(&format!("data/{name}"), text);
        bench.write("new.yaml", "clouds:\n  x:\n    type: lxd\n    endpoint: https://m:8443\n");
        let (code, out) = bench.run(line, "").await;
        assert_eq!(code, 1, "{line}");
        assert!(out.stderr().starts_with("ERROR cannot parse ") && out.stderr().contains(name), "{}", out.stderr());
        assert_eq!(bench.read(&format!("data/{name}")), text, "{line}");
    }
}

#[tokio::test]
async fn what_is_found_is_saved_when_it_is_picked() {
    let bench = Bench::new();
    std::fs::create_dir(bench.folder.path().join(".aws")).expect("made");
    bench.write(".aws/credentials", "[work]\naws_access_key_id = A\naws_secret_access_key = B\n");
    bench.write(
        "data/public-clouds.yaml",
        "clouds:\n  aws:\n    type: ec2\n    auth-types: [access-key]\n    regions:\n      east: {}\n",
    );
    let (code, out) = bench.run("juju autoload-credentials --client", "7\n1\n\nq\n").await;
    assert_eq!(code, 0, "{}", out.stderr());
    for said in [
        "1. aws credential \"work\" (new)",
        "Invalid choice, enter a number between 1 and 1",
        "Saved aws credential \"work\" to cloud aws locally",
        "1. aws credential \"work\" (existing, will overwrite)",
    ] {
        assert!(out.stderr().contains(said), "{said}: {}", out.stderr());
    }
    assert!(bench.read("data/credentials.yaml").contains("secret-key: B"));
    let (code, out) = Bench::new().run("juju autoload-credentials lxd --client", "").await;
    assert_eq!((code, out.stderr().as_str()), (0, "No cloud credentials found.\n"));
}

#[tokio::test]
async fn built_in_clouds_are_listed_and_stay() {
    let bench = Bench::new();
    let (_, out) = bench.run("juju remove-cloud localhost --client", "").await;
    assert_eq!(out.stderr(), "Cannot remove built-in cloud \"localhost\" from client\n");
    assert_eq!(bench.done("juju regions localhost --client", "").await, "\nClient Cloud Regions\nlocalhost\n");
    let table = bench.done("juju clouds --client", "").await;
    assert!(
        table.contains("builtin    1        default    builtin") && table.contains("LXD Container Hypervisor"),
        "{table}"
    );
    let (code, out) = bench.run("juju add-credential builtin --client", "").await;
    assert_eq!((code, out.stderr().as_str()), (1, "ERROR cloud \"builtin\" does not require credentials\n"));
}

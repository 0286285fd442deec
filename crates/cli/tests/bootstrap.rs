//! Starting and ending controllers as the command line sees it: steps, the client store, what a failure leaves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cli::bootstrap::{BootstrapError, BootstrapParams, BootstrapResult, Bootstrapper, Boxed, KillParams, Progress};
use cli::io::Captured;
use cli::{Injected, Io};

#[derive(Clone, Copy)]
enum Behaviour {
    Works,
    Fails,
    Hangs,
    /// Fails, and what it made cannot be taken away.
    Sticks,
}

struct Fake {
    behaviour: Behaviour,
    kills: Arc<AtomicUsize>,
    /// What it was last asked for.
    asked: Arc<Mutex<Option<BootstrapParams>>>,
}

fn broken(message: &str) -> BootstrapError {
    BootstrapError { message: message.to_owned(), hints: vec!["run it as root".to_owned()] }
}

impl Bootstrapper for Fake {
    fn check<'b>(&'b self, _: &'b BootstrapParams) -> Boxed<'b, ()> {
        Box::pin(async { Ok(()) })
    }

    fn start<'b>(&'b self, _: &'b KillParams, _: Progress<'b>) -> Boxed<'b, bool> {
        Box::pin(async { Ok(true) })
    }

    fn bootstrap<'b>(&'b self, params: &'b BootstrapParams, progress: Progress<'b>) -> Boxed<'b, BootstrapResult> {
        Box::pin(async move {
            *self.asked.lock().expect("whole") = Some(params.clone());
            progress("Making image of this host");
            match self.behaviour {
                Behaviour::Works => {}
                Behaviour::Hangs => std::future::pending().await,
                Behaviour::Fails | Behaviour::Sticks => return Err(broken("no permission to make machines")),
            }
            progress("Starting controller");
            Ok(BootstrapResult {
                uuid: params.controller_uuid.clone(),
                controller_model_uuid: params.controller_model_uuid.clone(),
                ca_cert: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_owned(),
                endpoints: vec!["10.1.0.1:17070".to_owned()],
                cloud_type: "builtin".to_owned(),
                region: "default".to_owned(),
                agent_version: "3.6.100".to_owned(),
            })
        })
    }

    fn kill<'b>(&'b self, _: &'b KillParams, _: Progress<'b>) -> Boxed<'b, ()> {
        Box::pin(async move {
            self.kills.fetch_add(1, Ordering::SeqCst);
            match self.behaviour {
                Behaviour::Sticks => Err(broken("the controller's folder is busy")),
                _ => Ok(()),
            }
        })
    }
}

struct Bench {
    folder: tempfile::TempDir,
    kills: Arc<AtomicUsize>,
    asked: Arc<Mutex<Option<BootstrapParams>>>,
}

impl Bench {
    fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a folder"), kills: Arc::default(), asked: Arc::default() }
    }

    async fn run(&self, behaviour: Behaviour, line: &str, interrupt: bool) -> (i32, Captured) {
        let home = self.folder.path().display().to_string();
        let data = format!("{home}/data");
        let env = [("HOME", home.as_str()), ("JUJU_DATA", data.as_str()), ("TMPDIR", home.as_str())];
        let (io, captured) = Io::captured(&env, self.folder.path(), "");
        if interrupt {
            // A permit is kept until somebody waits for it.
            io.interrupt.as_ref().expect("a test's").notify_one();
        }
        let bootstrapper = Fake { behaviour, kills: self.kills.clone(), asked: self.asked.clone() };
        let injected = Injected { bootstrapper: Some(Box::new(bootstrapper)), ..Injected::default() };
        let args = line.split_whitespace().map(str::to_owned).collect();
        let (code, _) = cli::run(args, io, injected).await;
        (code, captured)
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("data").join(name)).unwrap_or_default()
    }

    fn asked(&self) -> BootstrapParams {
        self.asked.lock().expect("whole").clone().expect("asked")
    }

    fn kills(&self) -> usize {
        self.kills.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_controller_is_made_and_known() {
    let bench = Bench::new();
    let (code, out) = bench.run(Behaviour::Works, "juju bootstrap builtin Lab", false).await;
    assert_eq!(
        (code, out.stderr().as_str()),
        (
            0,
            "Creating Juju controller \"lab\" on builtin/default\n\
             Making image of this host\n\
             Starting controller\n\
             \n\
             Bootstrap complete, controller \"lab\" is now available\n\
             Controller machines are in the \"controller\" model\n\
             Now you can run\n\tjuju add-model <model-name>\nto create a new model to deploy workloads.\n"
        )
    );
    let controllers = bench.file("controllers.yaml");
    assert!(controllers.contains("api-endpoints: ['10.1.0.1:17070']"), "{controllers}");
    assert!(controllers.contains("current-controller: lab"), "{controllers}");
    assert!(bench.file("accounts.yaml").contains("user: admin\n    password: "));
    assert!(bench.file("models.yaml").contains("current-model: admin/controller"));
    assert!(bench.file("bootstrap-config.yaml").contains("type: builtin"));
    assert_eq!(bench.file("cookies/lab.json"), "null\n");
    assert!(bench.file("ssh/juju_id_rsa.pub").starts_with("ssh-rsa "));
    assert_eq!(bench.kills(), 0);

    let (code, out) = bench.run(Behaviour::Works, "juju bootstrap builtin lab", false).await;
    assert_eq!((code, out.stderr().as_str()), (1, "ERROR controller \"lab\" already exists\n"));

    let (code, _) = bench.run(Behaviour::Works, "juju bootstrap builtin other --no-switch", false).await;
    assert_eq!(code, 0);
    assert!(bench.file("controllers.yaml").contains("current-controller: lab"));
    let (code, out) = bench.run(Behaviour::Works, "juju switch other", false).await;
    assert_eq!((code, out.stderr().as_str()), (0, "lab:admin/controller -> other:admin/controller\n"));
}

#[tokio::test]
async fn what_new_models_begin_with_comes_from_files_and_pairs() {
    let bench = Bench::new();
    std::fs::write(bench.folder.path().join("all.yaml"), "development: true\nnum-provision-workers: 3\nno-proxy: a\n")
        .expect("written");
    let line = "juju bootstrap builtin lab --model-default no-proxy=b --model-default all.yaml --model-default own=1";
    let (code, out) = bench.run(Behaviour::Works, line, false).await;
    assert_eq!(code, 0, "{}", out.stderr());
    let told = serde_json::to_string(&bench.asked().model_defaults).expect("JSON");
    assert_eq!(told, r#"{"development":true,"no-proxy":"b","num-provision-workers":3,"own":"1"}"#);
    std::fs::write(bench.folder.path().join("bad.yaml"), "ca-cert: x\n").expect("written");
    let (code, out) = bench.run(Behaviour::Works, "juju bootstrap builtin other --model-default bad.yaml", false).await;
    let refused = "ERROR \"ca-cert\" is a bootstrap only attribute, and cannot be set as a model-default\n";
    assert_eq!((code, out.stderr().as_str()), (1, refused));
}

/// All of a definition goes along: other regions too, and what models of each begin with.
#[tokio::test]
async fn a_controller_knows_its_cloud_as_it_is_defined() {
    let bench = Bench::new();
    let data = bench.folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let text = "clouds:\n  own:\n    type: builtin\n    regions:\n      east: {}\n      west: {}\n    config:\n      \
                http-proxy: http://c\n    region-config:\n      west:\n        no-proxy: w\n";
    std::fs::write(data.join("clouds.yaml"), text).expect("written");
    let (code, out) = bench.run(Behaviour::Works, "juju bootstrap own one", false).await;
    assert_eq!((code, bench.asked().region.as_str()), (0, "east"), "{}", out.stderr());
    let definition = bench.asked().definition;
    let regions: Vec<&str> = definition.regions.iter().map(|region| region.name.as_str()).collect();
    assert_eq!(regions, ["east", "west"]);
    assert_eq!(serde_json::to_string(&definition.config).expect("JSON"), r#"{"http-proxy":"http://c"}"#);
    assert_eq!(serde_json::to_string(&definition.region_config).expect("JSON"), r#"{"west":{"no-proxy":"w"}}"#);
    // The region that this client takes, where none is named.
    let (code, out) = bench.run(Behaviour::Works, "juju default-region own west", false).await;
    assert_eq!(code, 0, "{}", out.stderr());
    for (line, region) in [("juju bootstrap own two", "west"), ("juju bootstrap own/east three", "east")] {
        let (code, out) = bench.run(Behaviour::Works, line, false).await;
        assert_eq!((code, bench.asked().region.as_str()), (0, region), "{line}: {}", out.stderr());
    }
}

#[tokio::test]
async fn what_has_no_effect_is_told_and_patience_counts() {
    let bench = Bench::new();
    let line = "juju bootstrap builtin lab --config bootstrap-retry-delay=1 --config bootstrap-timeout=90 --config a=b";
    let (code, out) = bench.run(Behaviour::Works, line, false).await;
    assert_eq!(code, 0, "{}", out.stderr());
    let warning = "WARNING bootstrap-retry-delay is ignored: the controller is asked every few milliseconds\n";
    assert!(out.stderr().starts_with(warning), "{}", out.stderr());
    let asked = bench.asked();
    assert_eq!(
        (asked.patience, asked.config.into_iter().collect()),
        (Some(90), vec![("a".to_owned(), "b".to_owned())])
    );
}

#[tokio::test]
async fn a_failure_leaves_nothing() {
    let bench = Bench::new();
    bench.run(Behaviour::Works, "juju bootstrap builtin first", false).await;
    let before = bench.file("controllers.yaml");
    let (code, out) = bench.run(Behaviour::Fails, "juju bootstrap builtin lab", false).await;
    assert_eq!(code, 1);
    assert!(out.stderr().ends_with("ERROR no permission to make machines\n\nrun it as root\n"), "{}", out.stderr());
    assert_eq!(bench.file("controllers.yaml"), before);
    assert_eq!(bench.kills(), 1);
}

#[tokio::test]
async fn an_interruption_leaves_nothing() {
    let bench = Bench::new();
    let (code, out) = bench.run(Behaviour::Hangs, "juju bootstrap builtin lab", true).await;
    assert_eq!(code, 1);
    assert!(
        out.stderr().ends_with("Ctrl-C pressed, attempting to stop bootstrap and clean up resources\n"),
        "{}",
        out.stderr()
    );
    assert_eq!(bench.file("controllers.yaml"), "controllers: {}\n");
    assert_eq!(bench.kills(), 1);
}

#[tokio::test]
async fn what_cannot_be_taken_away_stays_known_and_can_be_killed() {
    let bench = Bench::new();
    let (code, out) = bench.run(Behaviour::Sticks, "juju bootstrap builtin lab", false).await;
    assert_eq!(code, 1);
    assert!(out.stderr().contains("ERROR cannot take away what was made: the controller's folder is busy\n"));
    assert!(bench.file("controllers.yaml").contains("  lab:\n"));
    let (code, out) = bench.run(Behaviour::Works, "juju kill-controller lab --no-prompt", false).await;
    assert_eq!(code, 0, "{}", out.stderr());
    assert!(out.stderr().ends_with("Unable to connect to the API server, destroying through provider\n"));
    assert_eq!(bench.file("controllers.yaml"), "controllers: {}\n");
    assert_eq!(bench.kills(), 2);
}

const NO_HOST: &str =
    "ERROR missing address of host to bootstrap: please specify \"juju bootstrap manual/[user@]<host>\"\n";

/// A cloud of the user's own is one by its type, with the host in its endpoint.
#[tokio::test]
async fn a_manual_cloud_has_its_host_in_its_endpoint() {
    let bench = Bench::new();
    let clouds = bench.folder.path().join("data");
    std::fs::create_dir(&clouds).expect("made");
    let text =
        "clouds:\n  home:\n    type: manual\n    endpoint: root@-x\n  bare:\n    type: manual\n  far:\n    type: ec2\n";
    std::fs::write(clouds.join("clouds.yaml"), text).expect("written");
    for (line, expected) in [
        ("juju bootstrap home", "ERROR host name \"-x\" not valid\n"),
        ("juju bootstrap home/default", "ERROR host name \"-x\" not valid\n"),
        ("juju bootstrap home/mars", "ERROR region \"mars\" for cloud \"home\" not valid\n"),
        ("juju bootstrap bare", NO_HOST),
        (
            "juju bootstrap far",
            "ERROR cloud \"far\" is of type \"ec2\", on which this release of grigri cannot start controllers; \
             try \"builtin\", \"localhost\" or \"manual/[user@]host\"\n",
        ),
    ] {
        let (code, out) = bench.run(Behaviour::Works, line, false).await;
        assert_eq!((code, out.stderr().as_str()), (1, expected), "{line}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_made() {
    let bench = Bench::new();
    for (line, expected, exit) in [
        ("juju bootstrap", "ERROR no cloud specified, try \"juju bootstrap builtin\"\n", 2),
        ("juju bootstrap nope", "ERROR unknown cloud \"nope\", please try \"juju update-public-clouds\"\n", 1),
        ("juju bootstrap builtin/mars", "ERROR region \"mars\" for cloud \"builtin\" not valid\n", 1),
        ("juju bootstrap manual", NO_HOST, 1),
        ("juju bootstrap manual/", NO_HOST, 1),
        ("juju bootstrap manual/root@ lab", NO_HOST, 1),
        ("juju bootstrap manual/root@-x lab", "ERROR host name \"-x\" not valid\n", 1),
        ("juju bootstrap manual/box:x lab", "ERROR port of host \"box:x\" not valid\n", 1),
        ("juju bootstrap manual/box a_b", "ERROR controller name \"a_b\" not valid\n", 2),
        ("juju bootstrap builtin a_b", "ERROR controller name \"a_b\" not valid\n", 2),
        ("juju bootstrap builtin a b", "ERROR unrecognized args: [\"b\"]\n", 2),
        (
            "juju bootstrap builtin a --constraints mem=x",
            "ERROR bad \"mem\" constraint: must be a non-negative float with optional M/G/T/P suffix\n",
            2,
        ),
        (
            "juju bootstrap builtin a --model-default admin-secret=x",
            "ERROR \"admin-secret\" is a bootstrap only attribute, and cannot be set as a model-default\n",
            1,
        ),
        (
            "juju bootstrap builtin a --model-default development=true --model-default api-port=1",
            "ERROR \"api-port\" is a controller attribute, and cannot be set as a model-default\n",
            1,
        ),
        (
            "juju bootstrap builtin a --config ca-private-key=x",
            "ERROR cannot set \"ca-private-key\": a controller of this release makes its certificate authority itself\n",
            1,
        ),
        (
            "juju bootstrap builtin a --config controller-name=x",
            "ERROR cannot set \"controller-name\": the name is an argument: bootstrap CLOUD NAME\n",
            1,
        ),
        (
            "juju bootstrap builtin a --config bootstrap-timeout=0",
            "ERROR bootstrap-timeout: expected seconds, 1 to 86400, got \"0\"\n",
            1,
        ),
    ] {
        let (code, out) = bench.run(Behaviour::Works, line, false).await;
        assert_eq!((code, out.stderr().as_str()), (exit, expected), "{line}");
    }
    assert_eq!(bench.file("controllers.yaml"), "");
}

#[tokio::test]
async fn completion_knows_commands_flags_and_names() {
    let bench = Bench::new();
    bench.run(Behaviour::Works, "juju bootstrap builtin lab", false).await;
    for (line, expected) in [
        ("juju complete -- show-contr", "show-controller\n"),
        ("juju complete -- unregister l", "lab\n"),
        ("juju complete -- models -c l", "lab\n"),
        ("juju complete -- models --form", "--format\n"),
        ("juju complete -- models --format y", "yaml\n"),
        ("juju complete -- show-model c", "controller\n"),
        ("juju complete -- nonsense c", ""),
    ] {
        let (code, out) = bench.run(Behaviour::Works, line, false).await;
        assert_eq!((code, out.stdout().as_str()), (0, expected), "{line}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (code, out) = bench.run(Behaviour::Works, &format!("juju completion {shell}"), false).await;
        assert!(code == 0 && out.stdout().contains("complete"), "{shell}");
    }
    let (code, out) = bench.run(Behaviour::Works, "juju completion tcsh", false).await;
    assert_eq!((code, out.stderr().as_str()), (2, "ERROR unknown shell \"tcsh\", choose one of bash, zsh, fish\n"));
}

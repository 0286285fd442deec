//! What is sealed opens for the same credential with the same key, and for nothing else; and nothing on the disk has it in clear.

use super::*;
use base::chance::SystemChance;
use base::clock::SystemClock;
use model::record::credential::Credential;
use std::os::unix::fs::PermissionsExt as _;
use store::sqlite::{Options, Sqlite};
use store::{Directory, Txn};

const PLANTED: &str = "xyzzy-planted-secret";

fn layout(folder: &Path) -> Layout {
    let layout = Layout { root: folder.to_owned(), uuid: "a1b2c3d4-0000-4000-8000-000000000001".into() };
    std::fs::create_dir_all(layout.dir()).expect("a folder");
    layout
}

fn sealer(layout: &Layout) -> Sealer {
    Sealer::open(layout, Arc::new(SystemChance))
}

fn words(result: Result<Secret, Refusal>) -> String {
    result.map(|_| "opened".to_owned()).unwrap_or_else(|refusal| refusal.words().to_owned())
}

#[test]
fn a_seal_opens_for_its_credential_and_key_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(folder.path());
    let first = sealer(&layout);
    let sealed = first.seal("lab/admin/one", &Secret::new(PLANTED)).expect("seals");
    assert!(!sealed.contains(PLANTED));
    assert_ne!(sealed, first.seal("lab/admin/one", &Secret::new(PLANTED)).expect("seals"), "the nonce is another");
    let mode = std::fs::metadata(layout.secrets_key()).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The next start has the same key.
    let second = sealer(&layout);
    assert_eq!(second.open("lab/admin/one", &sealed).expect("opens").reveal(), PLANTED);
    assert!(words(second.open("lab/admin/two", &sealed)).contains("broken"));
    let mut changed = sealed.clone();
    changed.replace_range(
        sealed.len() - 6..sealed.len() - 5,
        if sealed.as_bytes()[sealed.len() - 6] == b'A' { "B" } else { "A" },
    );
    for bad in [changed.as_str(), "", "v1", "v1..", "v2.a.b", &sealed[..sealed.len() - 40], "{}"] {
        assert!(words(second.open("lab/admin/one", bad)).starts_with("cannot open credential"), "{bad}");
    }
}

#[test]
fn without_its_key_it_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(folder.path());
    let sealed = sealer(&layout).seal("lab/admin/one", &Secret::new(PLANTED)).expect("seals");
    std::fs::remove_file(layout.secrets_key()).expect("removed");
    let said = words(sealer(&layout).open("lab/admin/one", &sealed));
    assert!(said.contains("another key") && said.contains("secrets.key"), "{said}");
    std::fs::write(layout.secrets_key(), "no key").expect("written");
    let broken = sealer(&layout);
    let said = words(broken.open("lab/admin/one", &sealed));
    assert!(said.contains("secrets.key: it is no key"), "{said}");
    assert!(broken.seal("lab/admin/one", &Secret::new(PLANTED)).is_err());
}

/// All that is in the files of a folder, as bytes.
fn holds(folder: &Path, text: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let has = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    entries
        .map(|entry| entry.path())
        .flat_map(|path| match path.is_dir() {
            true => holds(&path, text),
            false => has(&path).then(|| path.display().to_string()).into_iter().collect(),
        })
        .collect()
}

fn one(attributes: &api::Attributes, sealed: &str) -> Credential {
    Credential {
        cloud: "lab".into(),
        owner: "admin".into(),
        name: "one".into(),
        auth_type: "access-key".into(),
        attributes: attributes.clone(),
        sealed: sealed.to_owned(),
        invalid: false,
        invalid_reason: String::new(),
    }
}

async fn state(layout: &Layout) -> State {
    let directory = Arc::new(Directory::open(&layout.dir()).expect("opens"));
    let sqlite = Sqlite::open(directory, Options::default()).expect("opens");
    State::open(Arc::new(sqlite), Arc::new(SystemClock), Arc::new(SystemChance)).await.expect("opens")
}

async fn put(state: &State, record: &Credential) {
    let key = model::key::credential("lab", "admin", "one");
    let mut txn = Txn::new();
    txn.put(key, model::record::encode(record));
    state.change(|_, _| Ok(model::change::Decision::new(txn.clone(), ()))).await.expect("written");
}

#[tokio::test]
async fn nothing_on_the_disk_has_a_secret_in_clear() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(folder.path());
    let sealer = sealer(&layout);
    let state = state(&layout).await;
    let attributes = api::Attributes::from([("secret-key".to_owned(), Secret::new(PLANTED))]);
    let sealed = sealed(&sealer, "lab/admin/one", &attributes).expect("seals");
    put(&state, &one(&api::Attributes::new(), &sealed)).await;
    assert_eq!(holds(folder.path(), PLANTED), Vec::<String>::new());
    let read = state.read();
    let back = read.credentials.values().next().expect("there");
    assert_eq!(opened(&sealer, back).expect("opens"), attributes);
}

#[tokio::test]
async fn what_an_earlier_release_left_in_clear_is_read_and_sealed() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(folder.path());
    let sealer = sealer(&layout);
    let state = state(&layout).await;
    let attributes = api::Attributes::from([("secret-key".to_owned(), Secret::new(PLANTED))]);
    put(&state, &one(&attributes, "")).await;
    assert_ne!(holds(folder.path(), PLANTED), Vec::<String>::new(), "the search finds what is there");
    assert_eq!(opened(&sealer, state.read().credentials.values().next().expect("there")).expect("read"), attributes);
    seal_old(&state, &sealer).await;
    let read = state.read();
    let now = read.credentials.values().next().expect("there");
    assert!(now.attributes.is_empty() && !now.sealed.is_empty(), "{now:?}");
    assert_eq!(opened(&sealer, now).expect("opens"), attributes);
}

//! The store against what the stock command left in its own files.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(dir.path().join("juju"), dir.path());
    (dir, store)
}

#[test]
fn the_lock_has_the_name_that_others_take() {
    // The digest of the path starts a1b2c3d4 in the document's example; here with one computed beforehand.
    let path = lock::path(Path::new("/x/controllers.yaml"), Path::new("/tmp"));
    let name = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
    let hex = name.strip_prefix("juju-store-lock-").expect("the prefix");
    assert_eq!(hex.len(), 16);
    let digits: String =
        (0..16).step_by(2).map(|i| char::from(u8::from_str_radix(&hex[i..i + 2], 16).expect("hex"))).collect();
    assert!(digits.chars().all(|c| c.is_ascii_hexdigit()), "{digits}");
}

#[test]
fn a_controller_comes_and_goes_with_all_that_belongs_to_it() {
    let (_dir, store) = store();
    store
        .update(|all: &mut Controllers| {
            for (name, uuid) in [("lab", "u1"), ("same", "u1"), ("other", "u2")] {
                let entry = Controller {
                    uuid: uuid.into(),
                    api_endpoints: vec!["10.0.0.1:17070".into()],
                    ca_cert: "-----BEGIN\nx\n-----END\n".into(),
                    ..Controller::default()
                };
                all.controllers.insert(name.into(), entry);
            }
            all.current_controller = Some("lab".into());
            Ok::<_, Error>(())
        })
        .expect("written");
    store
        .update(|all: &mut Models| {
            let mut models = ControllerModels::default();
            models.models.insert("admin/a".into(), Model::new("m1", "iaas"));
            all.controllers.insert("lab".into(), models);
            Ok::<_, Error>(())
        })
        .expect("written");
    store.ensure_cookies("lab").expect("a jar");
    let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(store.dir()), 0o700);
    assert_eq!(mode(&store.dir().join("controllers.yaml")), 0o600);
    assert_eq!(mode(&store.dir().join("cookies/lab.json")), 0o600);
    let text = fs::read_to_string(store.dir().join("controllers.yaml")).expect("there");
    assert!(text.contains("    api-endpoints: ['10.0.0.1:17070']\n    ca-cert: |\n      -----BEGIN\n"), "{text}");

    assert_eq!(store.remove_controller("nope").expect("reads"), Vec::<String>::new());
    assert_eq!(store.remove_controller("lab").expect("gone"), ["lab", "same"]);
    let left = store.controllers().expect("reads");
    assert_eq!(left.controllers.keys().collect::<Vec<_>>(), ["other"]);
    assert_eq!(left.current_controller, None);
    assert!(store.models().expect("reads").controllers.is_empty());
    assert!(!store.dir().join("cookies/lab.json").exists());
    assert_eq!(fs::read_to_string(store.dir().join("models.yaml")).expect("there"), "controllers: {}\n");
}

#[test]
fn what_others_wrote_is_kept() {
    let (_dir, store) = store();
    fs::create_dir_all(store.dir()).expect("made");
    fs::write(
        store.dir().join("controllers.yaml"),
        "controllers:\n  a:\n    uuid: u\n    ca-cert: 'x\n\n      y\n\n      '\n    oidc-login: true\nhas-controller-changed-on-previous-switch: false\n",
    )
    .expect("written");
    fs::write(store.dir().join("accounts.yaml"), "controllers:\n  a: {user: admin, password: 123, access-token: t}\n")
        .expect("written");
    store
        .update(|all: &mut Controllers| {
            assert_eq!(all.controllers["a"].ca_cert, "x\ny\n");
            all.current_controller = Some("a".into());
            Ok::<_, Error>(())
        })
        .expect("written");
    let text = fs::read_to_string(store.dir().join("controllers.yaml")).expect("there");
    assert!(text.contains("oidc-login: true") && text.contains("has-controller-changed"), "{text}");
    let account = store.accounts().expect("reads").controllers["a"].clone();
    assert_eq!(account.password.as_ref().map(base::secret::Secret::reveal), Some("123"));
    assert!(!format!("{account:?}").contains("123"));
}

#[test]
fn an_absent_store_is_empty_and_stays_absent() {
    let (_dir, store) = store();
    assert!(store.controllers().expect("reads").controllers.is_empty());
    assert!(!store.dir().exists());
}

#[test]
fn keys_are_made_once() {
    let (_dir, store) = store();
    let first = store.ssh_keys().expect("made");
    assert_eq!(first.len(), 1);
    assert!(first[0].public.starts_with("ssh-rsa AAAAB3NzaC1yc2E"), "{}", first[0].public);
    let pem = fs::read_to_string(&first[0].private).expect("there");
    assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(store.ssh_keys().expect("loaded"), first);
}

#[test]
fn broken_files_are_named() {
    let (_dir, store) = store();
    fs::create_dir_all(store.dir()).expect("made");
    for text in ["controllers: [", "controllers: {a: 3}", "\u{0}", "- a\n- b\n", "a: &x [*x, *x]", &"- ".repeat(5000)] {
        fs::write(store.dir().join("controllers.yaml"), text).expect("written");
        let error = store.controllers().expect_err(text);
        assert!(error.to_string().contains("controllers.yaml"), "{error}");
    }
}

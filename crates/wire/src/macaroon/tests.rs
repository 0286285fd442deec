//! Macaroons that hold and others that do not; and the forms of the stock client.

use super::*;

const NAMED: [u8; NONCE] = [7; NONCE];

/// A root that wants a discharge of `inner`, and the discharge, bound.
fn shown() -> Vec<Macaroon> {
    let mut root = Macaroon::new(b"root key", b"\x01id".to_vec(), "here");
    root.add("time-before later");
    root.add_discharge(b"inner key", b"inner\xff".to_vec(), "https://there/auth", NAMED);
    let mut discharge = Macaroon::new(b"inner key", b"inner\xff".to_vec(), "");
    discharge.add("declared username bob");
    let bound = discharge.bound_to(&root);
    vec![root, bound]
}

#[test]
fn what_was_made_holds_and_nothing_else_does() {
    let good = shown();
    let mut seen = Vec::new();
    verify(&good, b"root key", |condition| {
        seen.push(condition.to_owned());
        true
    })
    .expect("holds");
    assert_eq!(seen, ["time-before later", "declared username bob"]);
    let fails = |slice: &[Macaroon], key: &[u8], what: &str| {
        assert_eq!(verify(slice, key, |_| true), Err(DoesNotHold), "{what}");
    };
    assert_eq!(verify(&good, b"root key", |condition| condition.starts_with("time")), Err(DoesNotHold));
    fails(&good, b"another key", "another key");
    fails(&good[..1], b"root key", "without its discharge");
    fails(&[], b"root key", "nothing");
    fails(&[good[0].clone(), good[1].clone(), good[1].clone()], b"root key", "a discharge too many");
    let mut other = Macaroon::new(b"root key", b"\x01id".to_vec(), "here");
    other.add("time-before later");
    other.add_discharge(b"inner key", b"inner\xff".to_vec(), "https://there/auth", [8; NONCE]);
    fails(&[other, good[1].clone()], b"root key", "a discharge bound to another");
    let mut without = good.clone();
    without[0].caveats.remove(0);
    fails(&without, b"root key", "a condition taken away");
    let mut changed = good.clone();
    changed[1].caveats[0].id = b"declared username eve".to_vec();
    fails(&changed, b"root key", "another user");
    let mut narrowed = good.clone();
    narrowed[0].add("only once");
    fails(&narrowed, b"root key", "a discharge bound before a condition was added");
}

#[test]
fn the_form_is_the_one_of_the_stock_client() {
    // As the stock command sent them after a login.
    let text = r#"[{"c":[{"i":"time-before 2036-01-01T00:00:00Z"},{"i64":"AwA","v64":"ImHz2SCMpDXwxU_9GKW_3-k02LLIM_B2K_mBEcQHbGESy-LfIH8WwC6PN1wQmgrpwLSXfvRnlJQAZX6YlEFFQzEyMzQ1Njc4","l":"https://127.0.0.1:17090/auth"}],"l":"juju","i64":"A3Jvb3Q","s64":"JY5ZRTZNJYQ_SgQhOGBPSuzEBALs7mnL3IdUjkI9oTo"},{"c":[{"i":"time-before 2036-01-01T00:00:00Z"},{"i":"declared username bob"}],"i64":"AwA","s64":"ec7dtp56SAugmxp1_GvrwDqQxVVfF1K3_teqh-_KM9U"}]"#;
    let read: Vec<Macaroon> = serde_json::from_str(text).expect("reads");
    assert_eq!(read[0].cookie(), "macaroon-258e5945364d25843f4a042138604f4aecc40402ecee69cbdc87548e423da13a");
    assert_eq!(read[1].conditions().collect::<Vec<_>>(), ["time-before 2036-01-01T00:00:00Z", "declared username bob"]);
    let cookie = to_cookie(&read);
    assert_eq!(from_cookie(&cookie), Some(read));
    // Ids that are text are written as text: read by others, they are the same.
    let again: serde_json::Value = serde_json::from_slice(&STANDARD.decode(cookie).expect("base64")).expect("JSON");
    assert_eq!(again[0]["l"], "juju");
    assert_eq!(again[0]["c"][0]["i"], "time-before 2036-01-01T00:00:00Z");
    for bad in ["", "[]x", "bm8=", "W3siaSI6ImEiLCJzNjQiOiJBQSJ9XQ=="] {
        assert_eq!(from_cookie(bad), None, "{bad}");
    }
}

/// The discharge that the stock client bound in that login, before and after.
#[test]
fn binding_is_the_stock_clients() {
    let root = r#"{"c":[{"i":"time-before 2036-01-01T00:00:00Z"},{"i64":"AwA","v64":"ImHz2SCMpDXwxU_9GKW_3-k02LLIM_B2K_mBEcQHbGESy-LfIH8WwC6PN1wQmgrpwLSXfvRnlJQAZX6YlEFFQzEyMzQ1Njc4","l":"https://127.0.0.1:17090/auth"}],"l":"juju","i64":"A3Jvb3Q","s64":"JY5ZRTZNJYQ_SgQhOGBPSuzEBALs7mnL3IdUjkI9oTo"}"#;
    let discharge = r#"{"c":[{"i":"time-before 2036-01-01T00:00:00Z"},{"i":"declared username bob"}],"i64":"AwA","s64":"TUXz9t7tgFYoNFNCV8fT-cghcUltaW1ULztAXP6108A"}"#;
    let (root, discharge): (Macaroon, Macaroon) =
        (serde_json::from_str(root).expect("reads"), serde_json::from_str(discharge).expect("reads"));
    let bound = serde_json::to_value(discharge.bound_to(&root)).expect("writes");
    assert_eq!(bound["s64"], "ec7dtp56SAugmxp1_GvrwDqQxVVfF1K3_teqh-_KM9U");
}

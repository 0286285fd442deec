//! Users who register, log in by macaroon, and are shut out: over the wire, as clients do it.

use super::rig::{PASSWORD, Rig, refused};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::macaroon::{Macaroon, from_cookie};
use wire::secretbox::{self, KEY, NONCE};

struct Answer {
    status: u16,
    /// With names in lower case.
    head: String,
    body: Value,
}

async fn post(rig: &Rig, path: &str, headers: &str, body: &str) -> Answer {
    let mut tls = rig.tls().await;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    tls.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    let head = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
        None => format!("{line}\n"),
    });
    Answer { status, head: head.collect(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
}

async fn a_token(rig: &Rig, method: &str, params: Value) -> Vec<u8> {
    let admin = rig.login("/api", "admin").await;
    let results = admin.call("UserManager", 3, method, params).await.expect("answers");
    assert_eq!(results["results"][0]["tag"], "user-bob", "{results}");
    STANDARD.decode(results["results"][0]["secret-key"].as_str().expect("a key")).expect("base64")
}

async fn added(rig: &Rig) -> Vec<u8> {
    a_token(rig, "AddUser", json!({"users": [{"username": "bob", "display-name": "Bob"}]})).await
}

async fn register(rig: &Rig, key: &[u8], password: &str) -> Answer {
    let (nonce, clear) = ([9; NONCE], json!({"password": password}).to_string());
    let key: [u8; KEY] = key.try_into().expect("32 bytes");
    let boxed = STANDARD.encode(secretbox::seal(&key, &nonce, clear.as_bytes()));
    let body = json!({"user": "user-bob", "nonce": STANDARD.encode(nonce), "cipher-text": boxed});
    post(rig, "/register", "", &body.to_string()).await
}

/// What a login without proof is told to have discharged.
async fn wanted(rig: &Rig, user: &str) -> Macaroon {
    let client = rig.caller("/api").await;
    let told = client.log_in(user, "").await.expect("answers");
    assert_eq!(told["bakery-discharge-required"]["v"], 3, "{told}");
    assert_eq!(told["bakery-discharge-required"]["m"], told["discharge-required"]);
    serde_json::from_value(told["discharge-required"].clone()).expect("a macaroon")
}

fn caveat(root: &Macaroon) -> String {
    let third = root.caveats.iter().find(|caveat| !caveat.vid.is_empty()).expect("a caveat for somebody else");
    assert!(third.location.starts_with("https://") && third.location.ends_with("/auth"), "{}", third.location);
    format!("/auth/discharge?id64={}", URL_SAFE_NO_PAD.encode(&third.id))
}

/// A password at the form, and the token that it gives.
async fn token(rig: &Rig, user: &str, password: &str) -> Answer {
    post(rig, "/auth/form", "", &json!({"form": {"user": user, "password": password}}).to_string()).await
}

fn token_of(answer: &Answer) -> String {
    assert_eq!((answer.status, &answer.body["token"]["kind"]), (200, &json!("juju_userpass")), "{}", answer.body);
    let bytes = STANDARD.decode(answer.body["token"]["value"].as_str().expect("a value")).expect("base64");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn slice(root: Macaroon, discharged: &Answer) -> Vec<Macaroon> {
    assert_eq!(discharged.status, 200, "{}", discharged.body);
    let discharge: Macaroon = serde_json::from_value(discharged.body["Macaroon"]["m"].clone()).expect("a macaroon");
    let discharge = discharge.bound_to(&root);
    vec![root, discharge]
}

async fn by_password(rig: &Rig, user: &str, password: &str) -> Vec<Macaroon> {
    let root = wanted(rig, user).await;
    let token = token_of(&token(rig, user, password).await);
    let discharged = post(rig, &format!("{}&token64={token}&token-kind=juju_userpass", caveat(&root)), "", "").await;
    slice(root, &discharged)
}

async fn log_in(rig: &Rig, user: &str, slice: &[Macaroon]) -> Result<Value, rpc::CallError> {
    let params = json!({"auth-tag": format!("user-{user}"), "credentials": "", "macaroons": [slice]});
    rig.caller("/api").await.call("Admin", 3, "Login", params).await
}

fn is_in(told: &Result<Value, rpc::CallError>) -> bool {
    told.as_ref().is_ok_and(|told| told["user-info"]["identity"].is_string())
}

#[tokio::test]
async fn a_user_registers_and_is_in_without_typing_the_password_again() {
    let rig = Rig::start().await;
    let key = added(&rig).await;
    assert!(rig.caller("/api").await.log_in("bob", "x").await.is_err(), "in before the registration");
    let answer = register(&rig, &key, "mine").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let bytes = |name: &str| STANDARD.decode(answer.body[name].as_str().expect(name)).expect("base64");
    let key_array: [u8; KEY] = key.clone().try_into().expect("32 bytes");
    let nonce = bytes("nonce").try_into().expect("24 bytes");
    let clear = secretbox::open(&key_array, &nonce, &bytes("cipher-text")).expect("opens");
    let told: Value = serde_json::from_slice(&clear).expect("JSON");
    assert_eq!(told["controller-uuid"], "a1b2c3d4-0000-4000-8000-000000000001");
    assert!(told["ca-cert"].as_str().is_some_and(|pem| pem.starts_with("-----BEGIN")));

    let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(cookie.ends_with("; Path=/; Max-Age=120; Secure; HttpOnly"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap_or_default();
    let root = wanted(&rig, "bob").await;
    let discharged = post(&rig, &caveat(&root), &format!("Cookie: a=b; {cookie}\r\n"), "").await;
    let shown = slice(root, &discharged);
    assert!(is_in(&log_in(&rig, "bob", &shown).await));
    // For nobody else; and it is no login itself.
    let other = wanted(&rig, "reader").await;
    let denied = post(&rig, &caveat(&other), &format!("Cookie: {cookie}\r\n"), "").await;
    assert_eq!((denied.status, &denied.body["Code"]), (401, &json!("permission denied")));
    let alone = from_cookie(cookie.split_once('=').expect("a pair").1).expect("a macaroon");
    assert!(!is_in(&log_in(&rig, "bob", &alone).await));

    let again = register(&rig, &key, "another").await;
    assert_eq!((again.status, &again.body["error"]["code"]), (404, &json!("not found")), "{}", again.body);
    rig.caller("/api").await.log_in("bob", "mine").await.expect("the password is the one that was chosen");
}

#[tokio::test]
async fn what_is_no_registration_is_told_so() {
    let rig = Rig::start().await;
    let key = added(&rig).await;
    assert_eq!(register(&rig, &[0; KEY], "mine").await.body["error"]["message"], "secret key not valid");
    assert_eq!(register(&rig, &key, "").await.body["error"]["message"], "empty password not valid");
    let box_of_nothing = STANDARD.encode([0; 40]);
    for (body, expected) in [
        ("", "registration not valid".to_owned()),
        ("[]", "user not valid".to_owned()),
        ("null", "registration not valid".to_owned()),
        (r#"{"user":"bob"}"#, "user not valid".to_owned()),
        (r#"{"user":"machine-0","nonce":"","cipher-text":""}"#, "user not valid".to_owned()),
        (r#"{"user":"user-bob","nonce":"AA==","cipher-text":"AA=="}"#, "nonce not valid".to_owned()),
        (
            r#"{"user":"user-bob","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","cipher-text":"?"}"#,
            "cipher text not valid".to_owned(),
        ),
        (
            &format!(
                r#"{{"user":"user-nobody","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","cipher-text":"{box_of_nothing}"}}"#
            ),
            "secret key for user \"nobody\" not found".to_owned(),
        ),
        (
            &format!(
                r#"{{"user":"user-reader","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","cipher-text":"{box_of_nothing}"}}"#
            ),
            "secret key for user \"reader\" not found".to_owned(),
        ),
    ] {
        let answer = post(&rig, "/register", "", body).await;
        assert_eq!(answer.body["error"]["message"], expected, "{body}: {}", answer.body);
        assert!((400..500).contains(&answer.status), "{body}");
    }
    assert_eq!(post(&rig, "/register", "", &"x".repeat(70 << 10)).await.status, 400);
    // After all that it is still good.
    assert_eq!(register(&rig, &key, "mine").await.status, 200);
}

#[tokio::test]
async fn a_reset_shuts_the_user_out_until_it_registers() {
    let rig = Rig::start().await;
    let first = added(&rig).await;
    assert_eq!(register(&rig, &first, "mine").await.status, 200);
    let shown = by_password(&rig, "bob", "mine").await;
    assert!(is_in(&log_in(&rig, "bob", &shown).await));
    let entities = json!({"entities": [{"tag": "user-bob"}]});
    let second = a_token(&rig, "ResetPassword", entities).await;
    assert!(rig.caller("/api").await.log_in("bob", "mine").await.is_err(), "the old password is good");
    assert!(!is_in(&log_in(&rig, "bob", &shown).await), "a macaroon of before is good");
    assert_eq!(register(&rig, &first, "stolen").await.body["error"]["message"], "secret key not valid");
    assert_eq!(register(&rig, &second, "new").await.status, 200);
    assert!(!is_in(&log_in(&rig, "bob", &shown).await), "a macaroon of before is good again");
    let admin = rig.login("/api", "admin").await;
    let own = json!({"entities": [{"tag": "user-admin"}]});
    let own = admin.call("UserManager", 3, "ResetPassword", own).await.expect("answers");
    assert_eq!(own["results"][0]["error"]["message"], "cannot reset your own password");
}

#[tokio::test]
async fn a_macaroon_is_good_for_its_user_and_as_long_as_the_password() {
    let rig = Rig::start().await;
    let shown = by_password(&rig, "reader", PASSWORD).await;
    assert!(is_in(&log_in(&rig, "reader", &shown).await));
    assert!(!is_in(&log_in(&rig, "admin", &shown).await), "another's login");
    // Without a name it says itself whose it is.
    let params = json!({"auth-tag": "", "credentials": "", "macaroons": [shown]});
    let told = rig.caller("/api").await.call("Admin", 3, "Login", params).await.expect("answers");
    assert_eq!(told["user-info"]["identity"], "user-reader");

    // Whoever holds one may add conditions, and gains nothing.
    let mut root = wanted(&rig, "reader").await;
    let token_again = token_of(&token(&rig, "reader", PASSWORD).await);
    let discharged = post(&rig, &format!("{}&token64={token_again}", caveat(&root)), "", "").await;
    root.add("declared username admin");
    let forged = slice(root, &discharged);
    assert!(!is_in(&log_in(&rig, "admin", &forged).await));
    assert!(!is_in(&log_in(&rig, "reader", &forged).await));
    let root = wanted(&rig, "admin").await;
    let token = token_of(&token(&rig, "reader", PASSWORD).await);
    let denied = post(&rig, &format!("{}&token64={token}", caveat(&root)), "", "").await;
    assert_eq!((denied.status, &denied.body["Code"]), (401, &json!("permission denied")));
    // A token that was taken is gone, good or not.
    let root = wanted(&rig, "reader").await;
    let gone = post(&rig, &format!("{}&token64={token}", caveat(&root)), "", "").await;
    assert_eq!((gone.status, &gone.body["Code"]), (401, &json!("interaction required")));

    let client = rig.login("/api", "reader").await;
    let change = json!({"changes": [{"tag": "user-reader", "password": "new"}]});
    client.call("UserManager", 3, "SetPassword", change).await.expect("changes");
    assert!(!is_in(&log_in(&rig, "reader", &shown).await), "good beyond the password");
    let fresh = by_password(&rig, "reader", "new").await;
    let admin = rig.login("/api", "admin").await;
    let reader = json!({"entities": [{"tag": "user-reader"}]});
    admin.call("UserManager", 3, "DisableUser", reader.clone()).await.expect("disables");
    assert!(!is_in(&log_in(&rig, "reader", &fresh).await), "a disabled user is in");
    admin.call("UserManager", 3, "EnableUser", reader.clone()).await.expect("enables");
    assert!(is_in(&log_in(&rig, "reader", &fresh).await));
    admin.call("UserManager", 3, "RemoveUser", reader).await.expect("removes");
    assert!(!is_in(&log_in(&rig, "reader", &fresh).await), "a removed user is in");
}

#[tokio::test]
async fn discharges_are_had_with_proof_alone() {
    let rig = Rig::start().await;
    let root = wanted(&rig, "reader").await;
    let asked = post(&rig, &caveat(&root), "", "").await;
    assert_eq!(asked.status, 401);
    assert!(asked.head.contains("www-authenticate: Macaroon\n"), "{}", asked.head);
    assert_eq!(asked.body["Info"], json!({"InteractionMethods": {"juju_userpass": {"url": "/auth/form"}}}));
    // In the body, as other clients ask.
    let body = caveat(&root).split_once('?').expect("a query").1.to_owned();
    let asked = post(&rig, "/auth/discharge", "Content-Type: application/x-www-form-urlencoded\r\n", &body).await;
    assert_eq!(asked.status, 401);
    // Nobody learns here who there is.
    let nobody = wanted(&rig, "nobody").await;
    assert_eq!(post(&rig, &caveat(&nobody), "", "").await.status, 401);

    let wrong = token(&rig, "reader", "wrong").await;
    assert_eq!((wrong.status, &wrong.body["Message"]), (500, &json!("invalid entity name or password")));
    for (path, body) in [
        ("/auth/discharge", ""),
        ("/auth/discharge?id=x", ""),
        ("/auth/discharge?id64=%%%", ""),
        ("/auth/discharge?id64=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""),
        ("/auth/form", ""),
        ("/auth/form", "{}"),
        ("/auth/form", r#"{"form":null}"#),
        ("/auth/form", r#"{"form":{"user":7}}"#),
    ] {
        let answer = post(&rig, path, "", body).await;
        assert_eq!((answer.status, &answer.body["Code"]), (400, &json!("bad request")), "{path} {body}");
    }
    let forged = format!("{}&token64=AAAA&token-kind=juju_userpass", caveat(&root));
    assert_eq!(post(&rig, &forged, "Cookie: macaroon-x=bm8=; macaroon-y=\r\n", "").await.status, 401);
    for macaroons in [json!([[]]), json!([[{}]]), json!([[7]]), json!([[root]]), json!([[root, root]])] {
        let params = json!({"auth-tag": "user-reader", "macaroons": macaroons});
        let told = rig.caller("/api").await.call("Admin", 3, "Login", params.clone()).await;
        assert!(!is_in(&told) && told.expect("answers")["discharge-required"].is_object(), "{params}");
    }
    let params = json!({"auth-tag": "", "macaroons": [[root]]});
    let words = refused(rig.caller("/api").await.call("Admin", 3, "Login", params).await);
    assert_eq!(words, "failed to authenticate request: unauthorized (unauthorized access)");
}

#[tokio::test]
async fn log_and_figures_are_had_by_macaroon() {
    let rig = Rig::start().await;
    let shown = wire::macaroon::to_cookie(&by_password(&rig, "reader", PASSWORD).await);
    let ask = async |headers: String| {
        let mut tls = rig.tls().await;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        tls.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let _ = tls.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let (reader, admin) = (super::rig::basic("reader", ""), super::rig::basic("admin", ""));
    for (headers, expected) in [
        (format!("Cookie: macaroon-x={shown}\r\n"), "200"),
        (format!("Macaroons: {shown}\r\n"), "200"),
        (format!("Macaroons: {shown}\r\nAuthorization: {reader}\r\n"), "200"),
        (format!("Macaroons: {shown}\r\nAuthorization: {admin}\r\n"), "401"),
        (format!("Authorization: {reader}\r\n"), "401"),
        (format!("Cookie: other-x={shown}\r\n"), "401"),
    ] {
        assert_eq!(ask(headers.clone()).await, expected, "{headers}");
    }
}

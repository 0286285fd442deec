//! `/metrics`: who gets the page, what is on it, and that clients cannot make it long.

use super::rig::{PASSWORD, Rig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Status, headers and body.
async fn get(rig: &Rig, credentials: Option<(&str, &str)>) -> (String, String, String) {
    let header = credentials.map_or_else(String::new, |(user, password)| {
        format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("user-{user}:{password}")))
    });
    let mut tls = rig.tls().await;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n");
    tls.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    (status, head.to_lowercase(), body.to_owned())
}

fn value(page: &str, name: &str) -> f64 {
    let found: Vec<f64> =
        page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).collect();
    assert_eq!(found.len(), 1, "{name} in\n{page}");
    found[0]
}

#[tokio::test]
async fn the_page_is_for_those_who_may_read_the_controllers_model() {
    let rig = Rig::start().await;
    for (credentials, expected) in [
        (None, "401"),
        (Some(("admin", "wrong")), "401"),
        (Some(("nobody", PASSWORD)), "401"),
        (Some(("stranger", PASSWORD)), "403"),
        (Some(("reader", PASSWORD)), "200"),
        (Some(("admin", PASSWORD)), "200"),
    ] {
        let (status, head, body) = get(&rig, credentials).await;
        assert_eq!(status, expected, "{credentials:?}: {body}");
        assert_eq!(head.contains("www-authenticate: basic"), expected == "401", "{head}");
        assert_eq!(head.contains("version=0.0.4"), expected == "200", "{head}");
        assert_eq!(body.contains("grigri_"), expected == "200", "{body}");
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    let rig = Rig::start().await;
    let before = get(&rig, Some(("admin", PASSWORD))).await.2;
    let client = rig.login("/api", "admin").await;
    let _ = client.log_in("admin", PASSWORD).await;
    client.call("Pinger", 1, "Ping", json!({})).await.expect("answers");
    for n in 0..50 {
        let _ = client.call(&format!("Made{n}"), 1, &format!("Up{n}"), json!({})).await;
    }
    let model = rig.login(&format!("/model/{}/api", super::rig::CONTROLLER_MODEL), "admin").await;
    model.call("Client", 6, "WatchAll", json!({})).await.expect("a watcher");
    let after = get(&rig, Some(("admin", PASSWORD))).await.2;
    assert_eq!(value(&after, "grigri_connections"), 2.0);
    assert_eq!(value(&after, "grigri_watchers"), 1.0);
    assert_eq!(value(&after, "grigri_request_seconds_count{facade=\"Pinger\",method=\"Ping\"}"), 1.0);
    assert!(value(&after, "grigri_request_seconds_count{facade=\"unknown\",method=\"unknown\"}") >= 50.0);
    assert!(!after.contains("Made"), "names that a client made up are on the page");
    let logins = |page: &str| value(page, "grigri_logins_total{result=\"ok\"}");
    assert_eq!(logins(&after) - logins(&before), 3.0, "two logins and a scrape");
    assert_eq!(value(&after, "grigri_machines{status=\"started\"}"), 1.0);
    drop((client, model));
    let gone = async {
        while value(&get(&rig, Some(("admin", PASSWORD))).await.2, "grigri_connections") > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.expect("connections that ended count no more");
    let last = get(&rig, Some(("admin", PASSWORD))).await.2;
    assert_eq!(value(&last, "grigri_watchers"), 0.0, "watchers go with their connection");
}

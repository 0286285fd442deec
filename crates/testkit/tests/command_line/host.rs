//! `login HOST`: whom it trusts, what it keeps and when, and what it says of hosts that are no controllers.

use super::Desk;
use testkit::controller::PASSWORD;

/// At a desk that knows no controller.
async fn at_new_desk(desk: &Desk, folder: &str, line: &str, typed: &str) -> (i32, String) {
    let args = line.split_whitespace().map(str::to_owned).collect();
    let data = desk.folder.path().join(folder);
    let typed = typed.to_owned().into_bytes();
    let change = |io: &mut cli::Io| {
        io.env.insert("JUJU_DATA".into(), data.display().to_string());
        io.stdin = Box::new(std::io::Cursor::new(typed));
    };
    let (code, _, err) = desk.run_with(args, change, async |_, _| {}).await;
    (code, err)
}

#[tokio::test]
async fn a_controller_is_known_by_its_address_once_its_ca_is_trusted_and_the_login_has_worked() {
    let desk = Desk::new().await;
    let address = desk.controller.address.to_string();
    let kept = |folder: &str| std::fs::read_to_string(desk.folder.path().join(folder).join("controllers.yaml"));
    let print = desk.works("juju show-controller").await;
    let print = print.lines().find_map(|line| line.trim().strip_prefix("ca-fingerprint: ")).expect("shown").to_owned();
    let login = format!("juju login {address} -c near");
    let question = format!(
        "Controller \"near\" ({address}) presented a CA cert that could not be verified.\nCA fingerprint: [{print}]\n\
         Trust remote controller? (y/N): "
    );
    let no = at_new_desk(&desk, "no", &login, "n\n").await;
    assert_eq!(no, (1, format!("{question}ERROR cannot log into \"{address}\": controller CA not trusted\n")));
    let (code, err) = at_new_desk(&desk, "no", &format!("{login} --no-prompt -u admin"), PASSWORD).await;
    assert_eq!((code, err.contains("not trusted"), err.contains(&print)), (1, true, true), "{err}");
    let (code, err) = at_new_desk(&desk, "no", &format!("{login} --trust -u admin --no-prompt"), "wrong\n").await;
    assert_eq!((code, err.contains("invalid entity name or password")), (1, true), "{err}");
    assert!(kept("no").is_err(), "nothing is kept of what has not worked");
    assert!(!desk.folder.path().join("no/accounts.yaml").exists() && !desk.folder.path().join("no/cookies").exists());

    let (code, err) = at_new_desk(&desk, "yes", &login, &format!("y\nadmin\n{PASSWORD}\n")).await;
    assert_eq!((code, err.contains("Welcome, admin. You are now logged into \"near\".")), (0, true), "{err}");
    let controllers = kept("yes").expect("kept");
    assert!(controllers.contains("current-controller: near\n") && controllers.contains(&address), "{controllers}");
    let (code, err) = at_new_desk(&desk, "yes", "juju models", "").await;
    assert_eq!(code, 0, "{err}");
    // Once known, it is known by its address, too.
    assert_eq!(at_new_desk(&desk, "yes", &format!("juju login {address}"), "").await, (0, String::new()));
    let (code, err) = at_new_desk(&desk, "yes", &format!("juju login -c other {address}"), "").await;
    let known = "this client knows the controller as \"near\": use `juju login -c near`\n";
    assert_eq!((code, err.ends_with(known)), (1, true), "{err}");
    // At another of its addresses it is the same.
    let port = desk.controller.address.port();
    let trusting = format!("juju login localhost:{port} --trust -u admin --no-prompt");
    let (code, err) = at_new_desk(&desk, "yes", &trusting, PASSWORD).await;
    assert_eq!((code, err.ends_with(known)), (1, true), "{err}");
    assert_eq!(kept("yes").expect("kept").matches("ca-cert").count(), 1);
    let (code, err) = at_new_desk(&desk, "yes", "juju login -c near 192.0.2.1", "").await;
    assert_eq!((code, err.contains("is known already, at other addresses")), (1, true), "{err}");
}

#[tokio::test]
async fn hosts_that_are_no_controllers_are_told_from_those_that_are_not_there() {
    let desk = Desk::new().await;
    let check = async |host: &str, words: &str| {
        let (code, err) = at_new_desk(&desk, "none", &format!("juju login {host} --trust"), "").await;
        let begins = format!("ERROR cannot log into {host:?}: ");
        assert!(code == 1 && err.starts_with(&begins) && err.contains(words), "{host}: {err}");
    };
    check("https://ctl", "it is no host name or address: want HOST, HOST:PORT, or [IPV6]:PORT").await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("bound").to_string();
    drop(free);
    check(&address, "connect: connection refused").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let greets = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ESMTP\r\n").await;
        }
    });
    check(&address, "answers, but not as a controller does: it speaks no TLS").await;
    greets.abort();
    assert!(!desk.folder.path().join("none/controllers.yaml").exists());
}

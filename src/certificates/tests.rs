//! Certificates over the years, by a clock that the test holds, and through a change of CA, by real TLS.

use super::*;
use base::chance::SystemChance;
use base::clock::{FixedClock, SystemClock};
use rpc::tls::validity::shown;
use rpc::tls::{client_config, server_config_with};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DAY: u64 = 86_400;
const PATIENCE: Duration = Duration::from_secs(10);

fn a_layout(dir: &tempfile::TempDir, now: i64) -> Layout {
    let layout = Layout { root: dir.path().to_owned(), uuid: "u".into() };
    std::fs::create_dir_all(layout.dir()).expect("made");
    let authority = Authority::create("test", now, &SystemChance).expect("a CA");
    std::fs::write(layout.ca_cert(), &authority.cert_pem).expect("written");
    std::fs::write(layout.ca_key(), authority.key_pem().reveal()).expect("written");
    layout
}

fn open(layout: &Layout, clock: Arc<dyn Clock>) -> Certificates {
    Certificates::open(layout, "test", crate::addresses::of_this_host(), clock, Arc::new(SystemChance)).expect("opens")
}

/// A server with these certificates; answers each connection with whether the client showed one.
async fn served(certificates: &Certificates) -> SocketAddr {
    let config = server_config_with(certificates.leaves.clone(), certificates.trust.clone()).expect("a configuration");
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                let known = tls.get_ref().1.peer_certificates().is_some();
                let _ = tls.write_all(&[u8::from(known)]).await;
                let _ = tls.shutdown().await;
            });
        }
    });
    address
}

/// Whether an agent that trusts `ca` and shows `leaf` is let in as itself.
async fn let_in(address: SocketAddr, ca: &str, leaf: &Leaf) -> bool {
    let config = client_config(ca, Some(leaf)).expect("a configuration");
    let name = ServerName::try_from("juju-apiserver").expect("a name");
    let stream = TcpStream::connect(address).await.expect("connects");
    let Ok(mut tls) = tokio_rustls::TlsConnector::from(config).connect(name, stream).await else { return false };
    tls.read_u8().await.is_ok_and(|known| known == 1)
}

/// A certificate for an agent's key.
fn an_agent(certificates: &Certificates, key: &rcgen::KeyPair) -> Leaf {
    let request = rcgen::CertificateParams::default().serialize_request(key).expect("a request").pem().expect("PEM");
    let who = AgentIdentity {
        model: "11111111-2222-4333-8444-555555555555".parse().expect("valid"),
        machine: base::MachineId::top(0),
    };
    let chain_pem = certificates.sign(&request, &who).expect("signs");
    Leaf { chain_pem, key_pem: Secret::new(key.serialize_pem()) }
}

#[tokio::test]
async fn the_servers_certificate_is_renewed_when_two_thirds_of_its_time_are_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let begun = SystemClock.now();
    let clock = Arc::new(FixedClock::new(begun));
    let layout = a_layout(&dir, begun.unix());
    let certificates = open(&layout, clock.clone());
    let address = served(&certificates).await;
    let first = shown(address, &certificates.ca_certs(), PATIENCE).await.expect("is shown");
    assert!(first.not_after - begun.unix() < 400 * DAY as i64, "a certificate of {first:?} is never renewed");
    clock.advance(Duration::from_secs(240 * DAY));
    assert!(!certificates.renew_in_time().expect("looks"), "too early");
    clock.advance(Duration::from_secs(10 * DAY));
    assert!(certificates.renew_in_time().expect("renews"));
    assert!(!certificates.renew_in_time().expect("looks"), "twice");
    assert!(certificates.now().leaf.not_after > first.not_after + 200 * DAY as i64);
    // A certificate that begins in the future is none to TLS: what is shown is the new one.
    let refused = shown(address, &certificates.ca_certs(), PATIENCE).await.expect_err("is of the future");
    assert!(format!("{refused:?}").contains("NotValidYet"), "{refused:?}");
}

#[tokio::test]
async fn nobody_is_lost_while_the_ca_changes_and_the_old_one_ends_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let layout = a_layout(&dir, SystemClock.now().unix());
    let certificates = open(&layout, Arc::new(SystemClock));
    let address = served(&certificates).await;
    let key = rcgen::KeyPair::generate().expect("a key");
    let (old_ca, old_leaf) = (certificates.ca_certs(), an_agent(&certificates, &key));
    assert!(let_in(address, &old_ca, &old_leaf).await);
    assert!(matches!(certificates.finish(), Err(Error::NoneUnderWay)));

    certificates.rotate().expect("begins");
    assert!(matches!(certificates.rotate(), Err(Error::UnderWay)));
    let (both, new_leaf) = (certificates.ca_certs(), an_agent(&certificates, &key));
    assert_eq!(both.matches("BEGIN CERTIFICATE").count(), 2);
    let newest = certificates.newest();
    for (ca, leaf, what) in [
        (&old_ca, &old_leaf, "one that slept"),
        (&both, &old_leaf, "one that was told"),
        (&both, &new_leaf, "one that renewed"),
        (&newest, &new_leaf, "a new one"),
        (&old_ca, &new_leaf, "one that was cut off while it renewed"),
    ] {
        assert!(let_in(address, ca, leaf).await, "{what}");
    }

    // A restart in the middle changes nothing.
    let again = open(&layout, Arc::new(SystemClock));
    assert!(again.is_rotating() && again.ca_certs() == both);
    let address = served(&again).await;
    assert!(let_in(address, &old_ca, &old_leaf).await && let_in(address, &newest, &new_leaf).await);

    again.finish().expect("ends");
    assert_eq!(again.ca_certs(), newest);
    assert!(!let_in(address, &newest, &old_leaf).await, "a certificate of the old CA counts still");
    assert!(let_in(address, &newest, &new_leaf).await);
    // Clients of people who were away know the old CA only.
    assert!(let_in(address, &old_ca, &new_leaf).await);
    let last = open(&layout, Arc::new(SystemClock));
    assert!(!last.is_rotating() && last.ca_certs() == newest);
    last.rotate().expect("again");
}

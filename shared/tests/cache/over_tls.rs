//! The tests of who is believed over TLS.

use std::sync::Arc;

use latchkey_shared::cache::{Address, CacheError};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::bridge::{Bridge, TOKEN};
use crate::certificates::{Authority, Identity};
use crate::fixture::{LIFE, TestClock};
use crate::server::Server;

/// TLS before something that has none.
struct Front {
    port: u16,
    _task: JoinSet<()>,
}

impl Front {
    async fn to(target: String, identity: Identity) -> Self {
        let key = PrivatePkcs8KeyDer::from(identity.key);
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.into()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                connections.spawn(async move {
                    // A client that does not believe us goes away.
                    let Ok(mut client) = acceptor.accept(client).await else {
                        return;
                    };
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { port, _task: task }
    }
}

async fn ping(address: Address) -> Result<(), CacheError> {
    let cache = address.open(TestClock::new(), LIFE).unwrap();
    cache.ping().await
}

fn assert_not_believed(ping: &Result<(), CacheError>) {
    let Err(CacheError::Unavailable(source)) = ping else {
        panic!("{ping:?}");
    };
    let chain = format!("{source:?}").to_lowercase();
    assert!(chain.contains("certificate"), "{chain}");
}

#[tokio::test]
async fn a_server_is_believed_by_its_authority_and_name_alone() {
    let [ours, other] = [Authority::new(), Authority::new()];
    for (issuer, host, believed) in [
        (&ours, "127.0.0.1", true),
        (&other, "127.0.0.1", false),
        (&ours, "redis.example.com", false),
    ] {
        let Some(server) = Server::start_with(&issuer.identity(host)) else {
            return;
        };
        let url = || Address::url(server.tls_url().into());
        let bridge = Bridge::to(&server).await;
        let front = Front::to(bridge.address(), issuer.identity(host)).await;
        let rest = format!("https://127.0.0.1:{}", front.port);
        let rest = || Address::rest(rest.clone().into(), TOKEN.into());
        for address in [url(), rest()] {
            let ping = ping(address.trusting(ours.certificate().into())).await;
            if believed {
                ping.unwrap();
            } else {
                assert_not_believed(&ping);
            }
        }
        // The authorities of the web know none of these.
        for address in [url(), rest()] {
            assert_not_believed(&ping(address).await);
        }
    }
}

#[test]
fn an_authority_that_is_none_is_an_error() {
    for pem in [
        "",
        "garbage",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let url = Address::url("rediss://127.0.0.1:1".into());
        let rest = Address::rest("https://127.0.0.1:1".into(), TOKEN.into());
        for address in [url, rest] {
            let opened = address.trusting(pem.into()).open(TestClock::new(), LIFE);
            let Err(error) = opened else {
                panic!("{pem} was taken");
            };
            assert!(matches!(error, CacheError::Authority), "{pem}: {error:?}");
        }
    }
}

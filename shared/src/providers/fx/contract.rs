//! What every publisher promises, proven for the fake, the server and the file alike.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::providers::http::HttpLimits;
use crate::providers::http::test_server::{Reply, TestServer};

const DOCUMENT: &[u8] = b"<rates/>";

/// A publisher and the other side of it.
trait Rig {
    fn publisher(&self) -> &dyn RatePublisher;
    fn publish(&self, document: &[u8]);
    fn fail(&self);
}

async fn keeps_the_contract(rig: &dyn Rig) {
    for span in Span::ALL {
        rig.fail();
        let missing = rig
            .publisher()
            .fetch(*span)
            .await
            .expect_err("there is none");
        assert!(
            !missing.why.is_empty() && !missing.origin.is_empty(),
            "{missing}"
        );
        rig.publish(DOCUMENT);
        let document = rig.publisher().fetch(*span).await.expect("there is one");
        assert_eq!(document.bytes, DOCUMENT);
        assert_eq!(document.origin, missing.origin);
    }
}

struct Fake(FakeRates);

impl Rig for Fake {
    fn publisher(&self) -> &dyn RatePublisher {
        &self.0
    }
    fn publish(&self, document: &[u8]) {
        self.0.publish(document);
    }
    fn fail(&self) {
        self.0.fail();
    }
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    keeps_the_contract(&Fake(FakeRates::default())).await;
}

struct Server {
    publisher: ReferenceRates,
    reply: Arc<Mutex<Reply>>,
    _server: TestServer,
}

impl Server {
    async fn start() -> Self {
        let reply = Arc::new(Mutex::new(Reply::HangUp));
        let answers = reply.clone();
        let server = TestServer::start(move |_| {
            std::future::ready(answers.lock().expect("not poisoned").clone())
        })
        .await;
        let url = |name: &str| {
            format!("{}/{name}.xml", server.url())
                .parse()
                .expect("a place")
        };
        let limits = HttpLimits {
            timeout: Duration::from_millis(300),
            answer_max_bytes: 100,
            ..HttpLimits::default()
        };
        let publisher =
            ReferenceRates::new(url("daily"), url("recent"), url("history")).within(limits);
        Self {
            publisher,
            reply,
            _server: server,
        }
    }

    fn set(&self, reply: Reply) {
        *self.reply.lock().expect("not poisoned") = reply;
    }
}

impl Rig for Server {
    fn publisher(&self) -> &dyn RatePublisher {
        &self.publisher
    }
    fn publish(&self, document: &[u8]) {
        self.set(Reply::With {
            status: 200,
            headers: Vec::new(),
            body: document.to_vec(),
        });
    }
    fn fail(&self) {
        self.set(Reply::HangUp);
    }
}

#[tokio::test]
async fn the_server_keeps_the_contract() {
    keeps_the_contract(&Server::start().await).await;
}

#[tokio::test]
async fn a_server_that_errs_breaks_off_is_silent_or_endless_gives_no_document() {
    let server = Server::start().await;
    let with = |status: u16, body: Vec<u8>| Reply::With {
        status,
        headers: Vec::new(),
        body,
    };
    for reply in [
        with(404, b"gone".to_vec()),
        with(302, Vec::new()),
        with(500, DOCUMENT.to_vec()),
        with(200, vec![b'x'; 101]),
        Reply::BreakOff,
        Reply::Silence,
    ] {
        server.set(reply.clone());
        assert!(
            server.publisher.fetch(Span::Daily).await.is_err(),
            "{reply:?}"
        );
    }
}

struct File {
    publisher: ReferenceRates,
    path: std::path::PathBuf,
}

impl Drop for File {
    fn drop(&mut self) {
        self.fail();
    }
}

impl Rig for File {
    fn publisher(&self) -> &dyn RatePublisher {
        &self.publisher
    }
    fn publish(&self, document: &[u8]) {
        std::fs::write(&self.path, document).expect("written");
    }
    fn fail(&self) {
        match std::fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
    }
}

#[tokio::test]
async fn files_keep_the_contract_and_are_bounded() {
    let path = std::env::temp_dir().join(format!("rates-{}.xml", Uuid::now_v7().simple()));
    let url: RatesUrl = format!("file://{}", path.display())
        .parse()
        .expect("a place");
    let limits = HttpLimits {
        answer_max_bytes: 100,
        ..HttpLimits::default()
    };
    let publisher = ReferenceRates::new(url.clone(), url.clone(), url).within(limits);
    let file = File { publisher, path };
    keeps_the_contract(&file).await;
    file.publish(&[b'x'; 101]);
    assert!(file.publisher.fetch(Span::Daily).await.is_err());
}

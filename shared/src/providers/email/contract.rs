//! What every provider promises, proven for the fake and for the real client alike.

use std::time::Duration;

use secrecy::SecretString;

use super::test_server::TestServer;
use super::{EmailProvider, FakeEmail, Handover, OutgoingMail, SmtpOptions, SmtpProvider};

/// How the other side misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Does not talk at all.
    Down,
    SenderRefused,
    RecipientDeferred,
    RecipientUnknown,
    ContentRefused,
    ContentDeferred,
    /// Hangs up before it has the content.
    CutBeforeData,
    /// Hangs up with the content in hand, and forgets it.
    CutAfterContent,
    /// Hangs up with the content in hand, and keeps it.
    CutAfterAccepting,
}

/// A provider and the other side of it.
trait Rig {
    fn provider(&self) -> &dyn EmailProvider;
    fn set(&self, fault: Fault);
    fn accepted(&self) -> Vec<String>;
}

struct Real {
    server: TestServer,
    provider: SmtpProvider,
}

async fn real(messages_per_session: usize) -> Real {
    let server = TestServer::start(messages_per_session).await;
    let options = SmtpOptions {
        sessions: 2,
        message_timeout: Duration::from_secs(5),
        ..SmtpOptions::default()
    };
    let provider = SmtpProvider::new(&SecretString::from(server.url()), &options).expect("a URL");
    Real { server, provider }
}

impl Rig for Real {
    fn provider(&self) -> &dyn EmailProvider {
        &self.provider
    }
    fn set(&self, fault: Fault) {
        self.server.set(fault);
    }
    fn accepted(&self) -> Vec<String> {
        self.server.seen(|seen| seen.accepted.clone())
    }
}

struct Fake(FakeEmail);

impl Rig for Fake {
    fn provider(&self) -> &dyn EmailProvider {
        &self.0
    }
    fn set(&self, fault: Fault) {
        let reply = || "as told".to_owned();
        let handover = match fault {
            Fault::None => Handover::Accepted,
            Fault::Down | Fault::SenderRefused => Handover::Unreachable { why: reply() },
            Fault::RecipientDeferred | Fault::ContentDeferred | Fault::CutBeforeData => {
                Handover::Deferred { reply: reply() }
            }
            Fault::RecipientUnknown => Handover::Refused {
                reply: reply(),
                dead_mailbox: true,
            },
            Fault::ContentRefused => Handover::Refused {
                reply: reply(),
                dead_mailbox: false,
            },
            Fault::CutAfterContent => Handover::Unknown { why: reply() },
            Fault::CutAfterAccepting => return self.0.accept_in_silence(RECIPIENT),
        };
        self.0.answer(RECIPIENT, handover);
    }
    fn accepted(&self) -> Vec<String> {
        self.0
            .accepted()
            .iter()
            .map(|mail| mail.to.to_string())
            .collect()
    }
}

const RECIPIENT: &str = "ada@reader.example";

fn mail() -> OutgoingMail {
    OutgoingMail {
        from: "noreply@sender.example".parse().expect("an address"),
        to: RECIPIENT.parse().expect("an address"),
        message: "Subject: Hello\r\n\r\nfirst\r\n.\r\nlast\r\n".into(),
    }
}

/// The whole contract.
async fn keeps_the_contract(rig: &dyn Rig) {
    assert_eq!(rig.provider().hand_over(&mail()).await, Handover::Accepted);
    assert_eq!(rig.accepted(), [RECIPIENT]);

    for (fault, expected) in [
        (Fault::Down, "unreachable"),
        (Fault::SenderRefused, "unreachable"),
        (Fault::RecipientDeferred, "deferred"),
        (Fault::ContentDeferred, "deferred"),
        (Fault::CutBeforeData, "deferred"),
        (Fault::RecipientUnknown, "dead mailbox"),
        (Fault::ContentRefused, "refused"),
        (Fault::CutAfterContent, "unknown"),
    ] {
        rig.set(fault);
        assert_eq!(
            name(&rig.provider().hand_over(&mail()).await),
            expected,
            "{fault:?}"
        );
        assert_eq!(
            rig.accepted().len(),
            1,
            "{fault:?}: a message that was not accepted arrived"
        );
    }

    rig.set(Fault::CutAfterAccepting);
    assert_eq!(name(&rig.provider().hand_over(&mail()).await), "unknown");
    assert_eq!(rig.accepted().len(), 2, "what is unknown may have arrived");

    rig.set(Fault::None);
    assert_eq!(
        rig.provider().hand_over(&mail()).await,
        Handover::Accepted,
        "works again after every fault"
    );
}

fn name(handover: &Handover) -> &'static str {
    match handover {
        Handover::Accepted => "accepted",
        Handover::Deferred { .. } => "deferred",
        Handover::Refused {
            dead_mailbox: true, ..
        } => "dead mailbox",
        Handover::Refused {
            dead_mailbox: false,
            ..
        } => "refused",
        Handover::Unreachable { .. } => "unreachable",
        Handover::Unknown { .. } => "unknown",
    }
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    keeps_the_contract(&Fake(FakeEmail::new(2))).await;
}

#[tokio::test]
async fn the_smtp_client_keeps_the_contract() {
    let mut rig = real(usize::MAX).await;
    // `Down` closes new sessions only, so the one that was opened must not be there to be used
    rig.server = TestServer::start(1).await;
    let options = SmtpOptions {
        sessions: 2,
        ..SmtpOptions::default()
    };
    rig.provider =
        SmtpProvider::new(&SecretString::from(rig.server.url()), &options).expect("a URL");
    keeps_the_contract(&rig).await;
}

#[tokio::test]
async fn a_session_that_the_server_closed_while_idle_is_replaced_unnoticed() {
    let rig = real(1).await;
    for _ in 0..3 {
        assert_eq!(rig.provider.hand_over(&mail()).await, Handover::Accepted);
    }
    assert_eq!(rig.accepted().len(), 3);
    assert_eq!(rig.server.seen(|seen| seen.sessions), 3);
}

#[tokio::test]
async fn sessions_are_used_again_and_never_more_than_allowed() {
    let rig = real(usize::MAX).await;
    let mail = mail();
    let all = (0..20).map(|_| rig.provider.hand_over(&mail));
    let ends = futures_util::future::join_all(all).await;
    assert!(
        ends.iter().all(|end| *end == Handover::Accepted),
        "{ends:?}"
    );
    assert_eq!(rig.accepted().len(), 20);
    assert!(rig.server.seen(|seen| seen.sessions) <= 2);
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    let rig = real(usize::MAX).await;
    assert_eq!(rig.provider.hand_over(&mail()).await, Handover::Accepted);
    assert_eq!(
        rig.server.seen(|seen| seen.last_message.clone()),
        mail().message
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let options = SmtpOptions {
        connect_timeout: Duration::from_secs(5),
        ..SmtpOptions::default()
    };
    // port 9 (discard) of this machine is not listened on
    let provider =
        SmtpProvider::new(&SecretString::from("smtp://127.0.0.1:9"), &options).expect("a URL");
    assert_eq!(name(&provider.hand_over(&mail()).await), "unreachable");
}

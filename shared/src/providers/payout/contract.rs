//! What every provider promises, proven for the fake and for each real client alike.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::crypto::{Asset, CryptoDestination, CustodyOptions, CustodyProvider, Network};
use super::paxum::{PaxumOptions, PaxumProvider};
use super::paypal::{PayPalOptions, PayPalProvider};
use super::test_servers::{Counterpart, Dialect, Fault, PayPalServer, SECRET, Sent, SignedServer};
use super::*;
use crate::kernel::money::{Currency, Money};
use crate::providers::http::HttpLimits;

/// A provider and the other side of it.
trait Rig {
    fn provider(&self) -> &dyn PayoutProvider;
    fn destination(&self) -> Destination;
    /// The next submission meets this.
    fn fault(&self, fault: Fault);
    /// How many payments of an id were really made.
    fn paid(&self, id: &InstructionId) -> usize;
    fn set_status(&self, id: &InstructionId, status: PayoutStatus);
    fn callback(&self, event_id: &str, id: &InstructionId) -> Sent;
    /// Any body, signed rightly.
    fn signed(&self, body: &[u8]) -> Sent;
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_712_000, 0).expect("a time")
}

fn instruction(rig: &dyn Rig, name: &str, minor: i64) -> Instruction {
    Instruction {
        id: name.parse().expect("an id"),
        order: Order::Payment(PaymentOrder {
            amount: Money::new(Currency::USD, minor),
            to: rig.destination(),
            note: "Payout".into(),
        }),
    }
}

fn name(submission: &Submission) -> &'static str {
    match submission {
        Submission::Accepted { .. } => "accepted",
        Submission::Refused { is_final: true, .. } => "refused",
        Submission::Refused {
            is_final: false, ..
        } => "refused for now",
        Submission::NotSent { .. } => "not sent",
        Submission::Unknown { .. } => "unknown",
    }
}

async fn submit(rig: &dyn Rig, instruction: &Instruction) -> Submission {
    rig.provider().submit(instruction, now()).await
}

/// The whole contract.
async fn keeps_the_contract(rig: &dyn Rig) {
    an_id_is_paid_once(rig).await;
    every_fault_has_its_name_and_what_is_unknown_is_cleared_up(rig).await;
    a_status_is_told(rig).await;
    callbacks_are_proven(rig).await;
    what_does_not_fit_is_refused(rig).await;
}

async fn an_id_is_paid_once(rig: &dyn Rig) {
    let first = instruction(rig, "once-1", 245_000);
    let accepted = submit(rig, &first).await;
    assert_eq!(name(&accepted), "accepted", "{accepted:?}");
    assert_eq!(
        submit(rig, &first).await,
        accepted,
        "the same again is the same"
    );
    let other = submit(rig, &instruction(rig, "once-1", 1)).await;
    assert_eq!(
        name(&other),
        "refused",
        "another payment of the same id: {other:?}"
    );
    assert_eq!(rig.paid(&first.id), 1);
}

async fn every_fault_has_its_name_and_what_is_unknown_is_cleared_up(rig: &dyn Rig) {
    let faults = [
        (Fault::Refuse, "refused"),
        (Fault::RefuseForNow, "refused for now"),
        (Fault::TooMany, "not sent"),
        (Fault::Stranger, "not sent"),
        (Fault::HangUp, "unknown"),
        (Fault::ErrorBefore, "unknown"),
        (Fault::ErrorAfter, "unknown"),
        (Fault::SlowBefore, "unknown"),
        (Fault::SlowAfter, "unknown"),
        (Fault::BreakOffAfter, "unknown"),
        (Fault::NonsenseAfter, "unknown"),
    ];
    for (at, (fault, expected)) in faults.into_iter().enumerate() {
        let one = instruction(rig, &format!("fault-{at}"), 1_000);
        rig.fault(fault);
        let ended = submit(rig, &one).await;
        assert_eq!(name(&ended), expected, "{fault:?}: {ended:?}");
        assert_eq!(rig.paid(&one.id), usize::from(fault.keeps()), "{fault:?}");
        match (expected, rig.provider().on_unknown()) {
            ("unknown", OnUnknown::Ask) => {
                let asked = rig.provider().ask(&one.id, None, now()).await;
                assert_eq!(
                    matches!(asked, Asked::Known(_)),
                    fault.keeps(),
                    "{fault:?}: {asked:?}"
                );
                assert_eq!(
                    asked == Asked::NeverSeen,
                    !fault.keeps(),
                    "{fault:?}: {asked:?}"
                );
            }
            (_, _) => {
                let asked = rig.provider().ask(&one.id, None, now()).await;
                assert!(!matches!(asked, Asked::Known(_)), "{fault:?}: {asked:?}");
            }
        }
        // the same id again is carried out once, whatever became of it before
        let again = submit(rig, &one).await;
        assert_eq!(name(&again), "accepted", "{fault:?}: {again:?}");
        assert_eq!(rig.paid(&one.id), 1, "{fault:?}");
    }
}

async fn a_status_is_told(rig: &dyn Rig) {
    let one = instruction(rig, "status-1", 12_345);
    let Submission::Accepted { reference } = submit(rig, &one).await else {
        panic!("accepted");
    };
    for status in [
        PayoutStatus::Pending,
        PayoutStatus::Completed,
        PayoutStatus::Failed,
    ] {
        rig.set_status(&one.id, status);
        let asked = rig.provider().ask(&one.id, Some(&reference), now()).await;
        let Asked::Known(report) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!((report.status, &report.id), (status, &one.id));
        assert_eq!(report.amount, Some(Money::new(Currency::USD, 12_345)));
        assert_eq!(report.refusal.is_some(), status == PayoutStatus::Failed);
        assert_eq!(report.reference.as_deref(), Some(reference.as_str()));
    }
}

async fn read(
    rig: &dyn Rig,
    (headers, body): &Sent,
    at: DateTime<Utc>,
) -> Result<Vec<Report>, CallbackError> {
    let callback = Callback { headers, body };
    rig.provider().read_callback(&callback, at).await
}

async fn callbacks_are_proven(rig: &dyn Rig) {
    let one = instruction(rig, "callback-1", 5_000);
    assert_eq!(name(&submit(rig, &one).await), "accepted");
    rig.set_status(&one.id, PayoutStatus::Completed);
    let sent = rig.callback("event-1", &one.id);
    let reports = read(rig, &sent, now()).await.expect("proven");
    let [report] = &reports[..] else {
        panic!("{reports:?}")
    };
    assert_eq!(
        (report.event_id.as_str(), report.status, &report.id),
        ("event-1", PayoutStatus::Completed, &one.id)
    );
    // a duplicate or a replay soon after is known by its event
    assert_eq!(read(rig, &sent, now()).await.as_ref(), Ok(&reports));

    let forged = Err(CallbackError::Forged);
    let tampered = (
        sent.0.clone(),
        String::from_utf8_lossy(&sent.1)
            .replace("50.00", "90.00")
            .replace("event-1", "event-2")
            .into_bytes(),
    );
    assert_ne!(tampered.1, sent.1);
    assert_eq!(read(rig, &tampered, now()).await, forged);
    for name in sent.0.keys() {
        let mut without = sent.clone();
        without.0.remove(name);
        assert_eq!(read(rig, &without, now()).await, forged, "without {name}");
        if name.contains("sig") && !name.contains("algo") {
            let mut wrong = sent.clone();
            wrong.0.insert(name.clone(), "00".repeat(32));
            assert_eq!(read(rig, &wrong, now()).await, forged, "wrong {name}");
        }
    }
    for nonsense in [&b"{}"[..], b"[]", b"\"x\"", b"{\"eventId\":1}"] {
        let read = read(rig, &rig.signed(nonsense), now()).await;
        assert!(
            matches!(read, Err(CallbackError::Unreadable(_))),
            "{read:?}"
        );
    }
    let large = rig.signed(&vec![b' '; super::callback::CALLBACK_MAX_BYTES + 1]);
    let refused = read(rig, &large, now()).await;
    assert!(
        matches!(refused, Err(CallbackError::Unreadable(_))),
        "{refused:?}"
    );
}

/// For those that sign the time.
async fn old_callbacks_are_refused(rig: &dyn Rig, after: TimeDelta) {
    let one = instruction(rig, "replay-1", 5_000);
    assert_eq!(name(&submit(rig, &one).await), "accepted");
    let sent = rig.callback("event-9", &one.id);
    assert!(
        read(rig, &sent, now() + after - TimeDelta::seconds(1))
            .await
            .is_ok()
    );
    assert_eq!(
        read(rig, &sent, now() + after + TimeDelta::seconds(1)).await,
        Err(CallbackError::Forged)
    );
    assert_eq!(
        read(rig, &sent, now() - TimeDelta::minutes(6)).await,
        Err(CallbackError::Forged)
    );
}

async fn what_does_not_fit_is_refused(rig: &dyn Rig) {
    let file = Instruction {
        id: "file-1".parse().expect("an id"),
        order: Order::File(PaymentFile {
            name: "a.xml".into(),
            content: b"x".as_slice().into(),
        }),
    };
    assert_eq!(name(&submit(rig, &file).await), "refused");
}

struct Fake(FakePayouts);

impl Rig for Fake {
    fn provider(&self) -> &dyn PayoutProvider {
        &self.0
    }
    fn destination(&self) -> Destination {
        Destination::Paxum("ada@payee.example".parse().expect("an address"))
    }
    fn fault(&self, fault: Fault) {
        self.0.answer(match fault {
            Fault::Refuse => FakeAnswer::Refuse,
            Fault::RefuseForNow => FakeAnswer::RefuseForNow,
            Fault::TooMany | Fault::Stranger => FakeAnswer::Unreachable,
            Fault::HangUp | Fault::ErrorBefore | Fault::SlowBefore => FakeAnswer::LoseRequest,
            Fault::ErrorAfter | Fault::SlowAfter | Fault::BreakOffAfter | Fault::NonsenseAfter => {
                FakeAnswer::LoseAnswer
            }
            // a fake takes no time
            Fault::LateAfter => return,
        });
    }
    fn paid(&self, id: &InstructionId) -> usize {
        self.0
            .accepted()
            .iter()
            .filter(|(paid, _)| paid == id)
            .count()
    }
    fn set_status(&self, id: &InstructionId, status: PayoutStatus) {
        assert!(self.0.set_status(id, status));
    }
    fn callback(&self, event_id: &str, id: &InstructionId) -> Sent {
        self.0.callback(event_id, id, PayoutStatus::Completed)
    }
    fn signed(&self, body: &[u8]) -> Sent {
        let signature = super::signing::sign(b"fake", &[body]);
        (
            BTreeMap::from([("x-signature".to_owned(), signature)]),
            body.to_vec(),
        )
    }
}

/// A client and the server that it is connected to.
struct Connected<S, P> {
    server: S,
    provider: P,
    to: Destination,
}

impl<S: Counterpart, P: PayoutProvider> Rig for Connected<S, P> {
    fn provider(&self) -> &dyn PayoutProvider {
        &self.provider
    }
    fn destination(&self) -> Destination {
        self.to.clone()
    }
    fn fault(&self, fault: Fault) {
        self.server.book().fault(fault);
    }
    fn paid(&self, id: &InstructionId) -> usize {
        self.server
            .book()
            .paid()
            .iter()
            .filter(|paid| paid.id == id.as_str())
            .count()
    }
    fn set_status(&self, id: &InstructionId, status: PayoutStatus) {
        self.server.book().set_status(id, status);
    }
    fn callback(&self, event_id: &str, id: &InstructionId) -> Sent {
        self.server.callback(event_id, id, now())
    }
    fn signed(&self, body: &[u8]) -> Sent {
        self.server.signed(body.to_vec(), now())
    }
}

/// Short, as some servers never answer.
fn limits() -> HttpLimits {
    HttpLimits {
        timeout: Duration::from_millis(300),
        ..HttpLimits::default()
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

async fn paxum() -> Connected<SignedServer, PaxumProvider> {
    let server = SignedServer::start(Dialect::Paxum).await;
    let provider = PaxumProvider::new(PaxumOptions {
        endpoint: server.url().parse().expect("an address"),
        account: "590900".into(),
        key: secret("key"),
        secret: secret(SECRET),
        limits: limits(),
    });
    let to = Destination::Paxum("ada@payee.example".parse().expect("an address"));
    Connected {
        server,
        provider,
        to,
    }
}

async fn custody() -> Connected<SignedServer, CustodyProvider> {
    let server = SignedServer::start(Dialect::Custody).await;
    let provider = CustodyProvider::new(CustodyOptions {
        endpoint: server.url().parse().expect("an address"),
        key: secret("key"),
        secret: secret(SECRET),
        limits: limits(),
    });
    let to = CryptoDestination::new(
        Asset::Usdt,
        Network::Tron,
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    )
    .expect("an address");
    Connected {
        server,
        provider,
        to: Destination::Crypto(to),
    }
}

fn paypal_at(url: &str, client_secret: &str) -> PayPalProvider {
    PayPalProvider::new(PayPalOptions {
        endpoint: url.parse().expect("an address"),
        client_id: secret("client"),
        client_secret: secret(client_secret),
        webhook_id: "webhook-of-tests".into(),
        limits: limits(),
    })
}

async fn paypal() -> Connected<PayPalServer, PayPalProvider> {
    let server = PayPalServer::start().await;
    let provider = paypal_at(&server.url(), "secret");
    Connected {
        server,
        provider,
        to: Destination::PayPal("ada@payee.example".parse().expect("an address")),
    }
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    keeps_the_contract(&Fake(FakePayouts::default())).await;
}

#[tokio::test]
async fn paxum_keeps_the_contract() {
    let rig = paxum().await;
    keeps_the_contract(&rig).await;
    old_callbacks_are_refused(&rig, super::signing::CLOCK_TOLERANCE).await;
}

#[tokio::test]
async fn a_custody_provider_keeps_the_contract() {
    let rig = custody().await;
    keeps_the_contract(&rig).await;
    old_callbacks_are_refused(&rig, super::signing::CLOCK_TOLERANCE).await;
}

#[tokio::test]
async fn paypal_keeps_the_contract() {
    let rig = paypal().await;
    keeps_the_contract(&rig).await;
    old_callbacks_are_refused(&rig, TimeDelta::days(3)).await;
}

#[tokio::test]
async fn who_is_not_there_was_sent_nothing() {
    // port 9 (discard) of this machine is not listened on
    let url = "http://127.0.0.1:9";
    let rigs: [Box<dyn PayoutProvider>; 3] = [
        Box::new(PaxumProvider::new(PaxumOptions {
            endpoint: url.parse().expect("an address"),
            account: "1".into(),
            key: secret("k"),
            secret: secret("s"),
            limits: limits(),
        })),
        Box::new(CustodyProvider::new(CustodyOptions {
            endpoint: url.parse().expect("an address"),
            key: secret("k"),
            secret: secret("s"),
            limits: limits(),
        })),
        Box::new(paypal_at(url, "secret")),
    ];
    let destinations = [
        paxum().await.destination(),
        custody().await.destination(),
        paypal().await.destination(),
    ];
    for (provider, to) in rigs.iter().zip(destinations) {
        let order = Order::Payment(PaymentOrder {
            amount: Money::new(Currency::USD, 1),
            to,
            note: String::new(),
        });
        let one = Instruction {
            id: "x".parse().expect("an id"),
            order,
        };
        assert_eq!(
            name(&provider.submit(&one, now()).await),
            "not sent",
            "{provider:?}"
        );
        let asked = provider.ask(&one.id, Some("REF"), now()).await;
        assert!(matches!(asked, Asked::NoAnswer { .. }), "{asked:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_sends_nothing_and_shows_nothing() {
    let rig = paypal().await;
    let stranger = paypal_at(&rig.server.url(), "wrong-secret");
    let one = instruction(&rig, "stranger-1", 100);
    let ended = stranger.submit(&one, now()).await;
    assert_eq!(name(&ended), "not sent");
    assert_eq!(rig.paid(&one.id), 0);
    let shown = format!("{stranger:?} {ended:?} {one:?}");
    for private in ["wrong-secret", "ada@payee.example"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

#[tokio::test]
async fn a_destination_of_another_provider_is_refused_before_anything_is_sent() {
    let (paxum, custody, paypal) = (paxum().await, custody().await, paypal().await);
    let rigs: [&dyn Rig; 3] = [&paxum, &custody, &paypal];
    for (at, rig) in rigs.iter().enumerate() {
        let other = instruction(rigs[(at + 1) % 3], "other-1", 100);
        assert_eq!(name(&submit(*rig, &other).await), "refused");
        assert_eq!(rig.paid(&other.id), 0);
    }
}

//! Paxum and a custody provider, which both speak signed JSON.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::book::{Book, Fault, Kept, Paid};
use super::{Counterpart, SECRET, Sent};
use crate::providers::http::test_server::{Received, Reply, TestServer};
use crate::providers::payout::signing::{is_signed, sign};
use crate::providers::payout::{InstructionId, PayoutStatus, crypto, paxum};

/// Whose language a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Paxum's.
    Paxum,
    /// That of a custody provider.
    Custody,
}

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct SignedServer {
    server: TestServer,
    book: Arc<Book>,
    dialect: Dialect,
}

impl SignedServer {
    /// Starts one.
    pub async fn start(dialect: Dialect) -> Self {
        let book = Arc::new(Book::default());
        let kept = book.clone();
        let server =
            TestServer::start(move |request| std::future::ready(dialect.reply(&request, &kept)))
                .await;
        Self {
            server,
            book,
            dialect,
        }
    }
}

impl Counterpart for SignedServer {
    fn name(&self) -> &'static str {
        match self.dialect {
            Dialect::Paxum => "paxum",
            Dialect::Custody => "custody",
        }
    }

    fn url(&self) -> String {
        self.server.url()
    }

    fn book(&self) -> &Book {
        &self.book
    }

    fn callback(&self, event_id: &str, id: &InstructionId, now: DateTime<Utc>) -> Sent {
        let shown = self
            .book
            .of_id(id.as_str())
            .map(|paid| self.dialect.shown(&paid));
        let body = match self.dialect {
            Dialect::Paxum => json!({ "eventId": event_id, "transaction": shown }),
            Dialect::Custody => json!({ "eventId": event_id, "withdrawal": shown }),
        };
        self.signed(body.to_string().into_bytes(), now)
    }

    fn signed(&self, body: Vec<u8>, now: DateTime<Utc>) -> Sent {
        let timestamp = now.timestamp().to_string();
        let signature = match self.dialect {
            Dialect::Paxum => sign(SECRET.as_bytes(), &[timestamp.as_bytes(), &body]),
            Dialect::Custody => sign(SECRET.as_bytes(), &[timestamp.as_bytes(), b"\n", &body]),
        };
        let headers = [("x-timestamp", timestamp), ("x-signature", signature)];
        (
            headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body,
        )
    }
}

impl Dialect {
    fn reply(self, request: &Received, book: &Book) -> Reply {
        if !self.is_signed(request) {
            return Reply::json(401, &json!({ "code": "wrong_signature" }));
        }
        match request.method.as_str() {
            "POST" => self.submitted(request, book),
            _ => self.asked(request, book),
        }
    }

    fn is_signed(self, request: &Received) -> bool {
        let Received {
            method, path, body, ..
        } = request;
        let timestamp = request.header("x-timestamp");
        let head = match self {
            Self::Paxum => path.clone(),
            Self::Custody => format!("{timestamp}\n{method}\n{path}\n"),
        };
        is_signed(
            SECRET.as_bytes(),
            &[head.as_bytes(), body],
            request.header("x-signature"),
        )
    }

    fn submitted(self, request: &Received, book: &Book) -> Reply {
        let fault = book.next_fault();
        let refusal = match fault {
            Some(Fault::Refuse) => {
                Some(json!({ "code": "no_such_account", "message": "There is no such account." }))
            }
            Some(Fault::RefuseForNow) => Some(
                json!({ "code": "insufficient_funds", "message": "Fund the account.", "final": false }),
            ),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Reply::json(422, &refusal);
        }
        let wanted: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let kept = match fault {
            Some(fault) if !fault.keeps() => None,
            _ => Some(book.keep(self.payment(&wanted))),
        };
        if let Some(reply) = fault.and_then(Fault::reply) {
            return reply;
        }
        let answer = match kept {
            Some(Kept::New(paid)) => Reply::json(201, &self.shown(&paid)),
            Some(Kept::Before(paid)) => Reply::json(200, &self.shown(&paid)),
            Some(Kept::Other(_)) | None => Reply::json(
                409,
                &json!({ "code": "id_reused", "message": "Another payment has this id." }),
            ),
        };
        Book::paced(fault, answer)
    }

    fn asked(self, request: &Received, book: &Book) -> Reply {
        if book.is_silent() {
            return Reply::HangUp;
        }
        let last = request.path.rsplit(['/', '=']).next().unwrap_or_default();
        let found = book.of_id(last).map(|paid| self.shown(&paid));
        match (self, found) {
            (Self::Paxum, found) => {
                Reply::json(200, &json!({ "transactions": Vec::from_iter(found) }))
            }
            (Self::Custody, Some(found)) => Reply::json(200, &found),
            (Self::Custody, None) => Reply::json(404, &json!({ "code": "unknown_withdrawal" })),
        }
    }

    fn payment(self, wanted: &Value) -> Paid {
        let text = |name: &str| wanted[name].as_str().unwrap_or_default().to_owned();
        let (id, to) = match self {
            Self::Paxum => (text("externalId"), text("toEmail")),
            Self::Custody => (
                text("id"),
                format!("{}:{}:{}", text("network"), text("asset"), text("address")),
            ),
        };
        Paid {
            id,
            reference: String::new(),
            amount: text("amount"),
            currency: text("currency"),
            to,
            status: PayoutStatus::Pending,
        }
    }

    fn shown(self, paid: &Paid) -> Value {
        let word = |words: &[(&'static str, PayoutStatus)]| {
            words
                .iter()
                .find(|(_, status)| *status == paid.status)
                .map_or("unheard of", |(word, _)| *word)
        };
        let Paid {
            id,
            reference,
            amount,
            currency,
            ..
        } = paid;
        match self {
            Self::Paxum => {
                json!({ "externalId": id, "transactionId": reference, "status": word(&paxum::STATUS_WORDS),
                                   "amount": amount, "currency": currency })
            }
            Self::Custody => {
                json!({ "id": id, "reference": reference, "status": word(&crypto::STATUS_WORDS),
                                     "amount": amount, "currency": currency })
            }
        }
    }
}

//! PayPal: tokens, batches of one item, and the question whether it signed a webhook.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::book::{Book, Fault, Kept, Paid};
use super::{Counterpart, SECRET, Sent};
use crate::providers::http::test_server::{Received, Reply, TestServer};
use crate::providers::payout::signing::sign;
use crate::providers::payout::{InstructionId, PayoutStatus};

/// The token it grants.
const TOKEN: &str = "Bearer token-of-tests";

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct PayPalServer {
    server: TestServer,
    book: Arc<Book>,
}

impl PayPalServer {
    /// Starts one.
    pub async fn start() -> Self {
        let book = Arc::new(Book::default());
        let kept = book.clone();
        let server =
            TestServer::start(move |request| std::future::ready(reply(&request, &kept))).await;
        Self { server, book }
    }
}

impl Counterpart for PayPalServer {
    fn name(&self) -> &'static str {
        "paypal"
    }

    fn url(&self) -> String {
        self.server.url()
    }

    fn book(&self) -> &Book {
        &self.book
    }

    fn callback(&self, event_id: &str, id: &InstructionId, now: DateTime<Utc>) -> Sent {
        let item = self.book.of_id(id.as_str()).map(|paid| item(&paid));
        let event = json!({ "id": event_id, "event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": item });
        self.signed(event.to_string().into_bytes(), now)
    }

    fn signed(&self, body: Vec<u8>, now: DateTime<Utc>) -> Sent {
        let time = now.to_rfc3339();
        let headers = [
            ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            (
                "paypal-cert-url",
                "https://api.paypal.example/cert".to_owned(),
            ),
            ("paypal-transmission-id", "t-1".to_owned()),
            ("paypal-transmission-sig", signature(&time, &body)),
            ("paypal-transmission-time", time),
        ];
        (
            headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body,
        )
    }
}

/// Stands for PayPal's own signature, of which only PayPal can tell whether it is right.
fn signature(time: &str, body: &[u8]) -> String {
    sign(SECRET.as_bytes(), &[time.as_bytes(), body])
}

fn reply(request: &Received, book: &Book) -> Reply {
    let path = request.path.as_str();
    if path == "/v1/oauth2/token" {
        // client:secret, in Base64
        let known = request.header("authorization") == "Basic Y2xpZW50OnNlY3JldA==";
        return match known {
            true => Reply::json(
                200,
                &json!({ "access_token": TOKEN.trim_start_matches("Bearer "), "expires_in": 32_400 }),
            ),
            false => Reply::json(401, &json!({ "error": "invalid_client" })),
        };
    }
    if request.header("authorization") != TOKEN {
        return Reply::json(401, &json!({ "name": "AUTHENTICATION_FAILURE" }));
    }
    match (request.method.as_str(), path) {
        ("POST", "/v1/payments/payouts") => submitted(request, book),
        ("POST", "/v1/notifications/verify-webhook-signature") => verified(&request.body),
        (_, _) => asked(path.rsplit('/').next().unwrap_or_default(), book),
    }
}

fn submitted(request: &Received, book: &Book) -> Reply {
    let fault = book.next_fault();
    match fault {
        Some(Fault::Refuse) => {
            let problem = json!({ "name": "VALIDATION_ERROR", "message": "Invalid request",
                                  "details": [{ "field": "items[0].receiver", "issue": "no such account" }] });
            return Reply::json(400, &problem);
        }
        Some(Fault::RefuseForNow) => {
            return Reply::json(
                422,
                &json!({ "name": "INSUFFICIENT_FUNDS", "message": "Fund the account." }),
            );
        }
        _ => {}
    }
    let wanted: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = |pointer: &str| {
        wanted
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let kept = match fault {
        Some(fault) if !fault.keeps() => None,
        _ => Some(book.keep(Paid {
            id: text("/sender_batch_header/sender_batch_id"),
            reference: String::new(),
            amount: text("/items/0/amount/value"),
            currency: text("/items/0/amount/currency"),
            to: text("/items/0/receiver"),
            status: PayoutStatus::Pending,
        })),
    };
    if let Some(reply) = fault.and_then(Fault::reply) {
        return reply;
    }
    let answer = match kept {
        Some(Kept::New(paid)) => Reply::json(201, &json!({ "batch_header": header(&paid) })),
        Some(Kept::Before(paid) | Kept::Other(paid)) => {
            let link = format!(
                "https://api.paypal.example/v1/payments/payouts/{}",
                paid.reference
            );
            let problem = json!({ "name": "USER_BUSINESS_ERROR", "message": "User business error.",
                "details": [{ "field": "SENDER_BATCH_ID", "issue": "Batch with given sender_batch_id already exists",
                              "link": [{ "href": link, "rel": "self", "method": "GET" }] }] });
            Reply::json(400, &problem)
        }
        None => Reply::json(500, &json!({})),
    };
    Book::paced(fault, answer)
}

fn asked(reference: &str, book: &Book) -> Reply {
    if book.is_silent() {
        return Reply::HangUp;
    }
    match book.of_reference(reference) {
        Some(paid) => Reply::json(
            200,
            &json!({ "batch_header": header(&paid), "items": [item(&paid)] }),
        ),
        None => Reply::json(
            404,
            &json!({ "name": "INVALID_RESOURCE_ID", "message": "not found" }),
        ),
    }
}

/// Compares what was signed, byte for byte, with what is asked about.
fn verified(body: &[u8]) -> Reply {
    #[derive(serde::Deserialize)]
    struct Question {
        transmission_sig: String,
        transmission_time: String,
        webhook_id: String,
        webhook_event: Box<RawValue>,
    }
    let right = serde_json::from_slice::<Question>(body).is_ok_and(|asked| {
        asked.webhook_id == "webhook-of-tests"
            && asked.transmission_sig
                == signature(
                    &asked.transmission_time,
                    asked.webhook_event.get().as_bytes(),
                )
    });
    Reply::json(
        200,
        &json!({ "verification_status": if right { "SUCCESS" } else { "FAILURE" } }),
    )
}

fn header(paid: &Paid) -> Value {
    json!({ "payout_batch_id": paid.reference, "batch_status": "PENDING",
            "sender_batch_header": { "sender_batch_id": paid.id } })
}

fn item(paid: &Paid) -> Value {
    let status = match paid.status {
        PayoutStatus::Pending => "PENDING",
        PayoutStatus::Completed => "SUCCESS",
        PayoutStatus::Failed => "FAILED",
        PayoutStatus::Returned => "RETURNED",
    };
    json!({ "payout_item_id": format!("ITEM-{}", paid.reference), "payout_batch_id": paid.reference, "transaction_status": status,
            "payout_item": { "sender_item_id": paid.id, "amount": { "value": paid.amount, "currency": paid.currency } } })
}

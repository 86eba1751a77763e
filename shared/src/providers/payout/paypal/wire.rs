//! PayPal's JSON, as far as it is needed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::answer::one_line;
use super::super::signing::CLOCK_TOLERANCE;
use super::super::{
    Callback, CallbackError, InstructionId, PaymentOrder, PayoutStatus, Refusal, Report, told,
};
use crate::kernel::EmailAddress;
use crate::providers::http::Answer;

pub(in super::super) const PAYOUTS: [&str; 3] = ["v1", "payments", "payouts"];
pub(in super::super) const VERIFICATION: [&str; 3] =
    ["v1", "notifications", "verify-webhook-signature"];
/// When a webhook was sent.
pub(super) const SENT_AT: &str = "paypal-transmission-time";
/// What a webhook is signed with: header, and its name in the question.
const SIGNED_WITH: [(&str, &str); 5] = [
    ("paypal-auth-algo", "auth_algo"),
    ("paypal-cert-url", "cert_url"),
    ("paypal-transmission-id", "transmission_id"),
    ("paypal-transmission-sig", "transmission_sig"),
    (SENT_AT, "transmission_time"),
];
/// PayPal's words for where an item stands.
const STATUS_WORDS: [(&str, PayoutStatus); 10] = [
    ("NEW", PayoutStatus::Pending),
    ("PENDING", PayoutStatus::Pending),
    ("ONHOLD", PayoutStatus::Pending),
    // the payee has no account yet; after 30 days it is returned
    ("UNCLAIMED", PayoutStatus::Pending),
    ("SUCCESS", PayoutStatus::Completed),
    ("FAILED", PayoutStatus::Failed),
    ("BLOCKED", PayoutStatus::Failed),
    ("RETURNED", PayoutStatus::Returned),
    ("REFUNDED", PayoutStatus::Returned),
    ("REVERSED", PayoutStatus::Returned),
];
/// Refusals that pass: of limits and empty accounts, not of the payment.
const PASSING: [&str; 3] = [
    "INSUFFICIENT_FUNDS",
    "RATE_LIMIT_REACHED",
    "INTERNAL_SERVICE_ERROR",
];

#[derive(Serialize)]
pub(super) struct NewBatch<'a> {
    sender_batch_header: Header<'a>,
    items: [NewItem<'a>; 1],
}

#[derive(Serialize)]
struct Header<'a> {
    sender_batch_id: &'a str,
}

#[derive(Serialize)]
struct NewItem<'a> {
    recipient_type: &'static str,
    receiver: &'a str,
    amount: Amount,
    note: &'a str,
    sender_item_id: &'a str,
}

#[derive(Debug, Serialize, Deserialize)]
struct Amount {
    value: String,
    currency: String,
}

/// One payment as a batch of its own.
pub(super) fn batch<'a>(
    id: &'a InstructionId,
    payment: &'a PaymentOrder,
    to: &'a EmailAddress,
) -> NewBatch<'a> {
    NewBatch {
        sender_batch_header: Header {
            sender_batch_id: id.as_str(),
        },
        items: [NewItem {
            recipient_type: "EMAIL",
            receiver: to.as_str(),
            amount: Amount {
                value: payment.amount.decimal(),
                currency: payment.amount.currency.code().to_owned(),
            },
            note: &payment.note,
            sender_item_id: id.as_str(),
        }],
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Batch {
    batch_header: BatchHeader,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct BatchHeader {
    payout_batch_id: String,
    batch_status: String,
    sender_batch_header: Option<SenderHeader>,
}

#[derive(Debug, Deserialize)]
struct SenderHeader {
    sender_batch_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Item {
    payout_item_id: Option<String>,
    transaction_status: Option<String>,
    payout_batch_id: Option<String>,
    time_processed: Option<DateTime<Utc>>,
    payout_item: PayoutItem,
    errors: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct PayoutItem {
    sender_item_id: Option<String>,
    amount: Option<Amount>,
}

impl Batch {
    pub(super) fn id(&self) -> String {
        one_line(&self.batch_header.payout_batch_id, 100)
    }

    pub(super) fn is_of(&self, id: &InstructionId) -> bool {
        let header = self.batch_header.sender_batch_header.as_ref();
        header.and_then(|header| header.sender_batch_id.as_deref()) == Some(id.as_str())
    }

    /// What the batch says of its one item.
    pub(super) fn report(&self, id: &InstructionId) -> Result<Report, String> {
        let is_ours =
            |item: &&Item| item.payout_item.sender_item_id.as_deref() == Some(id.as_str());
        let Some(item) = self.items.iter().find(is_ours) else {
            return self.without_items(id);
        };
        item.report(None).map(|report| Report {
            reference: Some(self.id()),
            ..report
        })
    }

    /// A batch that is denied as a whole, or whose items are not there yet.
    fn without_items(&self, id: &InstructionId) -> Result<Report, String> {
        if !self.is_of(id) || !self.items.is_empty() {
            return Err("the batch holds another payment".into());
        }
        let status = match self.batch_header.batch_status.as_str() {
            "PENDING" | "PROCESSING" | "NEW" => PayoutStatus::Pending,
            "DENIED" | "CANCELED" => PayoutStatus::Failed,
            other => {
                return Err(format!(
                    "a batch without items is `{}`",
                    one_line(other, 40)
                ));
            }
        };
        Ok(Report {
            event_id: format!("{id}:{}", self.batch_header.batch_status),
            id: id.clone(),
            reference: Some(self.id()),
            status,
            amount: None,
            refusal: (status == PayoutStatus::Failed)
                .then(|| Refusal::new(&self.batch_header.batch_status, "the whole batch")),
            at: None,
        })
    }
}

impl Item {
    fn report(&self, event_id: Option<&str>) -> Result<Report, String> {
        let sender = self
            .payout_item
            .sender_item_id
            .as_deref()
            .unwrap_or_default();
        let id = told::id(sender)?;
        let word = self.transaction_status.as_deref().unwrap_or("NEW");
        let status = told::status(&STATUS_WORDS, word)?;
        let amount = self.payout_item.amount.as_ref();
        let amount = told::amount(
            amount.map(|amount| amount.value.as_str()),
            amount.map(|amount| amount.currency.as_str()),
        )?;
        let went_wrong = matches!(status, PayoutStatus::Failed | PayoutStatus::Returned);
        Ok(Report {
            event_id: event_id.map_or_else(|| format!("{id}:{word}"), |id| one_line(id, 100)),
            id,
            reference: self
                .payout_batch_id
                .as_deref()
                .or(self.payout_item_id.as_deref())
                .map(|text| one_line(text, 100)),
            status,
            amount,
            refusal: went_wrong.then(|| match &self.errors {
                Some(problem) => Refusal::new(&problem.name, &problem.message),
                None => Refusal::new(word, ""),
            }),
            at: self.time_processed,
        })
    }
}

/// What PayPal says when it refuses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    name: String,
    message: String,
    details: Vec<Detail>,
    links: Vec<Link>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    field: String,
    issue: String,
    #[serde(alias = "links")]
    link: Vec<Link>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    href: String,
}

impl Problem {
    pub(super) fn is_unknown_batch(&self) -> bool {
        self.name == "INVALID_RESOURCE_ID"
    }

    pub(super) fn is_passing(&self) -> bool {
        PASSING.contains(&self.name.as_str())
    }

    pub(super) fn name_or(&self, status: u16) -> String {
        if self.name.is_empty() {
            format!("http-{status}")
        } else {
            self.name.clone()
        }
    }

    /// What it says, with each detail.
    pub(super) fn words(&self, answer: &Answer) -> String {
        if self.message.is_empty() {
            return answer.summary();
        }
        let details = self
            .details
            .iter()
            .map(|detail| format!("{}: {}", detail.field, detail.issue));
        std::iter::once(self.message.clone())
            .chain(details)
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The batch that has our id already, if that is what it says. Only the last part of the address is used, as a segment
    /// of our own path: an address from outside is never gone to.
    pub(super) fn existing_batch(&self) -> Option<String> {
        let about_id = self
            .details
            .iter()
            .find(|detail| detail.field.eq_ignore_ascii_case("SENDER_BATCH_ID"))?;
        let mut links = about_id.link.iter().chain(&self.links);
        let id = links.find_map(|link| link.href.rsplit('/').next().filter(|id| !id.is_empty()))?;
        let fits = id.len() <= 100
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        fits.then(|| id.to_owned())
    }
}

/// A webhook.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    id: String,
    event_type: String,
    resource: Box<RawValue>,
}

impl Event {
    /// What it tells; nothing for events about whole batches.
    pub(super) fn reports(&self) -> Result<Vec<Report>, String> {
        if !self.event_type.starts_with("PAYMENT.PAYOUTS-ITEM.") {
            return Ok(Vec::new());
        }
        let item: Item =
            serde_json::from_str(self.resource.get()).map_err(|error| error.to_string())?;
        Ok(vec![item.report(Some(&self.id))?])
    }
}

/// The question whether PayPal signed a webhook. The event goes back byte for byte: what is signed are bytes.
///
/// # Errors
/// If a header is missing.
pub(super) fn verification(
    callback: &Callback<'_>,
    webhook_id: &str,
) -> Result<Vec<u8>, CallbackError> {
    let unreadable = |error: serde_json::Error| CallbackError::Unreadable(error.to_string());
    let event: &RawValue = serde_json::from_slice(callback.body).map_err(unreadable)?;
    let mut question = serde_json::Map::new();
    for (header, name) in SIGNED_WITH {
        question.insert(name.to_owned(), callback.header(header)?.into());
    }
    question.insert("webhook_id".to_owned(), webhook_id.into());
    let mut text = serde_json::to_string(&question).map_err(unreadable)?;
    // a member more, before the closing brace
    text.truncate(text.len() - 1);
    text.push_str(",\"webhook_event\":");
    text.push_str(event.get());
    text.push('}');
    Ok(text.into_bytes())
}

#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    verification_status: String,
}

impl Verdict {
    pub(super) fn is_success(&self) -> bool {
        self.verification_status == "SUCCESS"
    }
}

/// Whether a time is now, as far as clocks and PayPal's repetitions agree: it sends what was not taken for three days.
pub(super) fn is_recent(text: &str, now: DateTime<Utc>) -> bool {
    const REPEATED_FOR: chrono::Duration = chrono::Duration::days(3);
    let sent: Option<DateTime<Utc>> = text.parse().ok();
    sent.is_some_and(|sent| sent <= now + CLOCK_TOLERANCE && now - sent <= REPEATED_FOR)
}

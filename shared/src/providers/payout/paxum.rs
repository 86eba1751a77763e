//! Paxum's Payment API. **Not verified against the live service.** That requests are signed with HMAC-SHA256 in
//! hexadecimal digits over path and query is what its public description (Payment API 2.0.0) shows; the names of headers
//! and fields, the path of transfers, how a body is signed and how callbacks are signed are assumptions, all of them
//! constants and types of this file.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::answer::one_line;
use super::signed_api::{SignedApi, Sorted, body, no_answer, refused, sorted, unfit};
use super::signing::{is_recent, is_signed};
use super::{
    Asked, Callback, CallbackError, Destination, Instruction, InstructionId, OnUnknown,
    PayoutProvider, PayoutStatus, Refusal, Report, Submission, told,
};
use crate::providers::http::{Endpoint, Exchange, HttpClient, HttpLimits, Request};

/// Its words for where a transfer stands (assumed).
pub(super) const STATUS_WORDS: [(&str, PayoutStatus); 5] = [
    ("PENDING", PayoutStatus::Pending),
    ("COMPLETED", PayoutStatus::Completed),
    ("DECLINED", PayoutStatus::Failed),
    ("CANCELLED", PayoutStatus::Failed),
    ("REVERSED", PayoutStatus::Returned),
];

/// How Paxum is reached.
#[derive(Debug, Clone)]
pub struct PaxumOptions {
    /// Where.
    pub endpoint: Endpoint,
    /// The account that pays.
    pub account: String,
    /// Who we are.
    pub key: SecretString,
    /// Proves it.
    pub secret: SecretString,
    /// What an exchange may cost.
    pub limits: HttpLimits,
}

/// Pays accounts at Paxum.
#[derive(Debug)]
pub struct PaxumProvider {
    api: SignedApi,
    account: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewTransfer<'a> {
    external_id: &'a str,
    to_email: &'a str,
    amount: String,
    currency: &'a str,
    note: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transfer {
    external_id: String,
    transaction_id: String,
    status: String,
    amount: Option<String>,
    currency: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Transactions {
    transactions: Vec<Transfer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_id: String,
    transaction: Transfer,
}

/// Path and query, then the body.
fn signed_parts(_: &str, request: &Request) -> Vec<u8> {
    let mut parts = request.path.clone().into_bytes();
    parts.extend_from_slice(&request.body);
    parts
}

impl PaxumProvider {
    /// Pays from one account.
    pub fn new(options: PaxumOptions) -> Self {
        let http = HttpClient::new(options.endpoint, options.limits);
        Self {
            api: SignedApi::new(http, options.key, options.secret),
            account: options.account,
        }
    }

    fn path(&self, last: &str, query: &[(&str, &str)]) -> String {
        self.api
            .http
            .endpoint()
            .path(&["v2", "account", &self.account, last], query)
    }

    async fn transfer(&self, instruction: &Instruction, now: DateTime<Utc>) -> Submission {
        let payment = match instruction.payment() {
            Ok(payment) => payment,
            Err(refusal) => return refusal,
        };
        let Destination::Paxum(to) = &payment.to else {
            return unfit("Paxum pays to accounts at Paxum only");
        };
        let wanted = NewTransfer {
            external_id: instruction.id.as_str(),
            to_email: to.as_str(),
            amount: payment.amount.decimal(),
            currency: payment.amount.currency.code(),
            note: &payment.note,
        };
        let Ok(json) = serde_json::to_vec(&wanted) else {
            return unfit("the instruction has no JSON form");
        };
        let request = Request::post(self.path("transfers", &[]), "application/json", json);
        match sorted(self.api.call(request, signed_parts, now).await) {
            Sorted::Done(answer) => match body::<Transfer>(&answer) {
                Ok(made) if made.external_id == instruction.id.as_str() => Submission::Accepted {
                    reference: one_line(&made.transaction_id, 100),
                },
                Ok(_) => Submission::Unknown {
                    why: "the answer is about another id".into(),
                },
                Err(why) => Submission::Unknown { why },
            },
            Sorted::No(answer) => refused(&answer),
            Sorted::Ended(submission) => submission,
        }
    }

    async fn look_up(&self, id: &InstructionId, now: DateTime<Utc>) -> Asked {
        let path = self.path("transactions", &[("externalId", id.as_str())]);
        let exchange = self.api.call(Request::get(path), signed_parts, now).await;
        let answer = match &exchange {
            Exchange::Answered(answer) if answer.status == 200 => answer,
            Exchange::Answered(_) | Exchange::NotSent(_) | Exchange::Unknown(_) => {
                return Asked::NoAnswer {
                    why: no_answer(&exchange),
                };
            }
        };
        let found = body::<Transactions>(answer).and_then(|list| match list.transactions.len() {
            0 => Ok(None),
            1 => list
                .transactions
                .into_iter()
                .next()
                .map(|one| report(one, None))
                .transpose(),
            more => Err(format!("there are {more} transactions of this id")),
        });
        match found {
            Ok(None) => Asked::NeverSeen,
            Ok(Some(report)) if report.id == *id => Asked::Known(report),
            Ok(Some(_)) => Asked::NoAnswer {
                why: "the answer is about another id".into(),
            },
            Err(why) => Asked::NoAnswer { why },
        }
    }

    fn event(
        &self,
        callback: &Callback<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Report>, CallbackError> {
        callback.bounded()?;
        let timestamp = callback.header("x-timestamp")?;
        let signature = callback.header("x-signature")?;
        let parts: [&[u8]; 2] = [timestamp.as_bytes(), callback.body];
        if !is_signed(self.api.secret(), &parts, signature) || !is_recent(timestamp, now) {
            return Err(CallbackError::Forged);
        }
        let event: Event = serde_json::from_slice(callback.body)
            .map_err(|error| CallbackError::Unreadable(error.to_string()))?;
        let event_id = one_line(&event.event_id, 100);
        let report =
            report(event.transaction, Some(event_id)).map_err(CallbackError::Unreadable)?;
        Ok(vec![report])
    }
}

/// What a transfer tells; without an event of its own, each status is one.
fn report(found: Transfer, event_id: Option<String>) -> Result<Report, String> {
    let status = told::status(&STATUS_WORDS, &found.status)?;
    let id = told::id(&found.external_id)?;
    let amount = told::amount(found.amount.as_deref(), found.currency.as_deref())?;
    let went_wrong = matches!(status, PayoutStatus::Failed | PayoutStatus::Returned);
    Ok(Report {
        event_id: event_id.unwrap_or_else(|| format!("{id}:{}", found.status)),
        id,
        reference: Some(one_line(&found.transaction_id, 100)),
        status,
        amount,
        refusal: went_wrong
            .then(|| Refusal::new(&found.status, found.reason.as_deref().unwrap_or_default())),
        at: None,
    })
}

impl PayoutProvider for PaxumProvider {
    fn name(&self) -> &'static str {
        "paxum"
    }

    fn on_unknown(&self) -> OnUnknown {
        OnUnknown::Ask
    }

    fn submit<'a>(
        &'a self,
        instruction: &'a Instruction,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Submission> {
        Box::pin(self.transfer(instruction, now))
    }

    fn ask<'a>(
        &'a self,
        id: &'a InstructionId,
        _: Option<&'a str>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Asked> {
        Box::pin(self.look_up(id, now))
    }

    fn read_callback<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Report>, CallbackError>> {
        Box::pin(std::future::ready(self.event(callback, now)))
    }
}

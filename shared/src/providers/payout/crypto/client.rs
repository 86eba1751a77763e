//! A custody provider over HTTP. No vendor's interface stands behind this: it is our own, to be put in front of whichever is
//! chosen, and documented in `docs/payouts-providers.md`.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::super::answer::one_line;
use super::super::signed_api::{SignedApi, Sorted, body, no_answer, refused, sorted, unfit};
use super::super::signing::{is_recent, is_signed};
use super::super::{
    Asked, Callback, CallbackError, Destination, Instruction, InstructionId, OnUnknown,
    PayoutProvider, PayoutStatus, Refusal, Report, Submission, told,
};
use crate::providers::http::{Endpoint, Exchange, HttpClient, HttpLimits, Request};

/// Where withdrawals are.
pub(in super::super) const WITHDRAWALS: [&str; 2] = ["v1", "withdrawals"];
/// The provider's words for where a withdrawal stands. One counts as completed only once the chain confirmed it as often
/// as the provider asks for.
pub(in super::super) const STATUS_WORDS: [(&str, PayoutStatus); 6] = [
    ("pending", PayoutStatus::Pending),
    ("broadcast", PayoutStatus::Pending),
    ("confirming", PayoutStatus::Pending),
    ("completed", PayoutStatus::Completed),
    ("failed", PayoutStatus::Failed),
    ("cancelled", PayoutStatus::Failed),
];

/// How a custody provider is reached.
#[derive(Debug, Clone)]
pub struct CustodyOptions {
    /// Where.
    pub endpoint: Endpoint,
    /// Who we are.
    pub key: SecretString,
    /// Proves it, and proves the provider's callbacks.
    pub secret: SecretString,
    /// What an exchange may cost.
    pub limits: HttpLimits,
}

/// Instructs a custody provider, which keeps the keys.
#[derive(Debug)]
pub struct CustodyProvider {
    api: SignedApi,
}

#[derive(Serialize)]
struct NewWithdrawal<'a> {
    id: &'a str,
    asset: &'a str,
    network: &'a str,
    address: &'a str,
    /// What the payee is to get, worth this in that currency.
    amount: String,
    currency: &'a str,
    note: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Withdrawal {
    id: String,
    reference: String,
    status: String,
    amount: Option<String>,
    currency: Option<String>,
    code: Option<String>,
    message: Option<String>,
    at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_id: String,
    withdrawal: Withdrawal,
}

/// Time, method, path and body: a request is signed for one moment and one place.
fn signed_parts(timestamp: &str, request: &Request) -> Vec<u8> {
    let mut parts = format!("{timestamp}\n{}\n{}\n", request.method, request.path).into_bytes();
    parts.extend_from_slice(&request.body);
    parts
}

impl CustodyProvider {
    /// A provider at one address.
    pub fn new(options: CustodyOptions) -> Self {
        let http = HttpClient::new(options.endpoint, options.limits);
        Self {
            api: SignedApi::new(http, options.key, options.secret),
        }
    }

    async fn withdraw(&self, instruction: &Instruction, now: DateTime<Utc>) -> Submission {
        let payment = match instruction.payment() {
            Ok(payment) => payment,
            Err(refusal) => return refusal,
        };
        let Destination::Crypto(to) = &payment.to else {
            return unfit("a custody provider pays to addresses on chains only");
        };
        let wanted = NewWithdrawal {
            id: instruction.id.as_str(),
            asset: to.asset().as_str(),
            network: to.network().as_str(),
            address: to.address(),
            amount: payment.amount.decimal(),
            currency: payment.amount.currency.code(),
            note: &payment.note,
        };
        let Ok(json) = serde_json::to_vec(&wanted) else {
            return unfit("the instruction has no JSON form");
        };
        let path = self.api.http.endpoint().path(&WITHDRAWALS, &[]);
        let request = Request::post(path, "application/json", json)
            .header("idempotency-key", instruction.id.as_str());
        match sorted(self.api.call(request, signed_parts, now).await) {
            Sorted::Done(answer) => match body::<Withdrawal>(&answer) {
                Ok(made) if made.id == instruction.id.as_str() => Submission::Accepted {
                    reference: one_line(&made.reference, 100),
                },
                Ok(made) => Submission::Unknown {
                    why: format!("the answer is about another id: {}", one_line(&made.id, 40)),
                },
                Err(why) => Submission::Unknown { why },
            },
            Sorted::No(answer) => refused(&answer),
            Sorted::Ended(submission) => submission,
        }
    }

    async fn look_up(&self, id: &InstructionId, now: DateTime<Utc>) -> Asked {
        let path = self
            .api
            .http
            .endpoint()
            .path(&[WITHDRAWALS[0], WITHDRAWALS[1], id.as_str()], &[]);
        let exchange = self.api.call(Request::get(path), signed_parts, now).await;
        match &exchange {
            Exchange::Answered(answer) if answer.status == 200 => {
                let read = body::<Withdrawal>(answer).and_then(|found| report(found, None));
                match read {
                    Ok(report) if report.id == *id => Asked::Known(report),
                    Ok(_) => Asked::NoAnswer {
                        why: "the answer is about another id".into(),
                    },
                    Err(why) => Asked::NoAnswer { why },
                }
            }
            // only with the body that says so: an error page of something in between is no answer
            Exchange::Answered(answer)
                if answer.status == 404 && says(answer, "unknown_withdrawal") =>
            {
                Asked::NeverSeen
            }
            Exchange::Answered(_) | Exchange::NotSent(_) | Exchange::Unknown(_) => {
                Asked::NoAnswer {
                    why: no_answer(&exchange),
                }
            }
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
        let parts: [&[u8]; 3] = [timestamp.as_bytes(), b"\n", callback.body];
        if !is_signed(self.api.secret(), &parts, signature) || !is_recent(timestamp, now) {
            return Err(CallbackError::Forged);
        }
        let event: Event = serde_json::from_slice(callback.body)
            .map_err(|error| CallbackError::Unreadable(error.to_string()))?;
        let event_id = one_line(&event.event_id, 100);
        let report = report(event.withdrawal, Some(event_id)).map_err(CallbackError::Unreadable)?;
        Ok(vec![report])
    }
}

fn says(answer: &crate::providers::http::Answer, code: &str) -> bool {
    body::<super::super::signed_api::Said>(answer).is_ok_and(|said| said.code == code)
}

/// What a withdrawal tells; without an event of its own, each status is one.
fn report(found: Withdrawal, event_id: Option<String>) -> Result<Report, String> {
    let status = told::status(&STATUS_WORDS, &found.status)?;
    let id = told::id(&found.id)?;
    let amount = told::amount(found.amount.as_deref(), found.currency.as_deref())?;
    let failed = status == PayoutStatus::Failed;
    Ok(Report {
        event_id: event_id.unwrap_or_else(|| format!("{id}:{}", found.status)),
        id,
        reference: Some(one_line(&found.reference, 100)),
        status,
        amount,
        refusal: failed.then(|| {
            Refusal::new(
                found.code.as_deref().unwrap_or(&found.status),
                found.message.as_deref().unwrap_or_default(),
            )
        }),
        at: found.at,
    })
}

impl PayoutProvider for CustodyProvider {
    fn name(&self) -> &'static str {
        "custody"
    }

    fn on_unknown(&self) -> OnUnknown {
        OnUnknown::Ask
    }

    fn submit<'a>(
        &'a self,
        instruction: &'a Instruction,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Submission> {
        Box::pin(self.withdraw(instruction, now))
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

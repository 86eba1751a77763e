//! PayPal Payouts (`POST /v1/payments/payouts`, one item a batch), built from PayPal's public description of the interface.
//! **Not verified against the live service.**
//!
//! PayPal answers questions by its own batch id only, but refuses a `sender_batch_id` that it has seen within the last 30
//! days and then names the batch that has it. So a submission whose fate is unknown is cleared up by handing the same
//! instruction over again under the same id.

mod token;
mod wire;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::signed_api::{Sorted, body, no_answer, sorted, unfit};
use super::{
    Asked, Callback, CallbackError, Destination, Instruction, InstructionId, OnUnknown,
    PaymentOrder, PayoutProvider, Refusal, Report, Submission,
};
use crate::providers::http::{Answer, Endpoint, Exchange, HttpClient, HttpLimits, Request};
use token::Tokens;

/// How long PayPal refuses a `sender_batch_id` that it has seen.
const IDS_REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How PayPal is reached.
#[derive(Debug, Clone)]
pub struct PayPalOptions {
    /// Where; that of the sandbox is `https://api-m.sandbox.paypal.com`.
    pub endpoint: Endpoint,
    /// Who we are.
    pub client_id: SecretString,
    /// Proves it.
    pub client_secret: SecretString,
    /// Which of our webhooks PayPal signs for.
    pub webhook_id: String,
    /// What an exchange may cost.
    pub limits: HttpLimits,
}

/// Pays accounts at PayPal.
#[derive(Debug)]
pub struct PayPalProvider {
    http: HttpClient,
    tokens: Tokens,
    webhook_id: String,
}

impl PayPalProvider {
    /// Pays as one client.
    pub fn new(options: PayPalOptions) -> Self {
        Self {
            http: HttpClient::new(options.endpoint, options.limits),
            tokens: Tokens::new(options.client_id, options.client_secret),
            webhook_id: options.webhook_id,
        }
    }

    async fn pay(&self, instruction: &Instruction, now: DateTime<Utc>) -> Submission {
        let payment = match instruction.payment() {
            Ok(payment) => payment,
            Err(refusal) => return refusal,
        };
        let Destination::PayPal(to) = &payment.to else {
            return unfit("PayPal pays to accounts at PayPal only");
        };
        let Ok(json) = serde_json::to_vec(&wire::batch(&instruction.id, payment, to)) else {
            return unfit("the instruction has no JSON form");
        };
        let token = match self.tokens.get(&self.http, now).await {
            Ok(token) => token,
            Err(why) => {
                return Submission::NotSent {
                    why,
                    retry_after: None,
                };
            }
        };
        let path = self.http.endpoint().path(&wire::PAYOUTS, &[]);
        let request = Request::post(path, "application/json", json)
            .header("authorization", token)
            .header("paypal-request-id", instruction.id.as_str());
        let exchange = self.http.exchange(request).await;
        self.forget_token_if_refused(&exchange).await;
        match sorted(exchange) {
            Sorted::Done(answer) => accepted(&instruction.id, &answer),
            Sorted::No(answer) => self.refused(instruction, payment, &answer, now).await,
            Sorted::Ended(submission) => submission,
        }
    }

    /// What a refusal means: of an id that PayPal has, that it has it, if it is indeed the same payment.
    async fn refused(
        &self,
        instruction: &Instruction,
        payment: &PaymentOrder,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Submission {
        let said: wire::Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(batch) = said.existing_batch() else {
            return Submission::Refused {
                refusal: Refusal::new(&said.name_or(answer.status), &said.words(answer)),
                is_final: !said.is_passing(),
            };
        };
        match self.look_up(&instruction.id, &batch, now).await {
            Asked::Known(report) if report.amount == Some(payment.amount) => {
                Submission::Accepted { reference: batch }
            }
            Asked::Known(_) => Submission::Refused {
                refusal: Refusal::new("id-reused", "PayPal has another payment under this id"),
                is_final: true,
            },
            Asked::NeverSeen => Submission::Unknown {
                why: format!(
                    "PayPal says that batch {batch} has this id, and that the batch does not exist"
                ),
            },
            Asked::NoAnswer { why } => Submission::Unknown { why },
        }
    }

    async fn look_up(&self, id: &InstructionId, batch: &str, now: DateTime<Utc>) -> Asked {
        let token = match self.tokens.get(&self.http, now).await {
            Ok(token) => token,
            Err(why) => return Asked::NoAnswer { why },
        };
        let path = self.http.endpoint().path(
            &[wire::PAYOUTS[0], wire::PAYOUTS[1], wire::PAYOUTS[2], batch],
            &[],
        );
        let exchange = self
            .http
            .exchange(Request::get(path).header("authorization", token))
            .await;
        self.forget_token_if_refused(&exchange).await;
        match &exchange {
            Exchange::Answered(answer) if answer.status == 200 => {
                match body::<wire::Batch>(answer).and_then(|found| found.report(id)) {
                    Ok(report) => Asked::Known(report),
                    Err(why) => Asked::NoAnswer { why },
                }
            }
            Exchange::Answered(answer)
                if answer.status == 404
                    && body::<wire::Problem>(answer).is_ok_and(|said| said.is_unknown_batch()) =>
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

    /// PayPal itself is asked whether it signed a webhook: its certificates are then nobody's business here.
    async fn event(
        &self,
        callback: &Callback<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Report>, CallbackError> {
        callback.bounded()?;
        let event: wire::Event = serde_json::from_slice(callback.body)
            .map_err(|error| CallbackError::Unreadable(error.to_string()))?;
        let question = wire::verification(callback, &self.webhook_id)?;
        if !wire::is_recent(callback.header(wire::SENT_AT)?, now) {
            return Err(CallbackError::Forged);
        }
        let token = self
            .tokens
            .get(&self.http, now)
            .await
            .map_err(CallbackError::Unproven)?;
        let path = self.http.endpoint().path(&wire::VERIFICATION, &[]);
        let request =
            Request::post(path, "application/json", question).header("authorization", token);
        let exchange = self.http.exchange(request).await;
        self.forget_token_if_refused(&exchange).await;
        let answer = match &exchange {
            Exchange::Answered(answer) if answer.status == 200 => answer,
            Exchange::Answered(_) | Exchange::NotSent(_) | Exchange::Unknown(_) => {
                return Err(CallbackError::Unproven(no_answer(&exchange)));
            }
        };
        let verdict = body::<wire::Verdict>(answer).map_err(CallbackError::Unproven)?;
        if !verdict.is_success() {
            return Err(CallbackError::Forged);
        }
        event.reports().map_err(CallbackError::Unreadable)
    }

    async fn forget_token_if_refused(&self, exchange: &Exchange) {
        if matches!(exchange, Exchange::Answered(answer) if answer.status == 401) {
            self.tokens.forget().await;
        }
    }
}

/// What the answer to a new batch means.
fn accepted(id: &InstructionId, answer: &Answer) -> Submission {
    match body::<wire::Batch>(answer) {
        Ok(batch) if batch.is_of(id) => Submission::Accepted {
            reference: batch.id(),
        },
        Ok(_) => Submission::Unknown {
            why: "the answer is about another id".into(),
        },
        Err(why) => Submission::Unknown { why },
    }
}

impl PayoutProvider for PayPalProvider {
    fn name(&self) -> &'static str {
        "paypal"
    }

    fn on_unknown(&self) -> OnUnknown {
        OnUnknown::SubmitAgainWithSameId {
            within: IDS_REMEMBERED,
        }
    }

    fn submit<'a>(
        &'a self,
        instruction: &'a Instruction,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Submission> {
        Box::pin(self.pay(instruction, now))
    }

    fn ask<'a>(
        &'a self,
        id: &'a InstructionId,
        reference: Option<&'a str>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Asked> {
        Box::pin(async move {
            match reference {
                Some(batch) => self.look_up(id, batch, now).await,
                None => Asked::NoAnswer {
                    why: "PayPal answers questions by its own batch id only".into(),
                },
            }
        })
    }

    fn read_callback<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Report>, CallbackError>> {
        Box::pin(self.event(callback, now))
    }
}

//! A provider without a network, which remembers ids as a real one does and fails as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::signed_api::unfit;
use super::{
    Asked, Callback, CallbackError, Instruction, InstructionId, OnUnknown, Order, PayoutProvider,
    PayoutStatus, Refusal, Report, Submission,
};

/// What a fake's callbacks are signed with.
const SIGNATURE: &str = "fake";

/// How the next submission ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeAnswer {
    /// Refused for good.
    Refuse,
    /// Refused for the moment.
    RefuseForNow,
    /// Not reached.
    Unreachable,
    /// Lost on the way there: unknown, and not kept.
    LoseRequest,
    /// Lost on the way back: unknown, and kept.
    LoseAnswer,
}

#[derive(Debug, Clone)]
struct Kept {
    order: Order,
    reference: String,
    status: PayoutStatus,
}

/// Keeps what it accepts, each id once.
#[derive(Debug, Default)]
pub struct FakePayouts {
    kept: Mutex<BTreeMap<InstructionId, Kept>>,
    answers: Mutex<VecDeque<FakeAnswer>>,
    silent: Mutex<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FakeEvent {
    event_id: String,
    id: String,
    status: PayoutStatus,
}

impl FakePayouts {
    /// The next submission ends like this.
    pub fn answer(&self, answer: FakeAnswer) {
        lock(&self.answers).push_back(answer);
    }

    /// Whether questions get no answer from now on.
    pub fn be_silent(&self, silent: bool) {
        *lock(&self.silent) = silent;
    }

    /// What was accepted, each once, by id.
    pub fn accepted(&self) -> Vec<(InstructionId, Order)> {
        let kept = lock(&self.kept);
        kept.iter()
            .map(|(id, kept)| (id.clone(), kept.order.clone()))
            .collect()
    }

    /// From now on an instruction stands here; false if it was never accepted.
    pub fn set_status(&self, id: &InstructionId, status: PayoutStatus) -> bool {
        lock(&self.kept)
            .get_mut(id)
            .map(|kept| kept.status = status)
            .is_some()
    }

    /// A callback as this provider would send it: headers and body.
    ///
    /// # Panics
    /// If the event has no JSON form, which all have.
    pub fn callback(
        &self,
        event_id: &str,
        id: &InstructionId,
        status: PayoutStatus,
    ) -> (BTreeMap<String, String>, Vec<u8>) {
        let event = FakeEvent {
            event_id: event_id.to_owned(),
            id: id.to_string(),
            status,
        };
        let body = serde_json::to_vec(&event).expect("plain data");
        (
            BTreeMap::from([("x-signature".to_owned(), signature(&body))]),
            body,
        )
    }

    fn take(&self, instruction: &Instruction) -> Submission {
        if let Order::File(_) = instruction.order {
            return unfit("this takes no files");
        }
        let scripted = lock(&self.answers).pop_front();
        let lost = || Submission::Unknown {
            why: "as told".into(),
        };
        match scripted {
            Some(FakeAnswer::Refuse | FakeAnswer::RefuseForNow) => Submission::Refused {
                refusal: Refusal::new("as-told", "refused"),
                is_final: scripted == Some(FakeAnswer::Refuse),
            },
            Some(FakeAnswer::Unreachable) => Submission::NotSent {
                why: "as told".into(),
                retry_after: None,
            },
            Some(FakeAnswer::LoseRequest) => lost(),
            Some(FakeAnswer::LoseAnswer) => {
                self.keep(instruction);
                lost()
            }
            None => self.keep(instruction),
        }
    }

    fn keep(&self, instruction: &Instruction) -> Submission {
        let mut all = lock(&self.kept);
        let reference = format!("fake-{}", all.len() + 1);
        let kept = all.entry(instruction.id.clone()).or_insert_with(|| Kept {
            order: instruction.order.clone(),
            reference,
            status: PayoutStatus::Pending,
        });
        if kept.order == instruction.order {
            Submission::Accepted {
                reference: kept.reference.clone(),
            }
        } else {
            Submission::Refused {
                refusal: Refusal::new("id-reused", "another instruction has this id"),
                is_final: true,
            }
        }
    }

    fn look_up(&self, id: &InstructionId) -> Asked {
        if *lock(&self.silent) {
            return Asked::NoAnswer {
                why: "as told".into(),
            };
        }
        match lock(&self.kept).get(id) {
            Some(kept) => Asked::Known(report(
                format!("{id}:{}", kept.status),
                id,
                kept.status,
                Some(kept),
            )),
            None => Asked::NeverSeen,
        }
    }

    fn event(&self, callback: &Callback<'_>) -> Result<Vec<Report>, CallbackError> {
        callback.bounded()?;
        if callback.header("x-signature")? != signature(callback.body) {
            return Err(CallbackError::Forged);
        }
        let unreadable = |why: String| CallbackError::Unreadable(why);
        let event: FakeEvent =
            serde_json::from_slice(callback.body).map_err(|error| unreadable(error.to_string()))?;
        let id: InstructionId = event.id.parse().map_err(|_| unreadable("no id".into()))?;
        let kept = lock(&self.kept).get(&id).cloned();
        Ok(vec![report(
            event.event_id,
            &id,
            event.status,
            kept.as_ref(),
        )])
    }
}

fn report(
    event_id: String,
    id: &InstructionId,
    status: PayoutStatus,
    kept: Option<&Kept>,
) -> Report {
    let amount = kept.and_then(|kept| match &kept.order {
        Order::Payment(payment) => Some(payment.amount),
        Order::File(_) => None,
    });
    let went_wrong = matches!(status, PayoutStatus::Failed | PayoutStatus::Returned);
    Report {
        event_id,
        id: id.clone(),
        reference: kept.map(|kept| kept.reference.clone()),
        status,
        amount,
        refusal: went_wrong.then(|| Refusal::new("as-told", "")),
        at: None,
    }
}

fn signature(body: &[u8]) -> String {
    super::signing::sign(SIGNATURE.as_bytes(), &[body])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PayoutProvider for FakePayouts {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn on_unknown(&self) -> OnUnknown {
        OnUnknown::Ask
    }

    fn submit<'a>(
        &'a self,
        instruction: &'a Instruction,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Submission> {
        Box::pin(std::future::ready(self.take(instruction)))
    }

    fn ask<'a>(
        &'a self,
        id: &'a InstructionId,
        _: Option<&'a str>,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Asked> {
        Box::pin(std::future::ready(self.look_up(id)))
    }

    fn read_callback<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Report>, CallbackError>> {
        Box::pin(std::future::ready(self.event(callback)))
    }
}

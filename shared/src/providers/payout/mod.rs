//! Telling those who carry money to pay somebody.
//!
//! Money that was sent twice does not come back. So a provider never says just "error"; its answer to a
//! [submission](Submission) is sure of every ending but [`Submission::Unknown`], which must be cleared up the way the
//! provider's [`PayoutProvider::on_unknown`] says, and is never simply tried again. Every instruction has an id that the
//! client made before it first sent it; the same instruction always goes out under the same id.
//!
//! Nothing here was tried against a live service; `docs/payouts-providers.md` says what each client was built from.

mod answer;
mod callback;
#[cfg(test)]
mod contract;
pub mod crypto;
pub mod drop_folder;
#[cfg(any(test, feature = "testing"))]
mod fake;
pub mod files;
mod instruction;
pub mod paxum;
pub mod paypal;
mod signed_api;
mod signing;
#[cfg(any(test, feature = "testing"))]
pub mod test_servers;
mod told;

use std::fmt;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

pub use answer::{Asked, OnUnknown, PayoutStatus, Refusal, Report, Submission};
pub use callback::{CALLBACK_MAX_BYTES, Callback, CallbackError};
#[cfg(any(test, feature = "testing"))]
pub use fake::{FakeAnswer, FakePayouts};
pub use instruction::{
    Destination, INSTRUCTION_ID_MAX_CHARS, Instruction, InstructionId, InvalidInstructionId,
    NOTE_MAX_CHARS, Order, PaymentFile, PaymentOrder,
};

/// Somebody who carries money.
pub trait PayoutProvider: Send + Sync + fmt::Debug {
    /// Its name in records.
    fn name(&self) -> &'static str;

    /// What clears up a submission whose fate is unknown.
    fn on_unknown(&self) -> OnUnknown;

    /// Hands one instruction over. The same instruction under the same id is carried out once, however often it is handed
    /// over; another one under the same id is refused. Dropping the future before it ends leaves the outcome unknown.
    fn submit<'a>(
        &'a self,
        instruction: &'a Instruction,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Submission>;

    /// Asks what became of an instruction, by its own id and, if it is known, by the provider's reference. Asking moves no
    /// money.
    fn ask<'a>(
        &'a self,
        id: &'a InstructionId,
        reference: Option<&'a str>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Asked>;

    /// Reads what the provider sent by itself, if it is proven to come from it. The same event may come again, also as a
    /// replay by somebody else: who takes reports in does so once for each [`Report::event_id`].
    fn read_callback<'a>(
        &'a self,
        callback: &'a Callback<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Report>, CallbackError>>;
}

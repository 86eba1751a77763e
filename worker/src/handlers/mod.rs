//! One file a slice: each handler decodes nothing, decides nothing, and maps domain errors to retry, fail or snooze.

mod access;
mod campaigns;
mod creators;
mod fx;
mod money;
mod onboarding;
mod payouts;
mod privacy;
mod queue;
mod tasks;
mod tiers;
mod transfers;
mod verification;

use shared::kernel::{Classify, ErrorKind};
use shared::providers::email::Handover;
use shared::queue::{Done, Failure, Next, Outcome, fail, retry};

use crate::registry::Registry;

/// Every handler of the product.
pub fn all() -> Registry {
    [
        access::register,
        campaigns::register,
        creators::register,
        fx::register,
        money::register,
        onboarding::register,
        payouts::register,
        privacy::register,
        queue::register,
        tiers::register,
        tasks::register,
        transfers::register,
        verification::register,
    ]
    .into_iter()
    .fold(Registry::default(), |registry, add| add(registry))
}

/// What follows from a mail about somebody's own account that was handed over.
fn told(end: Handover) -> Outcome {
    match end {
        // it may have arrived; a second one would only confuse
        Handover::Accepted | Handover::Unknown { .. } => Ok(Done::NOTHING),
        Handover::Refused { reply, .. } => Err(Failure::told(Next::Fail, reply)),
        Handover::Deferred { reply } => Err(Failure::told(Next::Retry(None), reply)),
        Handover::Unreachable { why } => Err(Failure::told(Next::Retry(None), why)),
    }
}

/// What follows from a failure: what is gone or wrong will not mend itself, everything else may.
fn follow<E: Classify + 'static>(error: E) -> Failure {
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Forbidden => fail(error),
        ErrorKind::Conflict | ErrorKind::Stale | ErrorKind::Unavailable | ErrorKind::Internal => {
            retry(error)
        }
    }
}

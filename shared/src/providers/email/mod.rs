//! Handing mail over to whoever carries it to its mailbox.
//!
//! What follows from a failed hand-over depends on whether the message may have been accepted. So a provider never says
//! just "error"; it says which of the five endings it was, and is sure of every one but [`Handover::Unknown`].

#[cfg(test)]
mod contract;
#[cfg(any(test, feature = "testing"))]
mod fake;
mod plain;
mod reply;
mod session;
mod smtp;
#[cfg(test)]
mod test_server;

use std::fmt;

use futures_util::future::BoxFuture;

use crate::kernel::EmailAddress;

#[cfg(any(test, feature = "testing"))]
pub use fake::FakeEmail;
pub use plain::PlainMail;
pub use smtp::{InvalidSmtpUrl, SmtpOptions, SmtpProvider};

/// A message that is ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Where bounces go to.
    pub from: EmailAddress,
    /// Whom it is for.
    pub to: EmailAddress,
    /// The whole message: headers and body in ASCII, lines ended by CR LF (RFC 5322).
    pub message: String,
}

/// How handing one message over ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handover {
    /// The other side took responsibility for it.
    Accepted,
    /// The other side does not want this message now; it was not accepted. Try again later.
    Deferred {
        /// What it said.
        reply: String,
    },
    /// The other side will never take this message.
    Refused {
        /// What it said.
        reply: String,
        /// Whether it said that there is no such mailbox, so that writing there again would harm.
        dead_mailbox: bool,
    },
    /// The other side could not be talked to at all, or refuses us and not this message; it was not accepted.
    Unreachable {
        /// What went wrong.
        why: String,
    },
    /// The message was handed over and no answer came: it may have been accepted, or not.
    Unknown {
        /// What went wrong.
        why: String,
    },
}

/// Somebody who carries mail.
pub trait EmailProvider: Send + Sync + fmt::Debug {
    /// Messages that can be handed over at the same time; more wait.
    fn sessions(&self) -> usize;

    /// Hands one message over. Dropping the future before it ends leaves the outcome unknown.
    fn hand_over<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Handover>;
}

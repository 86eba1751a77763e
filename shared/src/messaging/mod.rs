//! Messages: from what somebody wrote to what a mail server gets, and who must not be written to.
//!
//! Promises: nothing that a recipient or an author wrote becomes a header, markup or a program; a link in a mail stops
//! the mails without a login; no more leaves at once, or in a second, than is allowed.
//! Owns: `suppressions`, `suppressed_digests`. Emits: nothing. Calls: `creators`, `providers`.

mod compose;
mod digests;
mod error;
mod layout;
mod links;
mod mailer;
mod notices;
mod rate;
mod service;
mod store;
mod template;

pub use compose::{Identity, MarketingMail};
pub use digests::AddressDigests;
pub use error::{MessagingError, RenderError};
pub use links::{Unsubscribe, UnsubscribeLinks};
pub use mailer::{Mailer, Slot, Slots};
pub use notices::suspension_notice;
pub use rate::RateLimit;
pub use service::{
    DeadMailbox, Subscription, subscription, suppress, suppress_for_good, unsubscribe,
};
pub use template::{
    Action, Content, CustomValue, MESSAGE_MAX_CHARS, MessageTemplate, Rendered, SUBJECT_MAX_CHARS,
    UsedField, VARIABLES, Variables,
};

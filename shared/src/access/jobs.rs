//! The mail by which somebody sets a password.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::words;
use crate::queue::{Job, Policy, Priority};

words!(
    /// Why somebody sets a password.
    MailPurpose {
        /// They forgot theirs.
        Reset => "reset",
        /// Their account is new.
        Welcome => "welcome",
    }
);

/// Sends a mail with a link to set a password, if the address is that of somebody who may log in.
///
/// The job looks the account up, not whoever enqueued it, so that asking takes as long whether there is one or not. The
/// link's token is made when the mail is: no token stands in the queue.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendPasswordMail {
    /// The address, sealed; Base64.
    pub sealed_email: String,
    /// `reset` or `welcome`.
    #[schemars(with = "String")]
    pub purpose: MailPurpose,
}

impl Job for SendPasswordMail {
    const KIND: &'static str = "access.password_mail";
    const QUEUE: &'static str = "access";
    const DESCRIPTION: &'static str =
        "Sends the link by which somebody sets a password, if there is such an account.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        max_attempts: 5,
        ..Policy::DEFAULT
    };
}

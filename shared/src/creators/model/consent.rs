//! What creators agreed to.

use chrono::{DateTime, Utc};

use crate::kernel::words;

words!(
    /// A way to reach a creator, consented to by itself.
    Channel {
        /// E-mail.
        Email => "email",
        /// Text message.
        Sms => "sms",
    }
);

words!(
    /// What a creator said about a channel.
    ConsentState {
        /// Yes.
        Granted => "granted",
        /// No longer.
        Withdrawn => "withdrawn",
    }
);

/// A consent or withdrawal about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// About which channel.
    pub channel: Channel,
    /// Yes or no longer.
    pub state: ConsentState,
    /// How it reached us.
    pub source: String,
    /// What can be shown for it.
    pub proof: Option<String>,
}

/// A recorded consent or withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// About which channel.
    pub channel: Channel,
    /// Yes or no longer.
    pub state: ConsentState,
    /// How it reached us.
    pub source: String,
    /// What can be shown for it.
    pub proof: Option<String>,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// A recorded consent or withdrawal with what it was about and who recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentEntry {
    /// What was said.
    pub consent: Consent,
    /// The address or number as it was then, normalised; none where that was not kept.
    pub contact: Option<String>,
    /// Who recorded it.
    pub recorded_by: String,
}

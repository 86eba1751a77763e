//! Creators and the words that describe them; pure.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::kernel::{EmailAddress, FieldError, typed_id, words};

typed_id!(
    /// Names one creator on one cluster.
    CreatorId,
    "creator"
);

words!(
    /// Where a creator stands.
    CreatorStatus {
        /// Identity not proven yet.
        PendingVerification => "pending_verification",
        /// Waits for a person's decision.
        PendingReview => "pending_review",
        /// May create and earn.
        Active => "active",
        /// Has not been seen for long.
        Inactive => "inactive",
        /// May not act for a while.
        Suspended => "suspended",
        /// May never act again.
        Banned => "banned",
        /// Has left.
        Churned => "churned",
    }
);

impl CreatorStatus {
    /// Whether marketing may address creators of this status at all.
    pub const fn may_be_addressed(self) -> bool {
        match self {
            Self::PendingVerification
            | Self::PendingReview
            | Self::Active
            | Self::Inactive
            | Self::Churned => true,
            Self::Suspended | Self::Banned => false,
        }
    }
}

words!(
    /// How far a creator has come, by earnings.
    Tier {
        /// In the first 30 days.
        Newcomer => "newcomer",
        /// Below 1,000 a month.
        Emerging => "emerging",
        /// From 1,000 a month.
        Rising => "rising",
        /// From 5,000 a month.
        Established => "established",
        /// From 25,000 a month.
        Star => "star",
        /// From 100,000 a month.
        Superstar => "superstar",
        /// The top 0.1 %.
        Legend => "legend",
    }
);

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

words!(
    /// What a block keeps a creator from.
    BlockedThing {
        /// Being written to.
        Mail => "mail",
        /// Being paid.
        Payout => "payout",
        /// Being made active again.
        Reactivation => "reactivation",
    }
);

/// A platform of the ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The short name it is known by (`girlfanz`).
    pub id: String,
    /// The name people read.
    pub name: String,
    /// Whether it shows adult content.
    pub adult: bool,
    /// Whether its age gate is stricter than the law asks for.
    pub enhanced_gating: bool,
}

/// A name on a cluster: 3 to 30 letters, digits, dots, dashes or underscores of ASCII, so that no two look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// The text is no username.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use 3 to 30 letters (a-z), digits, dots, dashes or underscores, beginning with a letter or digit"
)]
pub struct InvalidUsername;

impl Username {
    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which two spellings are the same name.
    pub fn normalised(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Username {
    type Err = InvalidUsername;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let begins_well = text
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric());
        if (3..=30).contains(&text.len()) && begins_well && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUsername)
        }
    }
}

/// A telephone number in E.164 form: `+` and 7 to 15 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

/// The text is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use the international form: + and 7 to 15 digits, such as +15550100123")]
pub struct InvalidPhone;

impl Phone {
    /// The number, `+` first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = InvalidPhone;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // people write spaces, dashes, dots and brackets between the digits
        let plain: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
            .collect();
        let digits = plain.strip_prefix('+').ok_or(InvalidPhone)?;
        let numeric = digits.bytes().all(|b| b.is_ascii_digit());
        if numeric && (7..=15).contains(&digits.len()) && !digits.starts_with('0') {
            Ok(Self(plain))
        } else {
            Err(InvalidPhone)
        }
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is needed to register a creator.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCreator {
    /// Where they can be written to.
    pub email: EmailAddress,
    /// Their name on the cluster.
    pub username: Username,
    /// The cluster.
    pub cluster: String,
    /// Where they can be called.
    pub phone: Option<Phone>,
    /// The name others read.
    pub display_name: Option<String>,
    /// The name they are addressed by.
    pub first_name: Option<String>,
    /// Where their clock stands.
    pub time_zone: Option<chrono_tz::Tz>,
    /// What they agreed to while signing up.
    pub consents: Vec<NewConsent>,
}

/// Characters in a display or first name at the most.
const NAME_MAX_CHARS: usize = 100;

impl NewCreator {
    /// Checks what types cannot: names are 1 to 100 characters, without line breaks, which would end a mail's header.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let names = [
            ("/displayName", &self.display_name),
            ("/firstName", &self.first_name),
        ];
        let wrong: Vec<FieldError> = names
            .into_iter()
            .filter(|(_, name)| name.as_deref().is_some_and(|name| !is_name(name)))
            .map(|(field, _)| {
                FieldError::new(
                    field,
                    "use 1 to 100 characters, without line breaks or control characters",
                )
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= NAME_MAX_CHARS
        && !text.chars().any(char::is_control)
}

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

/// A standing reason not to do something with a creator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The slice that set it.
    pub source: String,
    /// Why.
    pub reason: String,
    /// What it keeps them from.
    pub blocks: Vec<BlockedThing>,
    /// Since when.
    pub starts_at: DateTime<Utc>,
    /// Until when; none until somebody lifts it.
    pub ends_at: Option<DateTime<Utc>>,
}

/// A creator as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Creator {
    /// Who.
    pub id: CreatorId,
    /// Where.
    pub cluster: String,
    /// Their address.
    pub email: String,
    /// Their name on the cluster.
    pub username: String,
    /// Their number.
    pub phone: Option<String>,
    /// The name others read.
    pub display_name: Option<String>,
    /// The name they are addressed by.
    pub first_name: Option<String>,
    /// Where they stand.
    pub status: CreatorStatus,
    /// How far they have come.
    pub tier: Tier,
    /// Where their clock stands, as an IANA name.
    pub time_zone: Option<String>,
    /// Since when we know them.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one_or_refused() {
        let name: Username = "Test.Creator".parse().expect("a username");
        assert_eq!(name.normalised(), "test.creator");
        for wrong in ["ab", "-abc", "tëst", "a b c", "x\r\ny", &"a".repeat(31)] {
            assert_eq!(wrong.parse::<Username>(), Err(InvalidUsername), "{wrong:?}");
        }
    }

    #[test]
    fn a_number_is_kept_in_its_international_form() {
        assert_eq!(
            "+1 (555) 010-0123"
                .parse::<Phone>()
                .expect("a number")
                .as_str(),
            "+15550100123"
        );
        for wrong in [
            "5550100",
            "+0123456789",
            "+12",
            "+1555010012345678",
            "+1555x",
        ] {
            assert_eq!(wrong.parse::<Phone>(), Err(InvalidPhone), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_with_a_line_break_is_refused_by_its_field() {
        let creator = NewCreator {
            email: "a@b.example".parse().expect("an address"),
            username: "abc".parse().expect("a username"),
            cluster: "girlfanz".into(),
            phone: None,
            display_name: Some("Ada".into()),
            first_name: Some("Ada\r\nBcc: x@y.example".into()),
            time_zone: None,
            consents: Vec::new(),
        };
        let wrong = creator.check().expect_err("a line break in a name");
        assert_eq!(
            wrong
                .iter()
                .map(|field| field.field.as_ref())
                .collect::<Vec<_>>(),
            ["/firstName"]
        );
    }
}

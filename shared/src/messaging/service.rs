//! Stopping mails: by the recipient's wish, and because a mailbox is dead.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{AddressDigests, MessagingError, Unsubscribe, store};
use crate::creators::{self, Channel, ConsentState, NewConsent};
use crate::kernel::{Ctx, EmailAddress};

/// What a recipient who follows a link is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The cluster whose mails it is about.
    pub cluster: String,
    /// Whether they get mails now.
    pub active: bool,
}

/// What a link is about; changes nothing.
///
/// # Errors
/// If the creator is not there any more.
pub async fn subscription(
    conn: &mut PgConnection,
    link: Unsubscribe,
) -> Result<Subscription, MessagingError> {
    let creator = creators::get(conn, link.creator).await?;
    let cluster = store::cluster_name(conn, &creator.cluster).await?;
    Ok(Subscription {
        cluster,
        active: has_consent(conn, link).await?,
    })
}

/// Withdraws the creator's consent to e-mail. Doing so again changes nothing.
///
/// # Errors
/// If the creator is not there any more.
pub async fn unsubscribe(
    conn: &mut PgConnection,
    ctx: &Ctx,
    link: Unsubscribe,
) -> Result<(), MessagingError> {
    if !has_consent(conn, link).await? {
        return Ok(());
    }
    let withdrawal = NewConsent {
        channel: Channel::Email,
        state: ConsentState::Withdrawn,
        source: "unsubscribe_link".into(),
        proof: Some(format!("delivery_{}", link.delivery.simple())),
    };
    Ok(creators::record_consent(conn, ctx, link.creator, withdrawal).await?)
}

async fn has_consent(conn: &mut PgConnection, link: Unsubscribe) -> Result<bool, MessagingError> {
    let consents = creators::consents(conn, link.creator).await?;
    Ok(consents
        .iter()
        .any(|consent| consent.channel == Channel::Email && consent.state == ConsentState::Granted))
}

/// A mailbox that does not exist, by the word of its own server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadMailbox {
    /// The address.
    pub address: EmailAddress,
    /// What the server said.
    pub reply: String,
}

/// Notes dead mailboxes, so that nothing is sent there again.
///
/// # Errors
/// If the database refuses.
pub async fn suppress(
    conn: &mut PgConnection,
    dead: &[DeadMailbox],
    now: DateTime<Utc>,
) -> Result<(), MessagingError> {
    if dead.is_empty() {
        return Ok(());
    }
    Ok(store::suppress(conn, dead, now).await?)
}

/// Keeps addresses and numbers, normalised, from being written to for good, known by their digests only.
///
/// # Errors
/// If the database refuses.
pub async fn suppress_for_good(
    conn: &mut PgConnection,
    digests: &AddressDigests,
    emails: &[String],
    phones: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    for (channel, addresses) in [(Channel::Email, emails), (Channel::Sms, phones)] {
        let digests: Vec<Vec<u8>> = addresses
            .iter()
            .map(|address| digests.of(channel, address).to_vec())
            .collect();
        store::suppress_digests(conn, channel, addresses, &digests, now).await?;
    }
    Ok(())
}

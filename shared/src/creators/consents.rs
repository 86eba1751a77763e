//! What creators agreed to, word by word.

use sqlx::PgConnection;

use super::store::{self, history::Place};
use super::{
    Channel, ConsentEntry, ConsentState, CreatorError, CreatorId, NewConsent, record_consent,
    within_reach,
};
use crate::kernel::{Ctx, Cursor, FieldError, Page, PageRequest};

/// Records what a creator said about a channel, for the address or number they have now.
///
/// # Errors
/// If there is no such creator within the caller's reach, or they agree to a channel that does not lead to them.
pub async fn say(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    consent: NewConsent,
) -> Result<(), CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    let nowhere = consent.channel == Channel::Sms && creator.phone.is_none();
    if nowhere && consent.state == ConsentState::Granted {
        let remedy = "the creator has no phone number to agree about; add it first";
        return Err(CreatorError::Invalid(vec![FieldError::new(
            "/channel", remedy,
        )]));
    }
    record_consent(conn, ctx, creator.id, consent).await
}

/// Everything a creator said about being written to, the latest first.
///
/// # Errors
/// If there is no such creator within the caller's reach, or the cursor is not ours.
pub async fn consent_history(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    page: &PageRequest,
) -> Result<Page<ConsentEntry>, CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    let after: Option<Place> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::consents::history(conn, creator.id, after, limit + 1).await?;
    let page = Page::of(rows, limit, |(id, entry)| (entry.consent.recorded_at, *id));
    Ok(Page {
        items: page.items.into_iter().map(|(_, entry)| entry).collect(),
        next: page.next,
    })
}

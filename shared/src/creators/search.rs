//! Finding creators.

use serde_json::json;
use sqlx::PgConnection;

use super::store::search::{self, Place};
use super::{CreatorError, CreatorFilter, CreatorSummary, Sort};
use crate::access::Permission;
use crate::audit::{self, Entry, Subject};
use crate::kernel::{Ctx, InvalidCursor, Page, PageRequest};

/// Creators that match, a page at a time. Only those within the caller's reach. E-mail addresses are looked at only for
/// those who may reveal them and only if the text has an `@`; such a search is recorded like a reveal, and so is one by
/// legal name.
///
/// # Errors
/// If a field of the filter is wrong, the caller may not search by legal name, the cursor is not of this list, or the
/// search would look at too much.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    filter: &CreatorFilter,
    sort: Sort,
    page: &PageRequest,
) -> Result<Page<CreatorSummary>, CreatorError> {
    filter.check().map_err(CreatorError::Invalid)?;
    if filter.legal_name.is_some() {
        allow_legal_name(conn, ctx).await?;
    }
    let by_email = by_address(ctx, filter);
    if by_email {
        record_address_search(conn, ctx).await?;
    }
    let after = place(sort, page)?;
    let limit = page.limit();
    let wanted = search::Wanted {
        filter,
        sort,
        reach: ctx.actor.reach(),
        by_email,
    };
    search::bound(conn).await?;
    let rows = search::page(conn, wanted, after, limit + 1)
        .await
        .map_err(too_broad)?;
    Ok(Page::of(rows, limit, |row| {
        (sort.to_string(), Place::of(sort.key, row))
    }))
}

/// Where the page begins.
fn place(sort: Sort, page: &PageRequest) -> Result<Option<Place>, CreatorError> {
    let Some(cursor) = &page.cursor else {
        return Ok(None);
    };
    let (of, place): (String, Place) = cursor.decode()?;
    if of == sort.to_string() {
        Ok(Some(place))
    } else {
        Err(InvalidCursor.into())
    }
}

/// Whether this looks at addresses: it asks for one, and the caller may reveal them.
///
/// Names are looked for without them, so that a part of an address cannot be tried out unseen: who finds somebody by one
/// has been told it.
pub fn by_address(ctx: &Ctx, filter: &CreatorFilter) -> bool {
    filter.asks_for_address() && Permission::RevealContact.granted_to(&ctx.actor)
}

/// Puts a search by address into the trail; what was looked for stays out of it, as it is personal data itself.
///
/// # Errors
/// If the database refuses.
pub async fn record_address_search(conn: &mut PgConnection, ctx: &Ctx) -> Result<(), CreatorError> {
    let subject = Subject::named("creators", "all");
    let entry = Entry::new("creator.search_address", subject).after(json!({}));
    Ok(audit::record(conn, ctx, entry).await?)
}

async fn allow_legal_name(conn: &mut PgConnection, ctx: &Ctx) -> Result<(), CreatorError> {
    if !Permission::RevealIdentity.granted_to(&ctx.actor) {
        return Err(CreatorError::Lacking(Permission::RevealIdentity));
    }
    let subject = Subject::named("creators", "all");
    let entry = Entry::new("creator.search_legal_name", subject).after(json!({}));
    Ok(audit::record(conn, ctx, entry).await?)
}

/// SQLSTATE of a statement that was ended for taking too long.
const QUERY_CANCELED: &str = "57014";

pub(super) fn too_broad(error: sqlx::Error) -> CreatorError {
    let canceled = error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| code == QUERY_CANCELED);
    if canceled {
        CreatorError::TooBroad
    } else {
        CreatorError::Db(error)
    }
}

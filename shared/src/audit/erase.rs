//! Removing people's data from beside the chain.

use sqlx::PgConnection;

use super::{Subject, store};

/// Removes what entries hold about a person: reasons, addresses, and where they asked from. The chain still holds, and
/// still tells that something was done, when and by whom (by id). Answers how many entries were concerned; the caller
/// records the erasure itself.
///
/// # Errors
/// If the database refuses.
pub async fn erase_personal(conn: &mut PgConnection, person: &Subject) -> sqlx::Result<u64> {
    store::erase(conn, &person.about()).await
}

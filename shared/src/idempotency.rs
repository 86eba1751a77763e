//! Idempotency keys: the same request said twice has its effect once, and the same answer.
//!
//! Promises: the key is written in the transaction of the effect, so there is no effect without it and no key without an
//! effect; a second request waits for the first one to end. Owns: `idempotency_keys`. Calls: nobody.

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use thiserror::Error;

use crate::kernel::{Classify, Ctx, ErrorKind};

/// Characters of a key at the most.
pub const KEY_MAX_CHARS: usize = 200;
/// Keys that are over and are removed with each new one.
const PURGE_CHUNK: i64 = 100;

/// A request that names a key.
#[derive(Debug, Clone)]
pub struct KeyedRequest {
    /// Method and route.
    pub scope: &'static str,
    /// What the client chose.
    pub key: String,
    hash: Vec<u8>,
}

impl KeyedRequest {
    /// A request to `scope` with this body.
    pub fn new(scope: &'static str, key: String, body: &[u8]) -> Self {
        Self {
            scope,
            key,
            hash: Sha256::digest(body).to_vec(),
        }
    }
}

/// The answer that a request was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Where the result is.
    pub location: Option<String>,
    /// The body, as JSON text.
    pub body: String,
}

/// Why a key was refused.
#[derive(Debug, Error)]
pub enum IdempotencyError {
    /// The same key came with another body.
    #[error("this Idempotency-Key was used for another request; take a new one")]
    Reused,
    /// The database refused.
    #[error("the key could not be stored")]
    Db(#[from] sqlx::Error),
}

impl Classify for IdempotencyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reused => ErrorKind::Invalid,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Reused => "idempotency-key-reused",
            Self::Db(error) => error.code(),
        }
    }
}

/// The answer that this request was given before; none if it is new, and then it is for the caller to act and to
/// [`remember`] the answer in the same transaction. Keys are kept for a day, for each actor by itself.
///
/// # Errors
/// If the key was used for another request, or the database refuses.
pub async fn seen(
    conn: &mut PgConnection,
    ctx: &Ctx,
    request: &KeyedRequest,
) -> Result<Option<Answer>, IdempotencyError> {
    let actor = ctx.actor.to_string();
    sqlx::query!(
        "delete from idempotency_keys where ctid in (
             select ctid from idempotency_keys where created_at < now() - interval '1 day' limit $1 for update skip locked)",
        PURGE_CHUNK,
    )
    .execute(&mut *conn)
    .await?;
    // a request with the same key that is under way holds the row: this waits until it has ended
    let new = sqlx::query!(
        "insert into idempotency_keys (actor, scope, key, request_hash) values ($1, $2, $3, $4) on conflict do nothing",
        actor,
        request.scope,
        request.key,
        request.hash,
    )
    .execute(&mut *conn)
    .await?;
    if new.rows_affected() == 1 {
        return Ok(None);
    }
    let old = sqlx::query!(
        r#"select request_hash, status as "status!", location, body as "body!" from idempotency_keys
           where actor = $1 and scope = $2 and key = $3"#,
        actor,
        request.scope,
        request.key,
    )
    .fetch_one(conn)
    .await?;
    if old.request_hash != request.hash {
        return Err(IdempotencyError::Reused);
    }
    Ok(Some(Answer {
        status: old.status.unsigned_abs(),
        location: old.location,
        body: old.body,
    }))
}

/// Keeps the answer for those who ask again.
///
/// # Errors
/// If the database refuses.
pub async fn remember(
    conn: &mut PgConnection,
    ctx: &Ctx,
    request: &KeyedRequest,
    answer: &Answer,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update idempotency_keys set status = $4, location = $5, body = $6 where actor = $1 and scope = $2 and key = $3",
        ctx.actor.to_string(),
        request.scope,
        request.key,
        i16::try_from(answer.status).unwrap_or(0),
        answer.location,
        answer.body,
    )
    .execute(conn)
    .await
    .map(drop)
}

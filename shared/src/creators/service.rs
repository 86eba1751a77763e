//! What can be done with creators.

use sqlx::PgConnection;

use super::{Cluster, Consent, Creator, CreatorError, CreatorId, NewConsent, NewCreator, store};
use crate::kernel::{Ctx, RequestKey};

/// A creator, and whether this request made it or an earlier one under the same key.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The creator.
    pub creator: Creator,
    /// Whether an earlier request with the same key and body had made it.
    pub replayed: bool,
}

/// Registers a creator with its first consents.
///
/// # Errors
/// If a field breaks a rule, the cluster is unknown, the address or name is taken there, or the key was used for
/// another request.
pub async fn register(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreator,
    key: Option<&RequestKey>,
) -> Result<Registered, CreatorError> {
    new.check().map_err(CreatorError::Invalid)?;
    if !store::cluster_exists(conn, &new.cluster).await? {
        return Err(CreatorError::UnknownCluster(new.cluster.clone()));
    }
    let Some(id) = store::insert(conn, ctx, new, key).await? else {
        return standing(conn, new, key).await;
    };
    store::insert_consents(conn, ctx, id, &new.consents).await?;
    Ok(Registered {
        creator: get(conn, id).await?,
        replayed: false,
    })
}

/// Tells why a creator could not be stored: it is there already, by the same request or by another.
async fn standing(
    conn: &mut PgConnection,
    new: &NewCreator,
    key: Option<&RequestKey>,
) -> Result<Registered, CreatorError> {
    if let Some(key) = key
        && let Some((id, hash)) = store::by_request_key(conn, key.as_str()).await?
    {
        if !key.asked_the_same(hash.as_deref()) {
            return Err(CreatorError::KeyReused);
        }
        return Ok(Registered {
            creator: get(conn, id).await?,
            replayed: true,
        });
    }
    if store::email_taken(conn, &new.cluster, &new.email.normalised()).await? {
        return Err(CreatorError::EmailTaken);
    }
    Err(CreatorError::UsernameTaken)
}

/// One creator.
///
/// # Errors
/// If there is none with this id.
pub async fn get(conn: &mut PgConnection, id: CreatorId) -> Result<Creator, CreatorError> {
    store::get(conn, id)
        .await?
        .ok_or(CreatorError::NotFound(id))
}

/// What the creator said last about each channel; channels never spoken of are absent.
///
/// # Errors
/// If the database cannot be read.
pub async fn consents(
    conn: &mut PgConnection,
    id: CreatorId,
) -> Result<Vec<Consent>, CreatorError> {
    Ok(store::latest_consents(conn, id).await?)
}

/// Records a consent or withdrawal. Saying the same again is kept as well: each has its own proof.
///
/// # Errors
/// If there is no such creator.
pub async fn record_consent(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    consent: NewConsent,
) -> Result<(), CreatorError> {
    get(conn, id).await?;
    Ok(store::insert_consents(conn, ctx, id, &[consent]).await?)
}

/// All clusters, by id.
///
/// # Errors
/// If the database cannot be read.
pub async fn clusters(conn: &mut PgConnection) -> Result<Vec<Cluster>, CreatorError> {
    Ok(store::clusters(conn).await?)
}

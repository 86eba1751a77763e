//! What can be done with creators.

use serde_json::json;
use sqlx::PgConnection;

use super::{Cluster, Consent, Creator, CreatorError, CreatorId, NewConsent, NewCreator, store};
use crate::audit::{self, Entry};
use crate::kernel::Ctx;

/// Registers a creator with its first consents.
///
/// # Errors
/// If a field breaks a rule, the cluster is unknown, or the address or name is taken there.
pub async fn register(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreator,
) -> Result<Creator, CreatorError> {
    new.check().map_err(CreatorError::Invalid)?;
    if !store::cluster_exists(conn, &new.cluster).await? {
        return Err(CreatorError::UnknownCluster(new.cluster.clone()));
    }
    let Some(id) = store::insert(conn, ctx, new).await? else {
        let email = new.email.normalised();
        return Err(if store::email_taken(conn, &new.cluster, &email).await? {
            CreatorError::EmailTaken
        } else {
            CreatorError::UsernameTaken
        });
    };
    store::insert_consents(conn, ctx, id, &new.consents).await?;
    let entry = Entry::new("creator.register", id)
        .after(json!({ "clusterId": new.cluster }))
        .personal(json!({ "email": new.email.as_str(), "username": new.username.as_str() }));
    let consents = new.consents.iter().map(|consent| consented(id, consent));
    let entries = std::iter::once(entry).chain(consents).collect();
    audit::record_all(conn, ctx, entries).await?;
    get(conn, id).await
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
    audit::record(conn, ctx, consented(id, &consent)).await?;
    Ok(store::insert_consents(conn, ctx, id, &[consent]).await?)
}

fn consented(id: CreatorId, consent: &NewConsent) -> Entry {
    Entry::new("creator.consent", id).after(json!({
        "channel": consent.channel,
        "state": consent.state,
        "source": consent.source,
    }))
}

/// All clusters, by id.
///
/// # Errors
/// If the database cannot be read.
pub async fn clusters(conn: &mut PgConnection) -> Result<Vec<Cluster>, CreatorError> {
    Ok(store::clusters(conn).await?)
}

//! Two creators, or two people, that turn out to be one.

use sqlx::PgConnection;

use super::edit::locked;
use super::model::is_name;
use super::status::check_reason;
use super::store::{self, merge};
use super::{
    ALIASES_MAX, AgeVerdict, Channel, ConsentState, Creator, CreatorError, CreatorId,
    CreatorStatus, NewConsent, Person, PersonId, get, known_person, people, person, record_consent,
    within_reach,
};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, FieldError, TypedId};
use crate::reactions;

/// Candidates of each kind that are looked at at the most.
const CANDIDATES_MAX: i64 = 50;

crate::kernel::words!(
    /// Why two creators may be one.
    Likeness {
        /// Legal name and birth date are the same.
        Identity => "identity",
        /// The e-mail address is the same.
        Email => "email",
        /// The number is the same.
        Phone => "phone",
        /// They are, or were, paid to the same account.
        PayoutDestination => "payout_destination",
    }
);

/// A creator that may be the same as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Who.
    pub id: CreatorId,
    /// Where.
    pub cluster: String,
    /// Their name there.
    pub username: String,
    /// Where they stand there.
    pub status: CreatorStatus,
    /// Whether we know already that it is the same person.
    pub same_person: bool,
    /// What is alike.
    pub likeness: Vec<Likeness>,
}

/// Creators that may be the same as this one, within the caller's reach.
///
/// # Errors
/// If there is no such creator.
pub async fn duplicates(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Vec<Duplicate>, CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    let mut found = merge::alike(conn, &creator, CANDIDATES_MAX).await?;
    found.retain(|duplicate| ctx.actor.reach().covers_cluster(&duplicate.cluster));
    Ok(found)
}

/// Merges a creator into another one of its cluster, which keeps its address and username: history, consents, blocks,
/// deliveries and earnings follow, and the id of the one leads to the other from now on. Doing so again changes nothing.
///
/// # Errors
/// If the reason is not acceptable, one of them is not there, they are of different clusters, or the merge would hide that
/// one of them is suspended or banned, or make one out of two identities that differ.
pub async fn merge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    into: CreatorId,
    reason: &str,
) -> Result<Creator, CreatorError> {
    check_reason("/reason", reason)?;
    // always in the order of ids, so that two merges at once do not wait for each other
    let (first, second) = if id.uuid() < into.uuid() {
        (id, into)
    } else {
        (into, id)
    };
    let first = locked(conn, ctx, first, None).await?;
    let second = locked(conn, ctx, second, None).await?;
    if first.id == second.id {
        return Ok(first);
    }
    let (gone, kept) = if id.uuid() < into.uuid() {
        (first, second)
    } else {
        (second, first)
    };
    check(&gone, &kept)?;
    if gone.person != kept.person {
        merge_people(conn, ctx, gone.person, kept.person, reason).await?;
    }
    carry_withdrawals(conn, ctx, &gone, &kept).await?;
    merge::creators(conn, ctx, gone.id, kept.id).await?;
    store::creators::update(conn, ctx, &completed(&gone, &kept)).await?;
    reactions::creators_merged(conn, ctx, gone.id, kept.id)
        .await
        .map_err(|error| CreatorError::Reaction(Box::new(error)))?;
    let entry = Entry::new("creator.merge", gone.id)
        .after(serde_json::json!({ "into": kept.id }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    get(conn, kept.id).await
}

/// What keeps two creators apart.
fn check(gone: &Creator, kept: &Creator) -> Result<(), CreatorError> {
    if gone.cluster != kept.cluster {
        let message = "is on another cluster; merge the people instead";
        return Err(CreatorError::Invalid(vec![FieldError::new(
            "/into", message,
        )]));
    }
    match gone.status {
        CreatorStatus::Suspended | CreatorStatus::Banned if kept.status != gone.status => {
            Err(CreatorError::MergeHides(format!(
                "that {} is {}; bring {} to the same status first",
                gone.id, gone.status, kept.id
            )))
        }
        CreatorStatus::Suspended
        | CreatorStatus::Banned
        | CreatorStatus::PendingVerification
        | CreatorStatus::PendingReview
        | CreatorStatus::Active
        | CreatorStatus::Inactive
        | CreatorStatus::Churned => Ok(()),
    }
}

/// The one that is kept, with what only the other one had, and found by the other one's names too.
fn completed(gone: &Creator, kept: &Creator) -> Creator {
    let or = |kept: &Option<String>, gone: &Option<String>| kept.clone().or_else(|| gone.clone());
    let mut aliases = kept.aliases.clone();
    let names = std::iter::once(&gone.username)
        .chain(&gone.display_name)
        .chain(&gone.aliases);
    for name in names {
        if aliases.len() < ALIASES_MAX && is_name(name) && !aliases.contains(name) {
            aliases.push(name.clone());
        }
    }
    let mut handles = gone.handles.clone();
    handles.extend(kept.handles.clone());
    Creator {
        phone: or(&kept.phone, &gone.phone),
        display_name: or(&kept.display_name, &gone.display_name),
        first_name: or(&kept.first_name, &gone.first_name),
        time_zone: or(&kept.time_zone, &gone.time_zone),
        owner: or(&kept.owner, &gone.owner),
        aliases,
        handles,
        ..kept.clone()
    }
}

/// Whoever said "no longer" under one of two names said it.
async fn carry_withdrawals(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: &Creator,
    kept: &Creator,
) -> Result<(), CreatorError> {
    let said = store::consents::latest_consents(conn, gone.id).await?;
    let withdrawn: Vec<Channel> = said
        .iter()
        .filter(|consent| consent.state == ConsentState::Withdrawn)
        .map(|consent| consent.channel)
        .collect();
    for channel in withdrawn {
        let withdrawal = NewConsent {
            channel,
            state: ConsentState::Withdrawn,
            source: "merge".to_owned(),
            proof: Some(gone.id.to_string()),
        };
        record_consent(conn, ctx, kept.id, withdrawal).await?;
    }
    Ok(())
}

/// Merges a person into another one: their creators, and what was decided about their age, follow.
///
/// # Errors
/// If the reason is not acceptable, one of them is not there, their legal names or birth dates differ, or the merge would
/// hide that the age of one of them counts no longer.
pub async fn merge_people(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PersonId,
    into: PersonId,
    reason: &str,
) -> Result<Person, CreatorError> {
    check_reason("/reason", reason)?;
    known_person(conn, ctx, id).await?;
    known_person(conn, ctx, into).await?;
    let (first, second) = if id.uuid() < into.uuid() {
        (id, into)
    } else {
        (into, id)
    };
    let first = people::locked(conn, first).await?;
    let second = people::locked(conn, second).await?;
    if first.id == second.id {
        return Ok(first);
    }
    let (gone, kept) = if id.uuid() < into.uuid() {
        (first, second)
    } else {
        (second, first)
    };
    if !merge::same_identity(conn, gone.id, kept.id).await? {
        return Err(CreatorError::IdentitiesDiffer);
    }
    let revoked = |decision: Option<super::AgeDecision>| {
        decision.is_some_and(|decision| decision.verdict == AgeVerdict::Revoked)
    };
    let gone_revoked = revoked(store::people::latest_age_decision(conn, gone.id).await?);
    let kept_revoked = revoked(store::people::latest_age_decision(conn, kept.id).await?);
    if gone_revoked != kept_revoked {
        let message = "that the age of one of them counts no longer; decide about it first";
        return Err(CreatorError::MergeHides(message.to_owned()));
    }
    merge::people(conn, ctx, gone.id, kept.id).await?;
    let or = |kept: &Option<String>, gone: &Option<String>| kept.clone().or_else(|| gone.clone());
    let completed = Person {
        legal_name: or(&kept.legal_name, &gone.legal_name),
        birth_date: kept.birth_date.or(gone.birth_date),
        residence_country: or(&kept.residence_country, &gone.residence_country),
        tax_country: or(&kept.tax_country, &gone.tax_country),
        ..kept.clone()
    };
    store::people::update(conn, ctx, &completed).await?;
    reactions::people_merged(conn, ctx, gone.id, kept.id)
        .await
        .map_err(|error| CreatorError::Reaction(Box::new(error)))?;
    let entry = Entry::new("person.merge", gone.id)
        .after(serde_json::json!({ "into": kept.id }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    person(conn, kept.id).await
}

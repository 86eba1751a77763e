//! People: their legal identity, and what staff decided about their age.

use serde_json::json;
use sqlx::PgConnection;

use super::model::birth_date_error;
use super::{
    AgeDecision, AgeVerdict, Creator, CreatorError, CreatorId, CreatorStatus, NewAgeDecision,
    NewCreator, Obstacle, Person, PersonChanges, PersonId, age_obstacle, get, status, store, trail,
    within_reach,
};
use crate::access::{self, PersonalField};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, FieldError};
use crate::reactions;

/// Characters in the evidence of an age decision at the most.
pub const EVIDENCE_MAX_CHARS: usize = 500;

/// One person; the id of one who was merged into another leads to that one.
///
/// # Errors
/// If there is none with this id.
pub async fn person(conn: &mut PgConnection, id: PersonId) -> Result<Person, CreatorError> {
    store::people::get(conn, id)
        .await?
        .ok_or(CreatorError::PersonNotFound(id))
}

/// One person of whom a creator is within the caller's reach.
///
/// # Errors
/// If there is none.
pub async fn known_person(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PersonId,
) -> Result<Person, CreatorError> {
    let seen = person(conn, id).await?;
    let clusters = store::people::clusters(conn, seen.id).await?;
    let reach = ctx.actor.reach();
    // a person without any creator is out of nobody's way
    if clusters.is_empty() || clusters.iter().any(|cluster| reach.covers_cluster(cluster)) {
        Ok(seen)
    } else {
        Err(CreatorError::PersonNotFound(id))
    }
}

/// One person with legal name and birth date in clear: why and by whom is recorded.
///
/// # Errors
/// If there is none with this id, or the caller may not see it or gives no reason.
pub async fn reveal_person(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PersonId,
    reason: &str,
) -> Result<Person, CreatorError> {
    let seen = known_person(conn, ctx, id).await?;
    let fields = [PersonalField::LegalName, PersonalField::BirthDate];
    access::record_reveal(conn, ctx, seen.id, &fields, reason).await?;
    Ok(seen)
}

/// Changes a person; only the given version, if one is given.
///
/// # Errors
/// If a field breaks a rule, there is no such person, or the version is another one.
pub async fn change_person(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PersonId,
    version: Option<i64>,
    changes: PersonChanges,
) -> Result<Person, CreatorError> {
    changes
        .check(ctx.now().date_naive())
        .map_err(CreatorError::Invalid)?;
    known_person(conn, ctx, id).await?;
    let before = locked(conn, id).await?;
    if version.is_some_and(|version| version != before.version) {
        return Err(CreatorError::Stale(before.version));
    }
    let text = |new: Option<Option<super::Country>>, old: &Option<String>| match new {
        Some(new) => new.map(|country| country.as_str().to_owned()),
        None => old.clone(),
    };
    let after = Person {
        legal_name: changes.legal_name.unwrap_or(before.legal_name.clone()),
        birth_date: changes.birth_date.unwrap_or(before.birth_date),
        residence_country: text(changes.residence_country, &before.residence_country),
        tax_country: text(changes.tax_country, &before.tax_country),
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    store::people::update(conn, ctx, &after).await?;
    let after = person(conn, before.id).await?;
    audit::record(conn, ctx, trail::person_changed(&before, &after)).await?;
    Ok(after)
}

/// Records what staff decided about a person's age after looking at a proof. This is what stands between a creator and being
/// active: revoking it takes the person's creators out of `active`.
///
/// # Errors
/// If there is no such person, no birth date is known or given, the person is not of age, or the evidence is empty.
pub async fn decide_age(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PersonId,
    new: &NewAgeDecision,
) -> Result<AgeDecision, CreatorError> {
    let seen = known_person(conn, ctx, id).await?;
    // creators before their person, as every change of status takes them
    let profiles = store::people::lock_creators(conn, seen.id).await?;
    let person = locked(conn, id).await?;
    let born = check_decision(ctx, &person, new).map_err(CreatorError::Invalid)?;
    if person.birth_date != Some(born) {
        let proven = Person {
            birth_date: Some(born),
            ..person.clone()
        };
        store::people::update(conn, ctx, &proven).await?;
    }
    store::people::insert_age_decision(conn, ctx, person.id, new.verdict, born, &new.evidence)
        .await?;
    let entry = Entry::new("person.decide_age", person.id)
        .after(json!({ "decision": new.verdict }))
        .personal(json!({ "after": { "birthDate": born } }))
        .reason(new.evidence.clone());
    audit::record(conn, ctx, entry).await?;
    if new.verdict == AgeVerdict::Verified {
        reactions::person_proven(conn, ctx, &profiles)
            .await
            .map_err(|error| CreatorError::Reaction(Box::new(error)))?;
    } else {
        for id in profiles {
            let creator = get(conn, id).await?;
            if creator.status != CreatorStatus::Active {
                continue;
            }
            let step = status::Turn {
                action: "creator.status",
                to: CreatorStatus::PendingReview,
                reason: "the age verification was revoked",
                since: ctx.now(),
            };
            status::turn(conn, ctx, &creator, step).await?;
        }
    }
    Ok(AgeDecision {
        verdict: new.verdict,
        birth_date: born,
        evidence: new.evidence.clone(),
        decided_by: ctx.actor.to_string(),
        decided_at: ctx.now(),
    })
}

/// How the age of a person stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeProof {
    /// What was decided last.
    pub decision: Option<AgeDecision>,
    /// Why it does not count today; none if the age is proven.
    pub obstacle: Option<Obstacle>,
}

/// How the age of a person stands today.
///
/// # Errors
/// If there is no such person.
pub async fn age_proof(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PersonId,
) -> Result<AgeProof, CreatorError> {
    let person = person(conn, id).await?;
    let decision = store::people::latest_age_decision(conn, person.id).await?;
    let decided = decision.as_ref().map(|it| (it.verdict, it.birth_date));
    let obstacle = age_obstacle(decided, person.birth_date, ctx.now().date_naive());
    Ok(AgeProof { decision, obstacle })
}

/// A creator within the caller's reach, with the ids of everybody their person is, all locked until the transaction ends,
/// and the person, too: what is decided about a person is decided while nobody merges or changes them.
///
/// # Errors
/// If there is no such creator.
pub async fn lock_with_person(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<(Creator, Vec<CreatorId>), CreatorError> {
    loop {
        let seen = within_reach(conn, ctx, id).await?;
        // creators before their person, as every change of status takes them
        let profiles = store::people::lock_creators(conn, seen.person).await?;
        let person = locked(conn, seen.person).await?;
        let creator = within_reach(conn, ctx, id).await?;
        // a merge may have come first while this waited
        if creator.person == person.id && profiles.contains(&creator.id) {
            return Ok((creator, profiles));
        }
    }
}

/// The birth date that a decision is about.
fn check_decision(
    ctx: &Ctx,
    person: &Person,
    new: &NewAgeDecision,
) -> Result<chrono::NaiveDate, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let given = match new.verdict {
        // what is proven is read from the document, never taken over from what was typed before
        AgeVerdict::Verified => new.birth_date,
        AgeVerdict::Revoked => new.birth_date.or(person.birth_date),
    };
    if given.is_none() {
        let message = "name the birth date that the document shows";
        wrong.push(FieldError::new("/birthDate", message));
    }
    let today = ctx.now().date_naive();
    if new.verdict == AgeVerdict::Verified
        && let Some(born) = given
    {
        wrong.extend(birth_date_error("/birthDate", born, today));
    }
    let length = new.evidence.chars().count();
    if new.evidence.trim().is_empty() || length > EVIDENCE_MAX_CHARS || new.evidence.contains('\0')
    {
        wrong.push(FieldError::new(
            "/evidence",
            format!("say in 1 to {EVIDENCE_MAX_CHARS} characters what was looked at"),
        ));
    }
    match given {
        Some(born) if wrong.is_empty() => Ok(born),
        Some(_) | None => Err(wrong),
    }
}

/// `new` with the person that it names, if it names one; a birth date must then be the one on file.
pub(super) async fn of_new_creator(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreator,
) -> Result<NewCreator, CreatorError> {
    let Some(id) = new.person else {
        return Ok(new.clone());
    };
    let known = match known_person(conn, ctx, id).await {
        Ok(_) => store::people::lock(conn, id).await?,
        Err(CreatorError::PersonNotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let Some(known) = known else {
        let message = format!("there is no person {id}; leave it out for a new one");
        return Err(CreatorError::Invalid(vec![FieldError::new(
            "/personId",
            message,
        )]));
    };
    match (new.birth_date, known.birth_date) {
        (Some(given), Some(on_file)) if given != on_file => {
            let message = "is not the birth date on file; correct the person first";
            return Err(CreatorError::Invalid(vec![FieldError::new(
                "/birthDate",
                message,
            )]));
        }
        (Some(given), None) => {
            let born = Person {
                birth_date: Some(given),
                ..known.clone()
            };
            store::people::update(conn, ctx, &born).await?;
            audit::record(conn, ctx, trail::person_changed(&known, &born)).await?;
        }
        (Some(_), Some(_)) | (None, _) => {}
    }
    Ok(NewCreator {
        person: Some(known.id),
        ..new.clone()
    })
}

pub(super) async fn locked(conn: &mut PgConnection, id: PersonId) -> Result<Person, CreatorError> {
    store::people::lock(conn, id)
        .await?
        .ok_or(CreatorError::PersonNotFound(id))
}

/// Notes that nothing but keeping may be done with the data of people, or that it may again. Campaigns leave all their
/// creators out from then on; who asked for it and why is for the caller to record.
///
/// # Errors
/// If the database refuses.
pub async fn restrict_person(
    conn: &mut PgConnection,
    ctx: &Ctx,
    people: &[uuid::Uuid],
    restricted: bool,
) -> sqlx::Result<()> {
    store::people::set_restricted(conn, ctx, people, restricted).await
}

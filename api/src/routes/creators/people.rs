//! The people behind creators: legal identity, and decisions about their age.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::access::PersonalField;
use shared::creators::{
    self, AgeDecision, AgeVerdict, Country, NewAgeDecision, Person, PersonChanges, PersonId,
};
use utoipa::ToSchema;

use super::profile::RevealBody;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{
    Allowed, DecideAge, IfMatch, Json, PathId, ReadPeople, RevealIdentity, WritePeople, etag, told,
};
use crate::fields::Fields;

/// A person; who sees this may see legal names.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub(super) struct PersonView {
    #[schema(value_type = String, example = "person_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: PersonId,
    /// Masked, unless it is revealed.
    #[schema(example = "A*** L***")]
    legal_name: Option<String>,
    /// Masked, unless it is revealed.
    #[schema(example = "***")]
    birth_date: Option<String>,
    /// Where they live; ISO 3166-1.
    #[schema(example = "DE")]
    residence_country: Option<String>,
    /// Where they are taxed; ISO 3166-1.
    tax_country: Option<String>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The person with legal name and birth date masked.
pub(super) fn masked(person: Person) -> Response {
    answer(
        person
            .legal_name
            .as_deref()
            .map(|name| PersonalField::LegalName.masked(name)),
        person
            .birth_date
            .map(|born| PersonalField::BirthDate.masked(&born.to_string())),
        &person,
    )
}

/// The person in clear; only for a recorded reveal.
fn in_clear(person: &Person) -> Response {
    let born = person.birth_date.map(|born| born.to_string());
    answer(person.legal_name.clone(), born, person)
}

fn answer(legal_name: Option<String>, birth_date: Option<String>, person: &Person) -> Response {
    let tag = etag(person.version);
    let view = PersonView {
        id: person.id,
        legal_name,
        birth_date,
        residence_country: person.residence_country.clone(),
        tax_country: person.tax_country.clone(),
        version: person.version,
        created_at: person.created_at,
        updated_at: person.updated_at,
    };
    ([(header::ETAG, tag)], Json(view)).into_response()
}

/// Show a person, with legal name and birth date masked
#[utoipa::path(get, path = "/api/people/{id}", operation_id = "showPerson", tag = "creators", security(("bearer" = ["people:read"])),
    params(("id" = String, Path, description = "`person_…`")),
    responses((status = 200, body = PersonView), (status = 404, description = "No such person")))]
pub(super) async fn show(
    caller: Allowed<ReadPeople>,
    State(app): State<App>,
    PathId(id): PathId<PersonId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let person = creators::known_person(&mut tx, &caller.ctx, id).await?;
    Ok(masked(person))
}

/// Show a person's legal name and birth date in clear
///
/// Who looked, and why, is recorded in the audit trail.
#[utoipa::path(post, path = "/api/people/{id}/reveal", operation_id = "revealPerson", tag = "creators", security(("bearer" = ["creators:reveal-identity"])),
    params(("id" = String, Path, description = "`person_…`")),
    request_body = RevealBody, responses((status = 200, body = PersonView)))]
pub(super) async fn reveal(
    caller: Allowed<RevealIdentity>,
    State(app): State<App>,
    PathId(id): PathId<PersonId>,
    Json(body): Json<RevealBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let person = creators::reveal_person(&mut tx, &caller.ctx, id, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(in_clear(&person))
}

/// What is to be different; fields that are left out stay, `null` forgets.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = PersonChanges)]
pub(super) struct PersonBody {
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    legal_name: Option<Option<String>>,
    /// A change after the age was verified asks for a new decision.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<NaiveDate>)]
    birth_date: Option<Option<NaiveDate>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    residence_country: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    tax_country: Option<Option<String>>,
}

impl PersonBody {
    fn checked(self) -> Result<PersonChanges> {
        let mut fields = Fields::default();
        let mut country = |pointer, text: Option<Option<String>>| {
            text.map(|text| fields.parsed_if::<Country>(pointer, text.as_deref()))
        };
        let residence_country = country("/residenceCountry", self.residence_country);
        let tax_country = country("/taxCountry", self.tax_country);
        fields.finish()?;
        Ok(PersonChanges {
            legal_name: self.legal_name,
            birth_date: self.birth_date,
            residence_country,
            tax_country,
        })
    }
}

/// Change a person
#[utoipa::path(patch, path = "/api/people/{id}", operation_id = "changePerson", tag = "creators", security(("bearer" = ["people:write"])),
    params(("id" = String, Path, description = "`person_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = PersonBody,
    responses((status = 200, body = PersonView), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn change(
    caller: Allowed<WritePeople>,
    State(app): State<App>,
    PathId(id): PathId<PersonId>,
    IfMatch(version): IfMatch,
    Json(body): Json<PersonBody>,
) -> Result<Response> {
    let changes = body.checked()?;
    let mut tx = app.db.begin().await?;
    let person = creators::change_person(&mut tx, &caller.ctx, id, version, changes).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(masked(person))
}

/// A decision about somebody's age.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewAgeDecision)]
pub(super) struct DecisionBody {
    /// `verified` or `revoked`.
    decision: String,
    /// As the document shows it; needed for `verified`.
    birth_date: Option<NaiveDate>,
    /// What was looked at: a ticket or a reference, not the document itself. Up to 500 characters.
    #[schema(example = "Passport seen in a video call, ticket 4711")]
    evidence: String,
}

/// A recorded decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgeDecision)]
pub(super) struct DecisionView {
    decision: &'static str,
    birth_date: NaiveDate,
    evidence: String,
    decided_by: String,
    decided_at: DateTime<Utc>,
}

impl From<AgeDecision> for DecisionView {
    fn from(decision: AgeDecision) -> Self {
        Self {
            decision: decision.verdict.as_str(),
            birth_date: decision.birth_date,
            evidence: decision.evidence,
            decided_by: decision.decided_by,
            decided_at: decision.decided_at,
        }
    }
}

/// Record that somebody's age is proven, or no longer
///
/// Without it nobody becomes active. Revoking it puts the person's active creators back to `pending_review`.
#[utoipa::path(post, path = "/api/people/{id}/age-decisions", operation_id = "decideAge", tag = "creators", security(("bearer" = ["people:decide-age"])),
    params(("id" = String, Path, description = "`person_…`")),
    request_body = DecisionBody,
    responses((status = 201, body = DecisionView), (status = 404, description = "No such person")))]
pub(super) async fn decide_age(
    caller: Allowed<DecideAge>,
    State(app): State<App>,
    PathId(id): PathId<PersonId>,
    Json(body): Json<DecisionBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let verdict: Option<AgeVerdict> = fields.parsed("/decision", &body.decision);
    fields.finish()?;
    let new = NewAgeDecision {
        verdict: verdict.ok_or_else(Problem::internal)?,
        birth_date: body.birth_date,
        evidence: body.evidence,
    };
    let mut tx = app.db.begin().await?;
    let decision = creators::decide_age(&mut tx, &caller.ctx, id, &new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::CREATED, Json(DecisionView::from(decision))).into_response())
}

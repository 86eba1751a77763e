//! Creators and people that turn out to be one.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::creators::{self, CreatorId, Duplicate, PersonId};
use utoipa::ToSchema;

use super::people::masked;
use super::profile::answer;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, MergeCreators, PathId, ReadCreators};
use crate::fields::Fields;

/// Creators that may be the same as one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Duplicates {
    items: Vec<DuplicateView>,
}

/// A creator that may be the same as another one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Duplicate)]
struct DuplicateView {
    #[schema(value_type = String)]
    id: CreatorId,
    cluster_id: String,
    username: String,
    status: &'static str,
    /// Whether we know already that it is the same person.
    same_person: bool,
    /// What is alike: `identity` (legal name and birth date), `email`, `phone`.
    likeness: Vec<&'static str>,
}

impl From<Duplicate> for DuplicateView {
    fn from(duplicate: Duplicate) -> Self {
        Self {
            id: duplicate.id,
            cluster_id: duplicate.cluster,
            username: duplicate.username,
            status: duplicate.status.as_str(),
            same_person: duplicate.same_person,
            likeness: duplicate
                .likeness
                .iter()
                .map(|word| word.as_str())
                .collect(),
        }
    }
}

/// List creators that may be the same as this one
#[utoipa::path(get, path = "/api/creators/{id}/duplicates", operation_id = "listCreatorDuplicates", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`")), responses((status = 200, body = Duplicates)))]
pub(super) async fn duplicates(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<Duplicates>> {
    let mut tx = app.db.begin().await?;
    let found = creators::duplicates(&mut tx, &caller.ctx, id).await?;
    Ok(Json(Duplicates {
        items: found.into_iter().map(DuplicateView::from).collect(),
    }))
}

/// Which one is kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Merge)]
pub(super) struct MergeBody {
    /// The one that is kept, of the same kind.
    into: String,
    /// Why, in up to 500 characters.
    #[schema(example = "Registered again after losing the password")]
    reason: String,
}

impl MergeBody {
    fn kept<I: std::str::FromStr>(&self) -> Result<I>
    where
        I::Err: std::fmt::Display,
    {
        let mut fields = Fields::default();
        let id = fields.parsed("/into", &self.into);
        fields.finish()?;
        id.ok_or_else(Problem::internal)
    }
}

/// Merge a creator into another one of its cluster
///
/// History, consents, blocks, deliveries and earnings follow, and both ids show the one that is kept. It cannot be undone.
#[utoipa::path(post, path = "/api/creators/{id}/merge", operation_id = "mergeCreator", tag = "creators", security(("bearer" = ["creators:merge"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = MergeBody,
    responses((status = 200, body = super::view::CreatorView), (status = 409, description = "It would hide a suspension or ban, or the identities differ")))]
pub(super) async fn merge(
    caller: Allowed<MergeCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<MergeBody>,
) -> Result<Response> {
    let into: CreatorId = body.kept()?;
    let mut tx = app.db.begin().await?;
    creators::merge(&mut tx, &caller.ctx, id, into, &body.reason).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, into).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// Merge a person into another one
///
/// Their creators follow, and both ids show the person that is kept. It cannot be undone.
#[utoipa::path(post, path = "/api/people/{id}/merge", operation_id = "mergePerson", tag = "creators", security(("bearer" = ["creators:merge"])),
    params(("id" = String, Path, description = "`person_…`")),
    request_body = MergeBody,
    responses((status = 200, body = super::people::PersonView), (status = 409, description = "The identities differ, or it would hide that a proof of age counts no longer")))]
pub(super) async fn merge_person(
    caller: Allowed<MergeCreators>,
    State(app): State<App>,
    PathId(id): PathId<PersonId>,
    Json(body): Json<MergeBody>,
) -> Result<Response> {
    let into: PersonId = body.kept()?;
    let mut tx = app.db.begin().await?;
    let person = creators::merge_people(&mut tx, &caller.ctx, id, into, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(masked(person))
}

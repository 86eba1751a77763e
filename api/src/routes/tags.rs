//! Tags on creators.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::creators::CreatorId;
use shared::kernel::FieldError;
use shared::tags::{self, SET_MAX, TAGS_MAX, Tag, Tagged};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IfMatch, Json, PathId, ReadCreators, WriteCreators, etag};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(counts))
        .routes(routes!(add))
        .routes(routes!(remove))
        .routes(routes!(show, set))
}

/// Tags with how many creators have each.
#[derive(Debug, Serialize, ToSchema)]
struct TagCounts {
    /// By name.
    items: Vec<TagCountView>,
}

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TagCount)]
struct TagCountView {
    #[schema(example = "vip")]
    tag: String,
    /// How many creators have it.
    creators: i64,
}

/// A creator's tags.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tags {
    /// 1 to 50 small letters, digits, dashes and underscores each; at most 100.
    #[schema(example = json!(["vip"]))]
    tags: Vec<String>,
}

/// Whom to tag.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreatorSet {
    /// 1 to 10,000 creators.
    #[schema(example = json!(["creator_0192f0c1a2b37c4d8e5f60718293a4b5"]))]
    creator_ids: Vec<String>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tagged)]
struct TaggedView {
    /// Creators whose tags are different now.
    changed: i64,
    /// Creators who had it (or did not) already.
    unchanged: i64,
    /// Ids that name nobody.
    #[schema(value_type = Vec<String>)]
    unknown: Vec<CreatorId>,
}

impl From<Tagged> for TaggedView {
    fn from(tagged: Tagged) -> Self {
        Self {
            changed: tagged.changed,
            unchanged: tagged.unchanged,
            unknown: tagged.unknown,
        }
    }
}

/// A list that is too long is refused before each of its items could be.
fn too_many(pointer: &'static str, max: usize) -> Problem {
    Problem::invalid(vec![FieldError::new(
        pointer,
        format!("name at most {max}"),
    )])
}

impl CreatorSet {
    fn ids(&self) -> Result<Vec<CreatorId>> {
        if self.creator_ids.len() > SET_MAX {
            return Err(too_many("/creatorIds", SET_MAX));
        }
        let mut fields = Fields::default();
        let ids = fields.parsed_all("/creatorIds", &self.creator_ids);
        fields.finish()?;
        Ok(ids)
    }
}

/// List the tags there are
#[utoipa::path(get, path = "/api/tags", operation_id = "listTags", tag = "tags", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = TagCounts)))]
async fn counts(caller: Allowed<ReadCreators>, State(app): State<App>) -> Result<Json<TagCounts>> {
    let mut tx = app.db.begin().await?;
    let counts = tags::counts(&mut tx, &caller.ctx).await?.into_iter();
    let items = counts
        .map(|count| TagCountView {
            tag: count.tag,
            creators: count.creators,
        })
        .collect();
    Ok(Json(TagCounts { items }))
}

/// Give a tag to many creators at once
#[utoipa::path(post, path = "/api/tags/{tag}/add", operation_id = "addTag", tag = "tags", security(("bearer" = ["creators:write"])),
    params(("tag" = String, Path, description = "The tag")),
    request_body = CreatorSet,
    responses((status = 200, body = TaggedView), (status = 404, description = "This can be no tag"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn add(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(tag): PathId<Tag>,
    Json(body): Json<CreatorSet>,
) -> Result<Json<TaggedView>> {
    let creators = body.ids()?;
    let mut tx = app.db.begin().await?;
    let tagged = tags::add(&mut tx, &caller.ctx, &tag, &creators).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(tagged.into()))
}

/// Take a tag from many creators at once
#[utoipa::path(post, path = "/api/tags/{tag}/remove", operation_id = "removeTag", tag = "tags", security(("bearer" = ["creators:write"])),
    params(("tag" = String, Path, description = "The tag")),
    request_body = CreatorSet,
    responses((status = 200, body = TaggedView), (status = 404, description = "This can be no tag"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn remove(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(tag): PathId<Tag>,
    Json(body): Json<CreatorSet>,
) -> Result<Json<TaggedView>> {
    let creators = body.ids()?;
    let mut tx = app.db.begin().await?;
    let tagged = tags::remove(&mut tx, &caller.ctx, &tag, &creators).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(tagged.into()))
}

/// Show a creator's tags
#[utoipa::path(get, path = "/api/creators/{id}/tags", operation_id = "showTags", tag = "tags", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = Tags, headers(("ETag" = String, description = "The version, for `If-Match`"))), (status = 404, description = "No such creator")))]
async fn show(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    Ok(shown(tags::of_creator(&mut tx, &caller.ctx, id).await?))
}

fn shown(tags: Vec<String>) -> Response {
    let tag = [(header::ETAG, etag(tags::version(&tags)))];
    (tag, Json(Tags { tags })).into_response()
}

/// Give a creator exactly these tags
#[utoipa::path(put, path = "/api/creators/{id}/tags", operation_id = "setTags", tag = "tags", security(("bearer" = ["creators:write"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = Tags,
    responses((status = 200, body = Tags, headers(("ETag" = String, description = "The version, for `If-Match`"))), (status = 404, description = "No such creator"),
              (status = 412, description = "They were changed meanwhile"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn set(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<Tags>,
) -> Result<Response> {
    if body.tags.len() > TAGS_MAX {
        return Err(too_many("/tags", TAGS_MAX));
    }
    let mut fields = Fields::default();
    let tags: Vec<Tag> = fields.parsed_all("/tags", &body.tags);
    fields.finish()?;
    let tags: BTreeSet<Tag> = tags.into_iter().collect();
    let mut tx = app.db.begin().await?;
    let tags = tags::set(&mut tx, &caller.ctx, id, version, &tags).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(shown(tags))
}

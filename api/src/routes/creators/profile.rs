//! Showing, changing and archiving a creator.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::creators::{self, CreatorChanges, CreatorId, Phone, Profile};
use shared::kernel::Ctx;
use utoipa::ToSchema;

use super::view::CreatorView;
use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, IfMatch, Json, OwnOr, PathId, ReadCreators, RevealContact, WriteCreators, etag, told,
};
use crate::fields::Fields;

/// What is to be different; fields that are left out stay, `null` forgets.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CreatorChanges)]
pub(super) struct ChangesBody {
    email: Option<String>,
    username: Option<String>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    display_name: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    first_name: Option<Option<String>>,
    /// All of them; up to 20.
    aliases: Option<Vec<String>>,
    /// All of them, by platform; up to 20.
    handles: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    time_zone: Option<Option<String>>,
    /// Who of the staff looks after them.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    owner: Option<Option<String>>,
}

impl ChangesBody {
    fn checked(self) -> Result<CreatorChanges> {
        let mut fields = Fields::default();
        let email = fields.parsed_if("/email", self.email.as_deref());
        let username = fields.parsed_if("/username", self.username.as_deref());
        let phone = self.phone.map(|phone| {
            let parsed: Option<Phone> = fields.parsed_if("/phone", phone.as_deref());
            parsed
        });
        let time_zone = self.time_zone.map(|zone| {
            let parsed: Option<chrono_tz::Tz> = fields.parsed_if("/timeZone", zone.as_deref());
            parsed
        });
        fields.finish()?;
        Ok(CreatorChanges {
            email,
            username,
            phone,
            display_name: self.display_name,
            first_name: self.first_name,
            aliases: self.aliases,
            handles: self.handles,
            time_zone,
            owner: self.owner,
        })
    }
}

/// Show a creator
///
/// The id of a creator that was merged into another shows that one; `Content-Location` says where it is.
#[utoipa::path(get, path = "/api/creators/{id}", operation_id = "showCreator", tag = "creators", security(("bearer" = ["creators:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = CreatorView, headers(("ETag" = String, description = "The version, for `If-Match`"))), (status = 404, description = "No such creator")))]
pub(super) async fn show(
    caller: OwnOr<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    Ok(answer(profile, &caller.ctx))
}

/// Change a creator
///
/// Creators themselves change their `displayName`, `firstName`, `handles` and `timeZone`.
#[utoipa::path(patch, path = "/api/creators/{id}", operation_id = "changeCreator", tag = "creators", security(("bearer" = ["creators:write"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ChangesBody,
    responses((status = 200, body = CreatorView), (status = 409, description = "It is archived, or the address or name is taken in this cluster"), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn change(
    caller: OwnOr<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ChangesBody>,
) -> Result<Response> {
    let changes = body.checked()?;
    let mut tx = app.db.begin().await?;
    creators::change(&mut tx, &caller.ctx, id, version, changes).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// Take a creator out of lists, mails and tiers
#[utoipa::path(post, path = "/api/creators/{id}/archive", operation_id = "archiveCreator", tag = "creators", security(("bearer" = ["creators:write"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is archived")),
    responses((status = 200, body = CreatorView), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn archive(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    creators::archive(&mut tx, &caller.ctx, id, version).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// Bring an archived creator back
#[utoipa::path(post, path = "/api/creators/{id}/unarchive", operation_id = "unarchiveCreator", tag = "creators", security(("bearer" = ["creators:write"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is brought back")),
    responses((status = 200, body = CreatorView), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn unarchive(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    creators::unarchive(&mut tx, &caller.ctx, id, version).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// The answer that shows a creator.
pub(super) fn answer(profile: Profile, ctx: &Ctx) -> Response {
    let place = format!("/api/creators/{}", profile.creator.id);
    let headers = [
        (header::ETAG, etag(profile.creator.version)),
        (header::CONTENT_LOCATION, place),
    ];
    (headers, Json(CreatorView::of(profile, ctx))).into_response()
}

/// Why people's data is to be shown in clear.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RevealReason)]
pub(super) struct RevealBody {
    /// Up to 500 characters; it stays in the audit trail.
    #[schema(example = "Asked to be called back, ticket 4711")]
    pub(super) reason: String,
}

/// How to reach a creator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorContact)]
pub(super) struct ContactView {
    email: String,
    phone: Option<String>,
}

/// Show a creator's address and number in clear
///
/// Who looked, and why, is recorded in the audit trail.
#[utoipa::path(post, path = "/api/creators/{id}/reveal", operation_id = "revealCreatorContact", tag = "creators", security(("bearer" = ["creators:reveal-contact"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = RevealBody, responses((status = 200, body = ContactView)))]
pub(super) async fn reveal(
    caller: Allowed<RevealContact>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<RevealBody>,
) -> Result<Json<ContactView>> {
    let mut tx = app.db.begin().await?;
    let seen = creators::reveal_contact(&mut tx, &caller.ctx, id, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(ContactView {
        email: seen.email,
        phone: seen.phone,
    }))
}

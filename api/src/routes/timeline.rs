//! The timeline of a creator.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::creators::CreatorId;
use shared::kernel::{Cursor, Page, PageLimit, PageRequest};
use shared::timeline::{self, Entry, TimelineKind};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, PathId, Query, ReadCreators};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// What is wanted of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TimelineParams {
    /// Only these kinds, with commas between them: `status`, `tier`, `note`, `task`, `message`, `consent`, `onboarding`, `tag`, `earning`, `verification`.
    #[param(example = "note,task")]
    kinds: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// What happened around a creator, a page at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TimelinePage {
    /// The latest first.
    items: Vec<EntryView>,
    next_cursor: Option<String>,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TimelineEntry)]
struct EntryView {
    /// Tells entries apart.
    #[schema(value_type = String)]
    id: Uuid,
    #[schema(example = "note")]
    kind: &'static str,
    at: DateTime<Utc>,
    #[schema(example = "user:ada")]
    by: String,
    /// What happened; its fields depend on the kind.
    #[schema(value_type = Object)]
    details: Value,
}

impl TimelinePage {
    fn of(page: Page<Entry>) -> Self {
        let items = page.items.into_iter().map(|entry| EntryView {
            id: entry.id,
            kind: entry.kind.as_str(),
            at: entry.at,
            by: entry.by,
            details: entry.details,
        });
        Self {
            items: items.collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// Show what happened around a creator, the latest first
///
/// Of each kind, what the caller may see: notes by their visibility, a kind without the permission for it not at all.
#[utoipa::path(get, path = "/api/creators/{id}/timeline", operation_id = "showTimeline", tag = "timeline", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`"), TimelineParams),
    responses((status = 200, body = TimelinePage), (status = 404, description = "No such creator"),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn show(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<TimelineParams>,
) -> Result<Json<TimelinePage>> {
    let mut fields = Fields::default();
    let named = params.kinds.as_deref().unwrap_or_default().split(',');
    let kinds: Vec<TimelineKind> = named
        .filter(|word| !word.is_empty())
        .filter_map(|word| fields.parsed("kinds", word))
        .collect();
    fields.finish()?;
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    Ok(Json(TimelinePage::of(
        timeline::timeline(&mut tx, &caller.ctx, id, &kinds, &page).await?,
    )))
}

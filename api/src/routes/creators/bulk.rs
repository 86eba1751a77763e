//! Doing something to all creators that match a filter.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{
    self, BulkAction, CreatorBulk, CreatorBulkId, CreatorStatus, NewCreatorBulk,
};
use shared::custom_fields::{self, Asked};
use utoipa::ToSchema;

use super::filter::{CONDITIONS, FilterBody};
use super::list::SummaryView;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, PathId, ReadCreators, WriteCreators};
use crate::fields::Fields;

/// What is done to each creator.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = CreatorBulkAction)]
enum ActionBody {
    /// Another status; needs `creators:steer`.
    SetStatus {
        /// The status to be.
        status: String,
    },
    /// Suspended; needs `creators:steer`.
    Suspend {
        /// In seconds; 0 until it is lifted.
        #[serde(default)]
        duration: u64,
    },
    /// Out of lists, mails and tiers.
    Archive {},
    /// Back again.
    Unarchive {},
    /// Looked after by somebody else.
    Assign {
        /// The member of staff; null for nobody.
        owner: Option<String>,
    },
}

impl ActionBody {
    fn checked(self, fields: &mut Fields) -> Option<BulkAction> {
        Some(match self {
            Self::SetStatus { status } => BulkAction::SetStatus {
                status: fields.parsed::<CreatorStatus>("/action/status", &status)?,
            },
            Self::Suspend { duration } => BulkAction::Suspend { seconds: duration },
            Self::Archive {} => BulkAction::Archive,
            Self::Unarchive {} => BulkAction::Unarchive,
            Self::Assign { owner } => BulkAction::Assign { owner },
        })
    }
}

impl From<BulkAction> for ActionBody {
    fn from(action: BulkAction) -> Self {
        match action {
            BulkAction::SetStatus { status } => Self::SetStatus {
                status: status.to_string(),
            },
            BulkAction::Suspend { seconds } => Self::Suspend { duration: seconds },
            BulkAction::Archive => Self::Archive {},
            BulkAction::Unarchive => Self::Unarchive {},
            BulkAction::Assign { owner } => Self::Assign { owner },
        }
    }
}

/// An operation to begin, or to look at before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCreatorBulkOperation)]
pub(super) struct BulkBody {
    action: ActionBody,
    /// Which creators; it must name something.
    filter: FilterBody,
    /// Why, in up to 500 characters; it stays in the histories.
    #[serde(default)]
    reason: String,
}

impl BulkBody {
    fn checked(self) -> Result<(NewCreatorBulk, Vec<Asked>)> {
        let mut fields = Fields::default();
        let action = self.action.checked(&mut fields);
        let (filter, asked) = self.filter.checked(&mut fields);
        fields.finish()?;
        let new = NewCreatorBulk {
            action: action.ok_or_else(Problem::internal)?,
            filter,
            reason: self.reason,
        };
        Ok((new, asked))
    }
}

/// What an operation would do now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatorBulkPreview {
    /// Creators that match.
    matched: i64,
    /// Whether there may be more: counting ends at 100,000.
    matched_at_least: bool,
    /// The newest of them.
    sample: Vec<SummaryView>,
}

/// Show what an operation on creators would do, without doing it
#[utoipa::path(post, path = "/api/creator-bulk-operations/preview", operation_id = "previewCreatorBulkOperation", tag = "creators", security(("bearer" = ["creators:write"])),
    request_body = BulkBody, responses((status = 200, body = CreatorBulkPreview)))]
pub(super) async fn preview(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    Json(body): Json<BulkBody>,
) -> Result<Json<CreatorBulkPreview>> {
    let (mut new, asked) = body.checked()?;
    let mut tx = app.db.begin().await?;
    new.filter.fields = custom_fields::conditions(&mut tx, CONDITIONS, asked).await?;
    let seen = creators::preview_bulk(&mut tx, &caller.ctx, &new).await?;
    Ok(Json(CreatorBulkPreview {
        matched: seen.matched,
        matched_at_least: seen.at_least,
        sample: seen.sample.into_iter().map(SummaryView::from).collect(),
    }))
}

/// An operation on creators and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorBulkOperation)]
pub(super) struct BulkView {
    #[schema(value_type = String)]
    id: CreatorBulkId,
    action: ActionBody,
    filter: FilterBody,
    reason: String,
    /// `running`, `completed`, `cancelled` or `failed`.
    state: &'static str,
    /// Creators that matched when it was asked for.
    matched: i64,
    /// Whether there were more.
    matched_at_least: bool,
    /// Creators for whom it was done, or who were so already.
    done: i64,
    /// Creators for whom the rules did not allow it.
    skipped: i64,
    /// The last such refusal.
    last_refusal: Option<String>,
    /// 0 to 1; null if it is not known how many there are.
    progress: Option<f64>,
    /// Why it could not go on.
    error: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<CreatorBulk> for BulkView {
    fn from(operation: CreatorBulk) -> Self {
        let visited = (operation.done + operation.skipped) as f64;
        let known = operation.matched > 0 && !operation.at_least;
        Self {
            id: operation.id,
            action: operation.action.into(),
            filter: operation.filter.into(),
            reason: operation.reason,
            state: operation.state.as_str(),
            matched: operation.matched,
            matched_at_least: operation.at_least,
            done: operation.done,
            skipped: operation.skipped,
            last_refusal: operation.last_refusal,
            progress: known.then(|| (visited / operation.matched as f64).min(1.0)),
            error: operation.error,
            created_by: operation.created_by,
            created_at: operation.created_at,
            finished_at: operation.finished_at,
        }
    }
}

/// Do something to all creators that match
///
/// A job carries it on in small steps, each creator by the same rules as if it were the only one; creators that are
/// registered later are left alone.
#[utoipa::path(post, path = "/api/creator-bulk-operations", operation_id = "startCreatorBulkOperation", tag = "creators", security(("bearer" = ["creators:write"])),
    request_body = BulkBody,
    responses((status = 202, body = BulkView, headers(("Location" = String, description = "Where its progress is shown")))))]
pub(super) async fn start(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    Json(body): Json<BulkBody>,
) -> Result<Response> {
    let (mut new, asked) = body.checked()?;
    let mut tx = app.db.begin().await?;
    new.filter.fields = custom_fields::conditions(&mut tx, CONDITIONS, asked).await?;
    let operation = creators::start_bulk(&mut tx, &caller.ctx, new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let place = format!("/api/creator-bulk-operations/{}", operation.id);
    let headers = [(header::LOCATION, place)];
    Ok((
        StatusCode::ACCEPTED,
        headers,
        Json(BulkView::from(operation)),
    )
        .into_response())
}

/// Show an operation on creators and how far it is
#[utoipa::path(get, path = "/api/creator-bulk-operations/{id}", operation_id = "showCreatorBulkOperation", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creatorbulk_…`")), responses((status = 200, body = BulkView), (status = 404, description = "No such operation")))]
pub(super) async fn show(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorBulkId>,
) -> Result<Json<BulkView>> {
    let mut tx = app.db.begin().await?;
    Ok(Json(
        creators::find_bulk(&mut tx, &caller.ctx, id).await?.into(),
    ))
}

/// End an operation on creators after its present step; what it did stays done
#[utoipa::path(post, path = "/api/creator-bulk-operations/{id}/cancel", operation_id = "cancelCreatorBulkOperation", tag = "creators", security(("bearer" = ["creators:write"])),
    params(("id" = String, Path, description = "`creatorbulk_…`")), responses((status = 200, body = BulkView), (status = 404, description = "No such operation")))]
pub(super) async fn cancel(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorBulkId>,
) -> Result<Json<BulkView>> {
    let mut tx = app.db.begin().await?;
    let operation = creators::cancel_bulk(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(operation.into()))
}

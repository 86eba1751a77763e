//! What creators agreed to, word by word.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{self, ConsentEntry, ConsentState, CreatorId, NewConsent};
use shared::kernel::{Actor, Page};
use utoipa::ToSchema;

use super::register::{PROOF_MAX_CHARS, SOURCE_MAX_CHARS};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, OwnOr, PageParams, PathId, Query, ReadCreators, WriteCreators};
use crate::fields::Fields;

/// Consents and withdrawals, a page at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsentHistory {
    /// The latest first.
    items: Vec<ConsentEntryView>,
    next_cursor: Option<String>,
}

/// One word of a creator about a channel.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsentEntry)]
struct ConsentEntryView {
    /// `email` or `sms`.
    #[schema(example = "email")]
    channel: &'static str,
    /// `granted` or `withdrawn`.
    #[schema(example = "granted")]
    state: &'static str,
    /// The address or number it was about; null where that was not kept, or may not be seen.
    contact: Option<String>,
    source: String,
    proof: Option<String>,
    recorded_by: String,
    recorded_at: DateTime<Utc>,
}

impl ConsentEntryView {
    fn of(entry: ConsentEntry, shows_contact: bool) -> Self {
        Self {
            channel: entry.consent.channel.as_str(),
            state: entry.consent.state.as_str(),
            contact: entry.contact.filter(|_| shows_contact),
            source: entry.consent.source,
            proof: entry.consent.proof,
            recorded_by: entry.recorded_by,
            recorded_at: entry.consent.recorded_at,
        }
    }
}

fn view(page: Page<ConsentEntry>, actor: &Actor) -> ConsentHistory {
    // an address is shown unmasked to the creator itself only; for the others it is a logged act of its own
    let shows_contact = actor.reach().creator.is_some();
    let items = page.items.into_iter();
    ConsentHistory {
        items: items
            .map(|entry| ConsentEntryView::of(entry, shows_contact))
            .collect(),
        next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
    }
}

/// List everything a creator said about being written to
#[utoipa::path(get, path = "/api/creators/{id}/consents", operation_id = "listConsents", tag = "creators", security(("bearer" = ["creators:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), PageParams),
    responses((status = 200, body = ConsentHistory), (status = 404, description = "No such creator")))]
pub(super) async fn list(
    caller: OwnOr<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<PageParams>,
) -> Result<Json<ConsentHistory>> {
    let mut tx = app.db.begin().await?;
    let page = creators::consent_history(&mut tx, &caller.ctx, id, &params.page()).await?;
    Ok(Json(view(page, &caller.ctx.actor)))
}

/// What a creator said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewConsent)]
pub(super) struct ConsentBody {
    /// `email` or `sms`.
    #[schema(example = "email")]
    channel: String,
    /// `granted` or `withdrawn`.
    #[schema(example = "granted")]
    state: String,
    /// How it reached us.
    #[schema(example = "support")]
    source: String,
    /// What can be shown for it.
    proof: Option<String>,
}

impl ConsentBody {
    fn consent(self) -> Result<NewConsent> {
        let mut fields = Fields::default();
        let channel = fields.parsed("/channel", &self.channel);
        let state: Option<ConsentState> = fields.parsed("/state", &self.state);
        fields.text("/source", &self.source, SOURCE_MAX_CHARS);
        if let Some(proof) = &self.proof {
            fields.text("/proof", proof, PROOF_MAX_CHARS);
        }
        fields.finish()?;
        Ok(NewConsent {
            channel: channel.ok_or_else(Problem::internal)?,
            state: state.ok_or_else(Problem::internal)?,
            source: self.source,
            proof: self.proof,
        })
    }
}

/// Record a consent or withdrawal
///
/// It is about the address or number that the creator has now, and kept for ever with its proof; the last word about a
/// channel holds.
#[utoipa::path(post, path = "/api/creators/{id}/consents", operation_id = "recordConsent", tag = "creators", security(("bearer" = ["creators:write"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = ConsentBody,
    responses((status = 204, description = "It is recorded"), (status = 404, description = "No such creator"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn record(
    caller: OwnOr<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<ConsentBody>,
) -> Result<StatusCode> {
    let consent = body.consent()?;
    let mut tx = app.db.begin().await?;
    creators::say(&mut tx, &caller.ctx, id, consent).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! The audit trail: who did what, and whether anybody altered it.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::audit::{self, Anchor, AuditFilter, AuditId, Recorded, Verification};
use shared::kernel::{Cursor, Page, PageLimit, PageRequest};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, Query, ReadAudit};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(verify))
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuditParams {
    /// Who did it, such as `user:user_…`, `job_…` or `system`.
    actor: Option<String>,
    /// What was done, such as `campaign.launch`.
    action: Option<String>,
    /// What it was done to: an id such as `creator_…`, or a kind and a name such as `queue:mail`.
    subject: Option<String>,
    /// Not before this time.
    from: Option<DateTime<Utc>>,
    /// Before this time.
    until: Option<DateTime<Utc>>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A page of the trail.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditPage {
    /// The newest first.
    items: Vec<AuditView>,
    next_cursor: Option<String>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
struct AuditView {
    #[schema(value_type = String)]
    id: AuditId,
    /// Its place in the chain.
    seq: i64,
    at: DateTime<Utc>,
    /// Who.
    #[schema(example = "user:user_0192f0c1a2b37c4d8e5f60718293a4b5")]
    actor: String,
    /// What.
    #[schema(example = "campaign.launch")]
    action: String,
    /// On what.
    subject: SubjectView,
    /// What changed, as it was.
    before: Option<Value>,
    /// What changed, as it is since.
    after: Option<Value>,
    /// Why; null if none was given or it was erased.
    reason: Option<String>,
    /// People's data of the change; null if there is none or it was erased.
    personal: Option<Value>,
    /// From which address; null if nobody asked over a network or it was erased.
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: String,
    /// Whether people's data of this entry was erased.
    erased: bool,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditSubject)]
struct SubjectView {
    #[schema(example = "campaign")]
    kind: String,
    id: String,
}

impl From<Recorded> for AuditView {
    fn from(entry: Recorded) -> Self {
        Self {
            id: entry.id,
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: SubjectView {
                kind: entry.subject.kind,
                id: entry.subject.id,
            },
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
            personal: entry.personal,
            ip: entry.ip,
            user_agent: entry.user_agent,
            request_id: entry.request_id,
            erased: entry.erased,
        }
    }
}

impl From<Page<Recorded>> for AuditPage {
    fn from(page: Page<Recorded>) -> Self {
        Self {
            items: page.items.into_iter().map(AuditView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// Read the audit trail
#[utoipa::path(get, path = "/api/admin/audit", operation_id = "listAudit", tag = "audit", security(("bearer" = ["audit:read"])),
    params(AuditParams), responses((status = 200, body = AuditPage)))]
async fn list(
    _: Allowed<ReadAudit>,
    State(app): State<App>,
    Query(params): Query<AuditParams>,
) -> Result<Json<AuditPage>> {
    let mut fields = Fields::default();
    let subject = params.subject.map(|text| {
        let parts = subject_parts(&text);
        if parts.is_none() {
            let message =
                "use an id such as `creator_…`, or a kind and a name such as `queue:mail`";
            fields.wrong("subject", message);
        }
        parts.unwrap_or_default()
    });
    fields.finish()?;
    let (subject_kind, subject_id) = subject.unzip();
    let filter = AuditFilter {
        actor: params.actor,
        action: params.action,
        subject_kind,
        subject_id,
        from: params.from,
        until: params.until,
    };
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut conn = app.db.pool().acquire().await?;
    Ok(Json(audit::list(&mut conn, &filter, &page).await?.into()))
}

/// The kind and the id: `queue:mail` says both, of a typed id the prefix is the kind.
pub(crate) fn subject_parts(text: &str) -> Option<(String, String)> {
    if let Some((kind, name)) = text.split_once(':') {
        return Some((kind.to_owned(), name.to_owned()));
    }
    let (prefix, _) = text.rsplit_once('_')?;
    Some((prefix.to_owned(), text.to_owned()))
}

/// From where to verify, and what was noted before.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerifyParams {
    /// Only the entries after this place; `head.seq` of the verification before.
    #[serde(default)]
    #[param(minimum = 0, required = false)]
    #[param(value_type = u64)]
    after: u32,
    /// `head.seq` of an earlier verification, noted outside of the database.
    #[param(minimum = 1)]
    anchor_seq: Option<u32>,
    /// `head.hash` of the same.
    anchor_hash: Option<String>,
}

/// What a verification found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditVerification)]
struct VerificationView {
    /// Entries that were looked at and hold.
    checked: i64,
    /// Whether that was all of them, and all hold. If not, and nothing is broken, go on with `after` = `head.seq`.
    complete: bool,
    /// The last entry that holds; note it outside of the database.
    head: Option<HeadView>,
    /// The first that does not hold; null if all do.
    broken: Option<BrokenView>,
}

/// A place of the chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditHead)]
struct HeadView {
    seq: i64,
    /// SHA-256 in hexadecimal digits.
    hash: String,
}

/// An entry that does not hold.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditBroken)]
struct BrokenView {
    /// Its place; null if it is not in the chain.
    seq: Option<i64>,
    #[schema(value_type = Option<String>)]
    entry_id: Option<AuditId>,
    /// `gap`, `missing`, `altered`, `columns`, `personal`, `unlinked` or `anchor`.
    fault: &'static str,
}

impl From<Verification> for VerificationView {
    fn from(found: Verification) -> Self {
        Self {
            checked: found.checked,
            complete: found.complete && found.broken.is_none(),
            head: found.head.map(|head| HeadView {
                seq: head.seq,
                hash: head.hash.to_string(),
            }),
            broken: found.broken.map(|broken| BrokenView {
                seq: broken.seq,
                entry_id: broken.entry,
                fault: broken.fault.as_str(),
            }),
        }
    }
}

/// Verify the audit trail
///
/// Every hash is computed again. The first entry that was altered, left out or added is named.
#[utoipa::path(get, path = "/api/admin/audit/verify", operation_id = "verifyAudit", tag = "audit", security(("bearer" = ["audit:read"])),
    params(VerifyParams), responses((status = 200, body = VerificationView)))]
async fn verify(
    _: Allowed<ReadAudit>,
    State(app): State<App>,
    Query(params): Query<VerifyParams>,
) -> Result<Json<VerificationView>> {
    let anchor = params.anchor()?;
    let mut conn = app.db.pool().acquire().await?;
    let found = audit::verify(&mut conn, i64::from(params.after), anchor.as_ref()).await?;
    Ok(Json(found.into()))
}

impl VerifyParams {
    fn anchor(&self) -> Result<Option<Anchor>> {
        let mut fields = Fields::default();
        let anchor = match (self.anchor_seq, &self.anchor_hash) {
            (None, None) => None,
            (Some(seq), Some(hash)) => fields.parsed("anchorHash", hash).map(|hash| Anchor {
                seq: i64::from(seq),
                hash,
            }),
            (Some(_), None) => {
                fields.wrong("anchorHash", "is needed beside anchorSeq");
                None
            }
            (None, Some(_)) => {
                fields.wrong("anchorSeq", "is needed beside anchorHash");
                None
            }
        };
        fields.finish()?;
        Ok(anchor)
    }
}

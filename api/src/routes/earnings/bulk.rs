//! Recording many earnings at once.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::creators::CreatorId;
use shared::earnings::{self, EarningError, EarningId, NewEarning, RECORD_MAX, Recorded};
use shared::kernel::{Classify, ErrorKind, FieldError};
use utoipa::ToSchema;

use super::body::{EarningBody, below};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, RecordEarnings, parse_json};

/// Earnings of any creators.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEarnings)]
pub(super) struct BulkBody {
    /// From 1 to 1,000. Each is as `NewEarning`, with the creator's id as `creatorId`.
    #[schema(value_type = Vec<Object>)]
    earnings: Vec<Box<RawValue>>,
}

/// Whose earning a row is; the rest of the row is the earning.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowBody {
    creator_id: String,
}

/// What became of each earning, in the order given.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkResults {
    recorded: usize,
    duplicates: usize,
    refused: usize,
    results: Vec<RowResult>,
}

/// What became of one earning.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EarningResult)]
struct RowResult {
    /// `recorded`, `duplicate` or `refused`.
    status: &'static str,
    /// The earning; null if it was refused.
    #[schema(value_type = Option<String>)]
    id: Option<EarningId>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Which fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    errors: Vec<FieldError>,
}

impl RowResult {
    fn refused(detail: String, errors: Vec<FieldError>) -> Self {
        Self {
            status: "refused",
            id: None,
            detail: Some(detail),
            errors,
        }
    }

    fn of(at: usize, done: std::result::Result<Recorded, EarningError>) -> Self {
        match done {
            Ok(done) => Self {
                status: if done.new { "recorded" } else { "duplicate" },
                id: Some(done.id),
                detail: None,
                errors: Vec::new(),
            },
            Err(error) => {
                let errors = below(&format!("/earnings/{at}"), error.fields());
                Self::refused(error.to_string(), errors)
            }
        }
    }
}

/// Record many earnings at once
///
/// Rows that are refused keep no others from being recorded; what became of each is answered in the order given. Give each
/// an `externalId`: then the whole request can be repeated, and what was recorded is a `duplicate`.
#[utoipa::path(post, path = "/api/earnings/bulk", operation_id = "recordEarnings", tag = "earnings", security(("bearer" = ["earnings:record"])),
    request_body = BulkBody,
    responses((status = 200, body = BulkResults),
              (status = 422, description = "There are none, too many, or what is no object", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn record(
    caller: Allowed<RecordEarnings>,
    State(app): State<App>,
    Json(body): Json<BulkBody>,
) -> Result<Json<BulkResults>> {
    if body.earnings.is_empty() || body.earnings.len() > RECORD_MAX {
        let message = format!("give from 1 to {RECORD_MAX}");
        return Err(Problem::invalid(vec![FieldError::new(
            "/earnings",
            message,
        )]));
    }
    ensure_objects(&body.earnings)?;
    let rows = body.earnings.iter().enumerate();
    let read: Vec<Result<NewEarning>> = rows.map(|(at, row)| row_of(at, row)).collect();
    let sound: Vec<NewEarning> = read.iter().flatten().cloned().collect();
    let mut done = Vec::new();
    if !sound.is_empty() {
        let mut tx = app.db.begin().await?;
        done = earnings::record_many(&mut tx, &caller.ctx, sound).await?;
        if let Some(fault) = done
            .iter()
            .flat_map(|one| one.as_ref().err())
            .find(is_fault)
        {
            tracing::error!(error = %fault, "an earning could not be recorded");
            return Err(Problem::internal());
        }
        app.db.commit(tx, &caller.ctx).await?;
    }
    Ok(Json(results(read, done)))
}

/// What is no object is no row: the request is not what it should be.
fn ensure_objects(rows: &[Box<RawValue>]) -> Result<()> {
    let others = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !row.get().starts_with('{'));
    let errors: Vec<FieldError> = others
        .map(|(at, _)| FieldError::new(format!("/earnings/{at}"), "must be an object"))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

/// Whether it is ours and not the row's.
fn is_fault(error: &&EarningError) -> bool {
    matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable)
}

fn row_of(at: usize, row: &RawValue) -> Result<NewEarning> {
    let prefix = format!("/earnings/{at}");
    let RowBody { creator_id } = parse_json(row.get().as_bytes(), &prefix)?;
    let creator: CreatorId = creator_id.parse().map_err(|_| {
        let message = "must be the id of a creator, `creator_…`";
        Problem::invalid(vec![FieldError::new(
            format!("{prefix}/creatorId"),
            message,
        )])
    })?;
    let fields: std::collections::BTreeMap<String, Box<RawValue>> =
        parse_json(row.get().as_bytes(), &prefix)?;
    let own = fields.iter().filter(|(name, _)| *name != "creatorId");
    // put together again from the raw parts, so that the amount keeps its digits
    let parts: Vec<String> = own
        .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), value.get()))
        .collect();
    let text = format!("{{{}}}", parts.join(","));
    parse_json::<EarningBody>(text.as_bytes(), &prefix)?.read(creator, &prefix)
}

fn results(
    read: Vec<Result<NewEarning>>,
    done: Vec<std::result::Result<Recorded, EarningError>>,
) -> BulkResults {
    let mut done = done.into_iter();
    let mut results = Vec::with_capacity(read.len());
    for (at, row) in read.into_iter().enumerate() {
        results.push(match row {
            Ok(_) => match done.next() {
                Some(one) => RowResult::of(at, one),
                None => RowResult::refused("it was not looked at".to_owned(), Vec::new()),
            },
            Err(problem) => RowResult::refused(problem.told().join("; "), problem.fields()),
        });
    }
    let count = |status| results.iter().filter(|row| row.status == status).count();
    BulkResults {
        recorded: count("recorded"),
        duplicates: count("duplicate"),
        refused: count("refused"),
        results,
    }
}

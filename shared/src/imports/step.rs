//! One step of a check or a run: the next rows, in one transaction with the checkpoint behind them.

use std::collections::BTreeSet;

use csv::{ByteRecord, StringRecord};
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Counts, Import, ImportId, ImportState, Plan, Problem, Row, Settings};
use super::reader::{self, Record, STEP_BYTES, STEP_ROWS};
use super::report::{self, Refused};
use super::resolve::{Decision, Facts, ROW_AGAIN};
use super::{ImportError, apply, store, undo};
use crate::audit::{self, Entry};
use crate::creators;
use crate::custom_fields;
use crate::files;
use crate::kernel::Ctx;

/// Does the next rows of an import; answers how it stands then. One that has ended stays as it is.
///
/// # Errors
/// If there is none of that id, or the database refuses; then roll back, and doing it again does the same.
pub async fn step(conn: &mut PgConnection, ctx: &Ctx, id: ImportId) -> Result<Import, ImportError> {
    let import = store::lock(conn, id).await?;
    let import = import.ok_or(ImportError::NotFound(id))?;
    match import.state {
        ImportState::Checking | ImportState::Running => rows(conn, ctx, &import).await?,
        ImportState::Undoing => undo::step(conn, ctx, &import).await?,
        ImportState::Uploaded
        | ImportState::Checked
        | ImportState::Completed
        | ImportState::Cancelled
        | ImportState::Failed
        | ImportState::Undone => return Ok(import),
    }
    let import = store::lock(conn, id).await?;
    import.ok_or(ImportError::NotFound(id))
}

async fn rows(conn: &mut PgConnection, ctx: &Ctx, import: &Import) -> Result<(), ImportError> {
    let Some((piece, last)) = piece(conn, ctx, import).await? else {
        return give_up(conn, ctx, import, &ImportError::FileGone).await;
    };
    let Some(settings) = &import.settings else {
        return give_up(conn, ctx, import, &ImportError::FileGone).await;
    };
    let records = reader::records(&piece, last, import.delimiter, STEP_ROWS);
    if records.is_empty() {
        if last {
            return finish(conn, ctx, import).await;
        }
        let endless = ImportError::EndlessRow(import.read_rows);
        return give_up(conn, ctx, import, &endless).await;
    }
    let fields = custom_fields::held_definitions(conn).await?;
    let plan = Plan::new(&import.headers, settings, &fields);
    let mut step = Step::read(import, &plan, &records);
    let facts = facts(conn, import, &step.rows).await?;
    step.decide(ctx, &plan, settings, &facts);
    if import.state == ImportState::Running {
        let lost = apply::apply(conn, ctx, import, &facts, &step.decided).await?;
        step.refuse(&lost, "the address or the username was taken just now");
    } else {
        let claims = step.claims();
        let again = store::claim(conn, import, &claims).await?;
        step.refuse(&again, ROW_AGAIN);
    }
    step.refused.sort_by_key(|refused| refused.row);
    report::add(conn, ctx, import, &step.refused).await?;
    let read_bytes = records.last().map_or(0, |record| record.ends_at);
    let checkpoint = store::Checkpoint {
        bytes: i64::try_from(read_bytes).unwrap_or(i64::MAX),
        rows: i64::try_from(records.len()).unwrap_or(i64::MAX),
        counts: step.counts(),
    };
    Ok(store::advance(conn, ctx, import.id, &checkpoint).await?)
}

/// The next bytes of the file, and whether they are its last; none if it has expired.
async fn piece(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
) -> Result<Option<(Vec<u8>, bool)>, ImportError> {
    let Some(file) = import.file else {
        return Ok(None);
    };
    if files::find(conn, ctx, file).await?.is_none() {
        return Ok(None);
    }
    let (mut bytes, mut at) = (Vec::with_capacity(2 * STEP_BYTES), import.read_bytes);
    while bytes.len() < STEP_BYTES
        && let Some(part) = files::read(conn, file, at).await?
    {
        at += i64::try_from(part.content.len()).unwrap_or(0);
        bytes.extend(part.content);
    }
    Ok(Some((bytes, at >= import.file_bytes)))
}

async fn facts(
    conn: &mut PgConnection,
    import: &Import,
    rows: &[(usize, Row)],
) -> Result<Facts, ImportError> {
    let keys: Vec<creators::Key> = rows.iter().map(|(_, row)| row.key()).collect();
    let known = if import.state == ImportState::Running {
        creators::lock_named(conn, &keys).await?
    } else {
        creators::named(conn, &keys).await?
    };
    let mut facts = Facts::new(known);
    let ids = facts.ids();
    let clusters = creators::clusters(conn).await?.into_iter();
    let reached = clusters.map(|cluster| cluster.id).filter(|id| {
        let limits = import.clusters.as_ref();
        limits.is_none_or(|limits| limits.contains(id))
    });
    facts.clusters = reached.collect();
    if !ids.is_empty() {
        facts.touched = store::touched(conn, import.id, &ids).await?;
        facts.undone = store::archived_by_undo(conn, &ids).await?;
        facts.values = custom_fields::values_of(conn, &ids).await?;
    }
    Ok(facts)
}

/// The rows of one step, on their way.
struct Step<'a> {
    records: &'a [Record],
    first: i64,
    rows: Vec<(usize, Row)>,
    decided: Vec<(usize, i64, Decision)>,
    refused: Vec<Refused>,
}

impl<'a> Step<'a> {
    fn read(import: &Import, plan: &Plan<'_>, records: &'a [Record]) -> Self {
        let mut step = Self {
            records,
            first: import.read_rows + 1,
            rows: Vec::with_capacity(records.len()),
            decided: Vec::with_capacity(records.len()),
            refused: Vec::new(),
        };
        for (at, record) in records.iter().enumerate() {
            let text = StringRecord::from_byte_record(record.cells.clone()).map_err(|_| {
                vec![Problem::of_row(
                    "the row is not UTF-8; save the file as \"CSV UTF-8\"",
                )]
            });
            match text.and_then(|text| plan.read(&text)) {
                Ok(row) => step.rows.push((at, row)),
                Err(problems) => step.note(at, problems),
            }
        }
        step
    }

    /// The number of a row in the file; the header is the first.
    fn number(&self, at: usize) -> i64 {
        self.first + i64::try_from(at).unwrap_or(i64::MAX)
    }

    fn note(&mut self, at: usize, problems: Vec<Problem>) {
        let cells = self.records.get(at).map(|record| lossy(&record.cells));
        self.refused.push(Refused {
            row: self.number(at),
            cells: cells.unwrap_or_default(),
            problems,
        });
    }

    fn decide(&mut self, ctx: &Ctx, plan: &Plan<'_>, settings: &Settings, facts: &Facts) {
        let mut claimed = BTreeSet::new();
        for (at, row) in std::mem::take(&mut self.rows) {
            match facts.decide(plan, settings, row, ctx.now()) {
                Ok(decision) => {
                    let claims = decision.claims();
                    if claims.iter().any(|claim| claimed.contains(claim)) {
                        self.note(at, vec![Problem::of_row(ROW_AGAIN)]);
                    } else {
                        claimed.extend(claims);
                        self.decided.push((at, self.number(at), decision));
                    }
                }
                Err(problems) => self.note(at, problems),
            }
        }
    }

    fn claims(&self) -> Vec<(i64, uuid::Uuid)> {
        let claims = self.decided.iter().flat_map(|(_, row, decision)| {
            let of_one = decision.claims().into_iter();
            of_one.map(|claim| (*row, claim))
        });
        claims.collect()
    }

    /// Refuses rows that were decided.
    fn refuse(&mut self, rows: &BTreeSet<i64>, why: &str) {
        let decided = std::mem::take(&mut self.decided);
        for (at, row, decision) in decided {
            if rows.contains(&row) {
                self.note(at, vec![Problem::of_row(why)]);
            } else {
                self.decided.push((at, row, decision));
            }
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts {
            failed: i64::try_from(self.refused.len()).unwrap_or(i64::MAX),
            ..Counts::default()
        };
        for (_, _, decision) in &self.decided {
            match decision {
                Decision::Create(..) => counts.created += 1,
                Decision::Update(_) => counts.updated += 1,
                Decision::Unchanged(_) => counts.unchanged += 1,
                Decision::Skip(_) => counts.skipped += 1,
            }
        }
        counts
    }
}

/// The cells of a row, whatever is in them.
fn lossy(cells: &ByteRecord) -> StringRecord {
    cells
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).into_owned())
        .collect()
}

async fn finish(conn: &mut PgConnection, ctx: &Ctx, import: &Import) -> Result<(), ImportError> {
    let state = if import.state == ImportState::Checking {
        ImportState::Checked
    } else {
        ImportState::Completed
    };
    store::end(conn, ctx, import.id, state, None).await?;
    let counts = &import.counts;
    let entry = Entry::new("creator.import_end", import.id).after(json!({
        "state": state, "created": counts.created, "updated": counts.updated, "unchanged": counts.unchanged,
        "skipped": counts.skipped, "failed": counts.failed,
    }));
    Ok(audit::record(conn, ctx, entry).await?)
}

async fn give_up(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
    why: &ImportError,
) -> Result<(), ImportError> {
    let failed = ImportState::Failed;
    Ok(store::end(conn, ctx, import.id, failed, Some(&why.to_string())).await?)
}

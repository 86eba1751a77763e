//! Payouts: handing over, asking, and looking for what is due.

use serde_json::json;
use shared::payouts::{
    self, AskPayout, BatchFormat, BatchPayouts, BatchState, FolderFile, HandOver, MatchStatement,
    PayoutError, ReadStatements, RunPayouts, SWEEP_MAX, Step, SubmitPayout, SweepPayouts,
};
use shared::queue::{Done, Failure, Outcome, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<SubmitPayout, _, _>(submit)
        .on::<AskPayout, _, _>(ask)
        .on::<SweepPayouts, _, _>(sweep)
        .on::<RunPayouts, _, _>(run)
        .on::<BatchPayouts, _, _>(batch)
        .on::<MatchStatement, _, _>(match_statement)
        .on::<ReadStatements, _, _>(read_statements)
}

async fn submit(job: SubmitPayout, cx: JobCx) -> Outcome {
    cx.ensure_live()?;
    let ctx = cx.ctx();
    let done = payouts::submit(&cx.app.db, &ctx, &cx.app.carriers, &job).await;
    told(done)
}

async fn ask(job: AskPayout, cx: JobCx) -> Outcome {
    cx.ensure_live()?;
    let ctx = cx.ctx();
    let done = payouts::ask(&cx.app.db, &ctx, &cx.app.carriers, job.payout_id).await;
    told(done)
}

fn told(done: Result<Step, PayoutError>) -> Outcome {
    match done {
        Ok(Step::Stands(state)) => Ok(Done::output(&json!({ "state": state }))),
        Ok(Step::Nothing) => Ok(Done::NOTHING),
        Err(error) => Err(follow(error)),
    }
}

async fn sweep(_: SweepPayouts, cx: JobCx) -> Outcome {
    let (mut found, mut ended) = (0, 0);
    loop {
        cx.ensure_live()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let due = payouts::sweep_step(&mut tx, &ctx).await.map_err(follow)?;
        let overdue = payouts::expire_step(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        found += due;
        ended += overdue;
        let more = |step| i64::try_from(step).is_ok_and(|step| step == SWEEP_MAX);
        if !more(due) && !more(overdue) {
            return Ok(Done::output(&json!({ "found": found, "expired": ended })));
        }
    }
}

async fn run(_: RunPayouts, cx: JobCx) -> Outcome {
    let (mut looked_at, mut requested) = (0, 0);
    loop {
        cx.ensure_live()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = payouts::run_step(&mut tx, &ctx, &cx.app.carriers)
            .await
            .map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        looked_at += step.looked_at;
        requested += step.requested;
        if !step.more {
            return Ok(Done::output(
                &json!({ "lookedAt": looked_at, "requested": requested }),
            ));
        }
    }
}

async fn batch(job: BatchPayouts, cx: JobCx) -> Outcome {
    let formats = match job.format {
        Some(format) => vec![format],
        None => cx.app.carriers.formats(),
    };
    let (mut files, mut held) = (0, 0);
    let mut failed = None;
    for format in formats {
        match all_files(&cx, format).await {
            Ok((handed_over, kept_back)) => {
                files += handed_over;
                held += kept_back;
            }
            // what keeps one format from going out does not keep the others
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(Done::output(&json!({ "files": files, "held": held }))),
    }
}

/// Hands over all files of a format; answers how many, and how many payouts must not go out.
async fn all_files(cx: &JobCx, format: BatchFormat) -> Result<(usize, usize), Failure> {
    let (mut files, mut held) = (0, 0);
    // a file that is refused is looked at before another one is made
    while let Some(step) = one_file(cx, format).await? {
        files += usize::from(step.handed_over);
        held += step.held;
        if !step.goes_on {
            break;
        }
    }
    Ok((files, held))
}

/// What became of one file.
struct FileStep {
    handed_over: bool,
    held: usize,
    goes_on: bool,
}

/// Hands over the file that waits, or else makes one; none if there is nothing for it.
async fn one_file(cx: &JobCx, format: BatchFormat) -> Result<Option<FileStep>, Failure> {
    cx.ensure_live()?;
    let (ctx, db, carriers) = (cx.ctx(), &cx.app.db, &cx.app.carriers);
    let mut tx = db.begin().await.map_err(retry)?;
    let waiting = payouts::next_batch(&mut tx, format).await.map_err(follow)?;
    let (id, held) = match waiting {
        Some(id) => (Some(id), 0),
        None => {
            let step = payouts::write_step(&mut tx, &ctx, carriers, format).await;
            let step = step.map_err(follow)?;
            if step.is_nothing() {
                return Ok(None);
            }
            db.commit(tx, &ctx).await.map_err(retry)?;
            (step.batch.map(|batch| batch.id), step.held)
        }
    };
    let Some(id) = id else {
        return Ok(Some(FileStep {
            handed_over: false,
            held,
            goes_on: true,
        }));
    };
    cx.ensure_live()?;
    let done = payouts::hand_over_batch(db, &ctx, carriers, id).await;
    let done = done.map_err(follow)?;
    Ok(Some(FileStep {
        handed_over: done == HandOver::Stands(BatchState::HandedOver),
        held,
        goes_on: done != HandOver::Stands(BatchState::Failed),
    }))
}

async fn match_statement(job: MatchStatement, cx: JobCx) -> Outcome {
    let mut looked_at = 0;
    loop {
        cx.ensure_live()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = payouts::match_step(&mut tx, &ctx, job.statement_id).await;
        let step = step.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        looked_at += step.looked_at;
        if !step.more {
            return Ok(Done::output(&json!({ "lookedAt": looked_at })));
        }
    }
}

async fn read_statements(_: ReadStatements, cx: JobCx) -> Outcome {
    let (mut taken, mut refused) = (0, 0);
    let ctx = cx.ctx();
    let names = payouts::waiting_files(&ctx, &cx.app.carriers).await;
    for name in names.map_err(follow)? {
        cx.ensure_live()?;
        let (ctx, db) = (cx.ctx(), &cx.app.db);
        let file = payouts::take_file(db, &ctx, &cx.app.carriers, &name).await;
        match file.map_err(follow)? {
            FolderFile::Taken(_) => taken += 1,
            FolderFile::Refused(why) => {
                tracing::warn!(file = name, why, "a file in the inbox is no statement");
                refused += 1;
            }
            FolderFile::NotReady => {}
        }
    }
    Ok(Done::output(&json!({ "taken": taken, "refused": refused })))
}

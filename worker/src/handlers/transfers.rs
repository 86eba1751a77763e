//! Files in and out: imports, exports, and what is removed when its time is over.

use serde_json::json;
use shared::exports::{self, ExportError, ExportState, ExportWork};
use shared::files::{self, PurgeFiles};
use shared::imports::{self, ImportError, ImportWork};
use shared::kernel::{Classify, ErrorKind};
use shared::queue::{Done, Failure, Outcome, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<ImportWork, _, _>(import)
        .on::<ExportWork, _, _>(export)
        .on::<PurgeFiles, _, _>(purge)
}

async fn import(job: ImportWork, cx: JobCx) -> Outcome {
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let import = match imports::step(&mut tx, &ctx, job.import_id).await {
            Ok(import) => import,
            Err(error) => {
                drop(tx);
                return Err(give_up_import(error, &job, &cx).await);
            }
        };
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        if let Some(done) = import.progress() {
            cx.progress(done as f32, None);
        }
        // another pass has a job of its own
        if !import.state.goes_on() || import.pass != job.pass {
            return Ok(Done::NOTHING);
        }
    }
}

/// What follows from a step that failed; when there is no other attempt the import is told so.
async fn give_up_import(error: ImportError, job: &ImportWork, cx: &JobCx) -> Failure {
    if is_hopeless(error.kind()) || cx.is_last_attempt() {
        let (ctx, why) = (cx.ctx(), error.to_string());
        let noted = async {
            let mut tx = cx.app.db.begin().await?;
            imports::fail(&mut tx, &ctx, job.import_id, &why).await?;
            Ok::<_, ImportError>(cx.app.db.commit(tx, &ctx).await?)
        };
        if let Err(unnoted) = noted.await {
            // it then stands still; replaying the dead job carries it on
            tracing::error!(import = %job.import_id, error = %unnoted, "an import could not be marked as failed");
        }
    }
    follow(error)
}

async fn export(job: ExportWork, cx: JobCx) -> Outcome {
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let export = match exports::step(&mut tx, &ctx, job.export_id).await {
            Ok(export) => export,
            Err(error) => {
                drop(tx);
                return Err(give_up_export(error, &job, &cx).await);
            }
        };
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        if export.matched > 0 {
            cx.progress((export.rows as f32 / export.matched as f32).min(1.0), None);
        }
        if export.state != ExportState::Running {
            return Ok(Done::NOTHING);
        }
    }
}

/// As [`give_up_import`].
async fn give_up_export(error: ExportError, job: &ExportWork, cx: &JobCx) -> Failure {
    if is_hopeless(error.kind()) || cx.is_last_attempt() {
        let (ctx, why) = (cx.ctx(), error.to_string());
        let noted = async {
            let mut tx = cx.app.db.begin().await?;
            exports::fail(&mut tx, &ctx, job.export_id, &why).await?;
            Ok::<_, ExportError>(cx.app.db.commit(tx, &ctx).await?)
        };
        if let Err(unnoted) = noted.await {
            tracing::error!(export = %job.export_id, error = %unnoted, "an export could not be marked as failed");
        }
    }
    follow(error)
}

const fn is_hopeless(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Forbidden
    )
}

async fn purge(_: PurgeFiles, cx: JobCx) -> Outcome {
    let (mut files, mut imports, mut exports) = (0, 0, 0);
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let gone = [
            files::purge(&mut tx, &ctx).await.map_err(retry)?,
            imports::purge(&mut tx, &ctx).await.map_err(retry)?,
            exports::purge(&mut tx, &ctx).await.map_err(retry)?,
        ];
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        files += gone[0];
        imports += gone[1];
        exports += gone[2];
        if gone == [0; 3] {
            return Ok(Done::Output(
                json!({ "files": files, "imports": imports, "exports": exports }),
            ));
        }
    }
}

//! The database handle that opens transactions and, once they have committed, tells the queue.

use sqlx::{PgPool, Postgres, Transaction};

use super::Ctx;
use crate::queue::Signals;

/// A pool of connections and the signals that tell of new jobs after a commit.
///
/// `&mut PgConnection` in a signature joins your transaction; `&Db` opens its own. Whoever begins, commits.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    signals: Option<Signals>,
}

impl Db {
    /// A handle over `pool`. Without signals, new jobs are found by the leader's next round.
    pub fn new(pool: PgPool, signals: Option<Signals>) -> Self {
        Self { pool, signals }
    }

    /// The bare pool, for reads that need no transaction.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The signals, if this process sends any.
    pub fn signals(&self) -> Option<&Signals> {
        self.signals.as_ref()
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// If none comes.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query_scalar!("select 1")
            .fetch_one(&self.pool)
            .await
            .map(drop)
    }

    /// Begins a transaction; end it with [`Db::commit`].
    ///
    /// # Errors
    /// If no connection can be had.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.pool.begin().await
    }

    /// Commits, then tells of the jobs enqueued and the changes made under `ctx`.
    ///
    /// The push is only a shortcut: when it fails or the process dies before it, the leader finds the jobs.
    ///
    /// # Errors
    /// If the commit fails; then nothing of the transaction is known to have happened.
    pub async fn commit(&self, tx: Transaction<'static, Postgres>, ctx: &Ctx) -> sqlx::Result<()> {
        tx.commit().await?;
        let (hints, notices) = (ctx.take_hints(), ctx.take_notices());
        if let Some(signals) = &self.signals {
            signals.committed(hints, &notices).await;
        }
        Ok(())
    }
}

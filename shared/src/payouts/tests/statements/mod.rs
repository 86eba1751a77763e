//! What banks say of payouts: read, matched, decided about and reconciled.

mod folder;
mod nacha;
mod reconciling;
mod sepa;
mod written;

use uuid::Uuid;

use super::batching::Bank;
use super::*;
use crate::kernel::money::Money;
use crate::kernel::{Caller, PageRequest};

/// The payout's own id, as a bank repeats it.
fn e2e(id: PayoutId) -> String {
    InstructionId::from(id.uuid()).to_string()
}

impl Bank {
    /// Payouts of 100.00 gross, 97.50 net, which the bank has; and their file.
    async fn sent(&self, names: &[&str]) -> (BatchId, Vec<PayoutId>) {
        let mut payees = Vec::new();
        for name in names {
            payees.push(
                self.fresh(name, Currency::EUR, super::batching::iban())
                    .await,
            );
        }
        self.cool();
        let mut payouts = Vec::new();
        for payee in payees {
            let one = self.scheduled(payee, PayoutMethod::BankTransfer, Currency::EUR, "100");
            payouts.push(one.await);
        }
        let batch = self.written(BatchFormat::Pain001).await;
        self.hand_over(batch.id).await.expect("handed over");
        for payout in &payouts {
            assert_eq!(self.state(*payout).await, PayoutState::InTransit);
        }
        (batch.id, payouts)
    }

    async fn taken_by(&self, by: &Ctx, text: &str) -> Result<(BankStatement, bool), PayoutError> {
        let file = StatementFile {
            source: StatementSource::Upload,
            name: Some("statement".to_owned()),
            content: text.as_bytes().to_vec(),
        };
        take_statement(&self.world.db, by, &self.world.carriers, file).await
    }

    /// Takes a statement in and looks at all of it; answers where its entries stand, in its order.
    async fn read(&self, text: &str) -> Vec<EntryState> {
        let taken = self.taken_by(&self.world.by("treasurer"), text).await;
        let (statement, is_new) = taken.expect("readable");
        assert!(is_new);
        self.matched(statement.id).await;
        let mut entries = self.entries(statement.id).await;
        entries.sort_by_key(|entry| entry.place);
        entries.into_iter().map(|entry| entry.state).collect()
    }

    async fn matched(&self, id: StatementId) {
        loop {
            let mut tx = self.world.pool.begin().await.expect("begun");
            let step = match_step(&mut tx, &self.world.ctx(), id).await;
            tx.commit().await.expect("committed");
            if !step.expect("looked at").more {
                return;
            }
        }
    }

    async fn entries(&self, of: StatementId) -> Vec<StatementEntry> {
        let filter = EntryFilter {
            statement: Some(of),
            ..EntryFilter::default()
        };
        self.listed(filter).await
    }

    async fn listed(&self, filter: EntryFilter) -> Vec<StatementEntry> {
        let mut conn = self.world.pool.acquire().await.expect("a connection");
        let page = PageRequest::default();
        let found = list_entries(&mut conn, &self.world.ctx(), &filter, &page).await;
        found.expect("listed").items
    }

    /// The one entry that somebody has to decide about.
    async fn theirs(&self) -> StatementEntry {
        let filter = EntryFilter {
            theirs: true,
            ..EntryFilter::default()
        };
        let mut found = self.listed(filter).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    async fn match_by_hand(
        &self,
        by: &str,
        entry: StatementEntryId,
        payout: PayoutId,
        finding: Option<Finding>,
    ) -> Result<StatementEntry, PayoutError> {
        let by_hand = MatchByHand {
            payout,
            reason: "seen with the bank".to_owned(),
            finding,
        };
        let mut tx = self.world.pool.begin().await?;
        let done = match_entry(&mut tx, &self.world.by(by), entry, None, &by_hand).await;
        match done {
            Ok(entry) => {
                tx.commit().await?;
                Ok(entry)
            }
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }

    /// The report of today, which adds up; and the codes of what is missing.
    async fn reconciled(&self, currency: Currency) -> (Reconciliation, Vec<&'static str>) {
        let today = self.world.ctx().now().date_naive();
        let scope = ReconciliationScope {
            method: PayoutMethod::BankTransfer,
            currency,
            from: today - Duration::days(30),
            to: today,
        };
        let mut conn = self.world.pool.acquire().await.expect("a connection");
        let report = reconcile(&mut conn, &self.world.ctx(), scope).await;
        let report = report.expect("reconciled");
        assert_eq!(report.faults(), [], "{report:?}");
        let missing = report.missing().iter().map(|one| one.code).collect();
        (report, missing)
    }

    /// How many transfers the ledger has.
    async fn transfers(&self) -> i64 {
        sqlx::query_scalar("select count(*) from ledger_transfers")
            .fetch_one(&self.world.pool)
            .await
            .expect("counted")
    }

    fn today(&self) -> String {
        self.world.ctx().now().format("%Y-%m-%d").to_string()
    }
}

fn tally(count: i64, minor: i64) -> Tally {
    Tally { count, minor }
}

/// What the creator of a payout can spend, and was paid.
async fn euro_funds(bank: &Bank, of: PayoutId) -> (i64, i64) {
    let creator = bank.world.shown(of).await.payout.creator;
    let mut conn = bank.world.pool.acquire().await.expect("a connection");
    let all = creator_balances(&mut conn, creator)
        .await
        .expect("balances");
    let balance = |code| {
        let one = all.iter().find(|(account, _)| account.code == code);
        one.map(|(_, balance)| *balance).unwrap_or_default()
    };
    (
        balance(AccountCode::CreatorAvailable).available(),
        balance(AccountCode::CreatorPaid).posted(),
    )
}

/// Whether the caller's reach is what keeps them from it.
fn is_limited<T>(result: Result<T, PayoutError>) -> bool {
    matches!(
        result,
        Err(PayoutError::Limited | PayoutError::NoStatement(_) | PayoutError::NoEntry(_))
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_limited_to_some_clusters_sees_and_sends_none(pool: PgPool) {
    let bank = Bank::new(pool);
    let caller = Caller {
        subject: "local".to_owned(),
        roles: Vec::new(),
        scopes: None,
        clusters: Some(vec!["girlfanz".to_owned()]),
        creator: None,
        session: None,
    };
    let limited = Ctx::new(Actor::User(caller), &bank.world.clock);
    let text = written::camt("camt.053", "S1", &bank.today(), None, "");
    assert!(is_limited(bank.taken_by(&limited, &text).await));
    let (known, _) = bank
        .taken_by(&bank.world.by("treasurer"), &text)
        .await
        .expect("taken");
    let mut conn = bank.world.pool.acquire().await.expect("a connection");
    let page = PageRequest::default();
    assert!(is_limited(
        list_statements(&mut conn, &limited, &page).await
    ));
    assert!(is_limited(
        show_statement(&mut conn, &limited, known.id).await
    ));
    let all = EntryFilter::default();
    assert!(is_limited(
        list_entries(&mut conn, &limited, &all, &page).await
    ));
    let scope = ReconciliationScope {
        method: PayoutMethod::BankTransfer,
        currency: Currency::EUR,
        from: limited.now().date_naive(),
        to: limited.now().date_naive(),
    };
    assert!(is_limited(reconcile(&mut conn, &limited, scope).await));
    assert!(is_limited(
        list_ours_only(&mut conn, &limited, scope, &page).await
    ));
    let entry = StatementEntryId::from(Uuid::now_v7());
    assert!(is_limited(
        dismiss_entry(&mut conn, &limited, entry, None, "why not").await
    ));
}

//! Payouts held against the ledger every night: what fits is quiet, and what somebody meddles with is found.

use super::*;
use crate::providers::payout::{FakeAnswer, PayoutStatus};

/// What somebody does to one payout, in SQL with its id, and what is said of it.
const MEDDLED: [(&str, &str, &str); 6] = [
    (
        "in_transit",
        "update payouts set state = 'failed' where id = $1",
        "is failed, and in the ledger it is held",
    ),
    (
        "failed",
        "update payouts set state = 'in_transit' where id = $1",
        "is in_transit, and in the ledger it is released",
    ),
    (
        "in_transit",
        "update payouts set gross_minor = gross_minor + 1, net_minor = net_minor + 1 where id = $1",
        "holds {-10000,9800,200,9800} of USD, and is of {-10001,9801,200,9801} USD",
    ),
    (
        "completed",
        "update payouts set fee_minor = fee_minor - 1, net_minor = net_minor + 1 where id = $1",
        "posted {-10000,9800,200,9800}, and is of {-10000,9801,199,9801}",
    ),
    (
        "completed",
        "update payouts set state = 'returned' where id = $1",
        "is returned, and nothing came back",
    ),
    (
        "returned",
        "update payouts set state = 'completed' where id = $1",
        "is completed, and {9800,-9800,0,-9800} came back",
    ),
];

impl World {
    /// One payout in each sort of state; answers by state.
    async fn some(&self) -> Vec<(PayoutState, PayoutId)> {
        let ada = self.payee("ada", 100_000).await;
        let mut made = Vec::new();
        for ends in [
            None,
            Some(PayoutStatus::Pending),
            Some(PayoutStatus::Completed),
            Some(PayoutStatus::Returned),
        ] {
            let id = self.small(ada).await.id;
            if let Some(status) = ends {
                self.submitted(id, 1).await;
                self.fake
                    .set_status(&InstructionId::from(id.uuid()), status);
                self.asked_about(id).await;
            }
            made.push(id);
        }
        let refused = self.small(ada).await.id;
        self.fake.answer(FakeAnswer::Refuse);
        self.submitted(refused, 1).await;
        made.push(refused);
        let mut all = Vec::new();
        for id in made {
            all.push((self.shown(id).await.payout.state, id));
        }
        all
    }

    async fn found(&self) -> Vec<String> {
        let mut conn = self.pool.acquire().await.expect("a connection");
        let found = check(&mut conn).await.expect("read");
        let told = found.iter().map(|one| format!("{} {}", one.what, one.why));
        told.collect()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn payouts_in_all_sorts_of_states_fit_the_ledger_and_what_is_meddled_with_is_found(
    pool: PgPool,
) {
    let world = World::new(pool);
    let all = world.some().await;
    let states: Vec<&str> = all.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(
        states,
        ["scheduled", "in_transit", "completed", "returned", "failed"]
    );
    assert_eq!(world.found().await, [""; 0]);
    for (state, sql, why) in MEDDLED {
        let (_, id) = all
            .iter()
            .find(|(one, _)| one.as_str() == state)
            .expect("there is one");
        let mut tx = world.pool.begin().await.expect("begun");
        sqlx::query(sql)
            .bind(id.uuid())
            .execute(&mut *tx)
            .await
            .expect("somebody meddles");
        let found = check(&mut tx).await.expect("read");
        tx.rollback().await.expect("as before");
        let told: Vec<String> = found
            .iter()
            .map(|one| format!("{} {}", one.what, one.why))
            .collect();
        assert!(
            told.contains(&format!("payout {} {why}", id.uuid())),
            "{sql}: {told:?}"
        );
    }
    assert_eq!(world.found().await, [""; 0]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_of_no_payout_and_the_money_of_somebody_else_are_found(pool: PgPool) {
    let world = World::new(pool);
    let all = world.some().await;
    let bea = testing::payable_creator(&world.pool, "girlfanz", "bea").await;
    let (_, scheduled) = all[0];
    sqlx::query("update payouts set creator_id = $2 where id = $1")
        .bind(scheduled.uuid())
        .bind(bea.uuid())
        .execute(&world.pool)
        .await
        .expect("somebody meddles");
    world.earn(bea, 1_000).await;
    let ctx = world.ctx();
    let legs = [
        Leg::debit(
            Account::creator(bea, AccountCode::CreatorAvailable, Currency::USD),
            1_000,
        ),
        Leg::credit(
            Account::platform(AccountCode::PayoutClearing, Currency::USD),
            1_000,
        ),
    ];
    let stray = NewTransfer {
        id: TransferId::at(ctx.now()),
        kind: TransferKind::Payout,
        step: ledger::Step::Hold { expires_at: None },
        legs: legs.to_vec(),
        effective_at: ctx.now(),
    };
    let mut tx = world.pool.begin().await.expect("begun");
    ledger::post(&mut tx, &ctx, std::slice::from_ref(&stray))
        .await
        .expect("held");
    tx.commit().await.expect("committed");
    assert_eq!(
        world.found().await,
        [
            format!(
                "payout {} holds the money of another creator",
                scheduled.uuid()
            ),
            format!(
                "transfer {} is of a payout that is not there",
                stray.id.uuid()
            ),
        ]
    );
}

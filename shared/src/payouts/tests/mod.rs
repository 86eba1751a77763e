//! What payouts promise, asked of a real database and a provider that misbehaves.

mod batching;
mod checking;
mod deciding;
mod handing_over;
mod requesting;
mod running;
mod statements;
mod storms;

use std::sync::Arc;

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::creators::{self, CreatorId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Actor, Clock, Ctx, Db, TypedId};
use crate::ledger::{
    self, Account, AccountCode, Leg, NewTransfer, TransferId, TransferKind, creator_balances,
};
use crate::providers::payout::{FakePayouts, InstructionId};
use crate::testing;

/// Days after which a new destination is paid to, with a day to spare.
const COOLED: i64 = 4;

/// A world with one provider, and a clock that can be moved.
pub(super) struct World {
    pub(super) pool: PgPool,
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) fake: Arc<FakePayouts>,
    pub(super) carriers: Carriers,
}

impl World {
    pub(super) fn new(pool: PgPool) -> Self {
        let fake = Arc::new(FakePayouts::default());
        let carriers = Carriers::new(&[7; 32]).with(PayoutMethod::Paxum, fake.clone());
        Self {
            db: Db::new(pool.clone(), None),
            pool,
            clock: Clock::system(),
            fake,
            carriers,
        }
    }

    /// A context of somebody of staff, now.
    pub(super) fn by(&self, name: &str) -> Ctx {
        testing::staff(&self.clock, name)
    }

    /// A context of the system, now.
    pub(super) fn ctx(&self) -> Ctx {
        Ctx::new(Actor::System, &self.clock)
    }

    /// A creator who can be paid by Paxum and has that much, in cents.
    pub(super) async fn payee(&self, name: &str, cents: i64) -> CreatorId {
        let id = testing::payable_creator(&self.pool, "girlfanz", name).await;
        self.earn(id, cents).await;
        self.destination(id, name, &format!("{name}@pay.example"))
            .await;
        id
    }

    pub(super) async fn earn(&self, of: CreatorId, cents: i64) {
        let ctx = self.ctx();
        let mut tx = self.pool.begin().await.expect("begun");
        testing::earn(&mut tx, &ctx, of, Money::new(Currency::USD, cents)).await;
        tx.commit().await.expect("committed");
    }

    /// Enters an account at Paxum, verifies it and lets it cool.
    pub(super) async fn destination(
        &self,
        of: CreatorId,
        holder: &str,
        email: &str,
    ) -> DestinationId {
        let one = self.entered(of, holder, email).await;
        self.verified(of, one).await;
        self.clock.advance(Duration::days(COOLED));
        one
    }

    pub(super) async fn entered(&self, of: CreatorId, holder: &str, email: &str) -> DestinationId {
        let payee = Payee {
            holder: holder.to_owned(),
            account: PayoutAccount::Paxum {
                email: email.to_owned(),
            },
        };
        let mut tx = self.pool.begin().await.expect("begun");
        let (one, _) = add_destination(&mut tx, &self.by("clerk"), &self.carriers, of, payee)
            .await
            .expect("entered");
        tx.commit().await.expect("committed");
        one.id
    }

    pub(super) async fn verified(&self, of: CreatorId, id: DestinationId) {
        let mut tx = self.pool.begin().await.expect("begun");
        let ctx = self.by("auditor");
        decide_destination(&mut tx, &ctx, of, id, Verdict::Verified, None)
            .await
            .expect("verified");
        tx.commit().await.expect("committed");
    }

    /// Asks for a payout as somebody.
    pub(super) async fn asked(
        &self,
        by: &Ctx,
        of: CreatorId,
        amount: &str,
    ) -> Result<Payout, PayoutError> {
        let new = NewPayout {
            creator: of,
            amount: amount.to_owned(),
            currency: Currency::USD,
            method: PayoutMethod::Paxum,
            destination: None,
        };
        let mut tx = self.pool.begin().await?;
        match request(&mut tx, by, &new).await {
            Ok(payout) => {
                tx.commit().await?;
                Ok(payout)
            }
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }

    /// A payout below the amount from which somebody approves.
    pub(super) async fn small(&self, of: CreatorId) -> Payout {
        let payout = self.asked(&self.ctx(), of, "100").await.expect("asked");
        assert_eq!(payout.state, PayoutState::Scheduled);
        payout
    }

    /// Hands a payout over, for the nth time.
    pub(super) async fn submitted(&self, id: PayoutId, submission: i32) -> Step {
        let job = SubmitPayout {
            payout_id: id,
            submission,
        };
        submit(&self.db, &self.ctx(), &self.carriers, &job)
            .await
            .expect("no fault of ours")
    }

    pub(super) async fn asked_about(&self, id: PayoutId) -> Step {
        ask(&self.db, &self.ctx(), &self.carriers, id)
            .await
            .expect("no fault of ours")
    }

    pub(super) async fn shown(&self, id: PayoutId) -> PayoutDetail {
        let mut conn = self.pool.acquire().await.expect("a connection");
        show(&mut conn, &self.ctx(), id).await.expect("there")
    }

    /// What a creator can spend and has posted, and what was paid to them.
    pub(super) async fn funds(&self, of: CreatorId) -> (i64, i64, i64) {
        let mut conn = self.pool.acquire().await.expect("a connection");
        let all = creator_balances(&mut conn, of).await.expect("balances");
        let balance = |code| {
            let one = all.iter().find(|(account, _)| account.code == code);
            one.map(|(_, balance)| *balance).unwrap_or_default()
        };
        let own = balance(AccountCode::CreatorAvailable);
        let paid = balance(AccountCode::CreatorPaid).posted();
        (own.available(), own.posted(), paid)
    }

    /// The ledger holds to the cent, and the payouts fit it.
    pub(super) async fn holds(&self) {
        let mut conn = self.pool.acquire().await.expect("a connection");
        let beside = check(&mut conn).await.expect("read");
        ledger::check_with(&self.db, &self.ctx(), beside)
            .await
            .expect("it holds");
    }

    /// How often the provider has been told of a payout, by how many ids.
    pub(super) fn carried(&self, id: PayoutId) -> usize {
        let id = InstructionId::from(id.uuid());
        let accepted = self.fake.accepted();
        accepted.iter().filter(|(other, _)| *other == id).count()
    }
}

/// The names of what stands against something.
pub(super) fn codes(error: &PayoutError) -> Vec<&'static str> {
    let PayoutError::NotEligible(reasons) = error else {
        panic!("{error:?}");
    };
    reasons.iter().map(|reason| reason.code).collect()
}

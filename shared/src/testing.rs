//! What the tests of several slices, of other crates and of the laboratory build. All of it panics where something fails.

use chrono::Duration;
use sqlx::{PgConnection, PgPool};

use crate::creators::{
    self, AgeVerdict, CreatorId, CreatorStatus, NewAgeDecision, NewCreator, PersonChanges,
    PersonId, StatusChange,
};
use crate::kernel::money::Money;
use crate::kernel::{Actor, Caller, Clock, Ctx};
use crate::ledger::{self, Account, AccountCode, Leg, NewTransfer, TransferId, TransferKind};
use crate::payouts::{self, Carriers, DestinationId, Payee};
use crate::verification::{self, NewVerdict, Verdict, VerificationKind, VerificationMethod};

/// A creator who said no more than they had to.
pub fn newcomer(cluster: &str, name: &str) -> NewCreator {
    NewCreator {
        email: format!("{name}@x.example").parse().expect("an address"),
        username: name.parse().expect("a username"),
        cluster: cluster.into(),
        phone: None,
        display_name: None,
        first_name: None,
        time_zone: None,
        person: None,
        birth_date: None,
        consents: Vec::new(),
    }
}

/// Registers a creator.
pub async fn creator(pool: &PgPool, cluster: &str, name: &str) -> CreatorId {
    let mut tx = pool.begin().await.expect("a transaction");
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let made = creators::register(&mut tx, &ctx, &newcomer(cluster, name))
        .await
        .expect("registered");
    tx.commit().await.expect("committed");
    made.id
}

/// When everybody here was born.
pub(crate) const BIRTH_DATE: &str = "1990-05-06";
/// For how many days from today the identity of [`payable_creator`] counts.
pub(crate) const IDENTITY_VALID_DAYS: i64 = 30;

/// Puts a person's name and birth date on file.
pub async fn papers(conn: &mut PgConnection, person: PersonId, name: &str) {
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let changes = PersonChanges {
        legal_name: Some(Some(name.to_owned())),
        birth_date: Some(Some(BIRTH_DATE.parse().expect("a date"))),
        ..PersonChanges::default()
    };
    creators::change_person(conn, &ctx, person, None, changes)
        .await
        .expect("changed");
}

/// Registers a creator who is active and whose age and identity are verified: nothing keeps them from being paid.
pub async fn payable_creator(pool: &PgPool, cluster: &str, name: &str) -> CreatorId {
    let id = creator(pool, cluster, name).await;
    let mut tx = pool.begin().await.expect("a transaction");
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let person = creators::get(&mut tx, id).await.expect("a creator").person;
    papers(&mut tx, person, name).await;
    let age = NewAgeDecision {
        verdict: AgeVerdict::Verified,
        birth_date: Some(BIRTH_DATE.parse().expect("a date")),
        evidence: "ticket 1".into(),
    };
    creators::decide_age(&mut tx, &ctx, person, &age)
        .await
        .expect("decided");
    verify(&mut tx, id, VerificationKind::Identity).await;
    let active = StatusChange {
        status: CreatorStatus::Active,
        reason: "verified".into(),
        effective_from: None,
    };
    creators::change_status(&mut tx, &ctx, id, None, &active)
        .await
        .expect("active");
    tx.commit().await.expect("committed");
    id
}

/// Takes a kind all the way to verified.
pub async fn verify(conn: &mut PgConnection, id: CreatorId, kind: VerificationKind) {
    let ctx = Ctx::new(Actor::System, &Clock::system());
    verification::submit(conn, &ctx, id, kind, "passport")
        .await
        .expect("submitted");
    let review = NewVerdict {
        verdict: Verdict::InReview,
        evidence: None,
        method: None,
        valid_until: None,
        reason: None,
        resubmittable: None,
    };
    let proven = NewVerdict {
        verdict: Verdict::Verify,
        evidence: Some("passport of Utopia, ends in 1234".into()),
        method: Some(VerificationMethod::Document),
        valid_until: Some(ctx.now().date_naive() + Duration::days(IDENTITY_VALID_DAYS)),
        ..review.clone()
    };
    for verdict in [review, proven] {
        verification::decide(conn, &ctx, id, kind, None, verdict)
            .await
            .expect("decided");
    }
}

/// A context of somebody of staff.
pub fn staff(clock: &Clock, name: &str) -> Ctx {
    let caller = Caller {
        subject: name.to_owned(),
        roles: Vec::new(),
        scopes: None,
        clusters: None,
        creator: None,
        session: None,
    };
    Ctx::new(Actor::User(caller), clock)
}

/// The transfer by which a creator has something available.
pub fn gift(ctx: &Ctx, of: CreatorId, amount: Money) -> NewTransfer {
    let receipts = Account::platform(AccountCode::FanReceipts, amount.currency);
    let own = Account::creator(of, AccountCode::CreatorAvailable, amount.currency);
    let legs = [
        Leg::debit(receipts, amount.minor),
        Leg::credit(own, amount.minor),
    ];
    let id = TransferId::at(ctx.now());
    NewTransfer::posting(id, TransferKind::Earning, ctx.now(), legs)
}

/// A creator has something available.
pub async fn earn(conn: &mut PgConnection, ctx: &Ctx, of: CreatorId, amount: Money) {
    ledger::post(conn, ctx, &[gift(ctx, of, amount)])
        .await
        .expect("posted");
}

/// Enters where a creator is paid, and has somebody else verify it.
pub async fn destination(
    conn: &mut PgConnection,
    clock: &Clock,
    carriers: &Carriers,
    of: CreatorId,
    payee: Payee,
) -> DestinationId {
    let clerk = staff(clock, "clerk");
    let (one, _) = payouts::add_destination(conn, &clerk, carriers, of, payee)
        .await
        .expect("entered");
    let auditor = staff(clock, "auditor");
    let verified = payouts::Verdict::Verified;
    payouts::decide_destination(conn, &auditor, of, one.id, verified, None)
        .await
        .expect("verified");
    one.id
}

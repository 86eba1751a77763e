//! Tiers against a real database; above all that the statement of a run and the rules say the same.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::tests::policy as test_policy;
use super::*;
use crate::creators::{self, CreatorId, CreatorStatus, Tier};
use crate::kernel::{Actor, Clock, Ctx, PageRequest, TypedId};
use crate::queue::Job;

fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

fn later(by: Duration) -> Ctx {
    let clock = Clock::system();
    clock.advance(by);
    Ctx::new(Actor::System, &clock)
}

/// A creator as a row, so that its age, status and tier can be anything.
#[derive(Debug, Clone)]
struct Made {
    id: CreatorId,
    created_at: DateTime<Utc>,
    status: CreatorStatus,
    tier: Tier,
    figure_minor: i64,
    standing: Standing,
}

async fn insert(conn: &mut PgConnection, made: &Made, day: NaiveDate) {
    let name = made.id.uuid().simple().to_string()[8..].to_owned();
    sqlx::query(
        "insert into creators (id, cluster_id, email, email_key, username, username_key, status, created_by,
                               created_at, updated_at)
         values ($1, 'girlfanz', $2 || '@x.example', $2 || '@x.example', $2, $2, $3, 'test', $4, $4)",
    )
    .bind(Uuid::from(made.id))
    .bind(&name)
    .bind(made.status.as_str())
    .bind(made.created_at)
    .execute(&mut *conn)
    .await
    .expect("a creator");
    sqlx::query("update creator_tiers set tier = $2 where creator_id = $1")
        .bind(Uuid::from(made.id))
        .bind(made.tier.as_str())
        .execute(&mut *conn)
        .await
        .expect("a tier");
    sqlx::query("insert into creator_earnings_daily values ($1, $2, $3), ($1, $4, 999999999), ($1, $5, 999999999)")
        .bind(Uuid::from(made.id))
        .bind(day)
        .bind(made.figure_minor)
        // the days beside the window do not count
        .bind(day - Duration::days(30))
        .bind(day + Duration::days(1))
        .execute(&mut *conn)
        .await
        .expect("earnings");
    super::store::one::keep(conn, made.id, made.standing, made.tier)
        .await
        .expect("a state");
}

/// Runs until it is finished.
async fn run_all(pool: &PgPool, ctx: &Ctx) -> TierRun {
    loop {
        let mut tx = pool.begin().await.expect("a transaction");
        let step = run_step(&mut tx, ctx).await.expect("a step");
        tx.commit().await.expect("committed");
        if let RunStep::Finished(run) = step {
            return run;
        }
    }
}

fn any_tier() -> impl Strategy<Value = Tier> {
    proptest::sample::select(Tier::ALL)
}

prop_compose! {
    fn anybody(now: DateTime<Utc>, today: NaiveDate)(
        tier in any_tier(),
        status in proptest::sample::select(CreatorStatus::ALL),
        minutes_old in 0i64..90 * 24 * 60,
        band in proptest::sample::select(vec![0i64, 100_000, 500_000, 2_500_000, 10_000_000]),
        around in -2i64..3,
        below in proptest::option::of((0i64..100, any_tier())),
    ) -> Made {
        let below = below
            .filter(|(_, best)| *best < tier)
            .map(|(days, best)| Below { since: today - Duration::days(days), best });
        Made {
            id: CreatorId::new(),
            created_at: now - Duration::minutes(minutes_old),
            status,
            tier,
            figure_minor: band + around,
            standing: Standing { organic: tier, below },
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_run_decides_for_everybody_as_the_rules_do_for_one(pool: PgPool) {
    let ctx = ctx();
    let day = ctx.now().date_naive() - Duration::days(1);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all = proptest::collection::vec(anybody(ctx.now(), day), 600);
    let all = all.new_tree(&mut runner).expect("people").current();
    let mut conn = pool.acquire().await.expect("a connection");
    // a tenth of a thousand is enough for legends here
    sqlx::query("update tier_policies set legend_one_in = 50, legend_min_active = 60")
        .execute(&mut *conn)
        .await
        .expect("changed");
    for made in &all {
        insert(&mut conn, made, day).await;
    }
    let rules = TierPolicy {
        legend_one_in: 50,
        legend_min_active: 60,
        ..test_policy()
    };
    let stored = policy(&mut conn, day).await.expect("rules");
    assert_eq!(stored.bands, rules.bands);

    let active: Vec<&Made> = {
        let mut active: Vec<&Made> = all
            .iter()
            .filter(|made| made.status == CreatorStatus::Active)
            .collect();
        active.sort_by_key(|made| (-made.figure_minor, made.created_at, made.id));
        active
    };
    let places = usize::try_from(rules.legends(active.len() as i64)).expect("few");
    assert!(places > 0, "{} active", active.len());
    let legends: Vec<CreatorId> = active.iter().take(places).map(|made| made.id).collect();

    run_all(&pool, &ctx).await;
    let mut moved = 0;
    for made in &all {
        let facts = TierFacts {
            figure_minor: made.figure_minor,
            created_at: made.created_at,
            is_legend: legends.contains(&made.id),
        };
        let expected = rules.next(made.standing, rules.earned(&facts, ctx.now()), day);
        let tier = creators::get(&mut conn, made.id).await.expect("there").tier;
        let state = super::store::one::state(&mut conn, made.id)
            .await
            .expect("a state");
        assert_eq!(
            (tier, state.unwrap_or(Standing::at(tier))),
            (expected.organic, expected),
            "{made:?}"
        );
        moved += usize::from(tier != made.tier);
    }
    assert!(moved > 100, "only {moved} moved: nothing was tried");
}

async fn registered(conn: &mut PgConnection) -> CreatorId {
    let new = creators::NewCreator {
        email: "ada@x.example".parse().expect("an address"),
        username: "ada".parse().expect("a username"),
        cluster: "girlfanz".into(),
        phone: None,
        display_name: None,
        first_name: None,
        time_zone: None,
        person: None,
        birth_date: None,
        consents: Vec::new(),
    };
    creators::register(conn, &ctx(), &new)
        .await
        .expect("registered")
        .id
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_of_large_earnings_promotes_at_once_and_says_why(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let id = registered(&mut conn).await;
    let today = ctx().now().date_naive();
    let jobs = async |conn: &mut PgConnection| -> i64 {
        sqlx::query_scalar("select count(*) from jobs where kind = $1")
            .bind(EvaluateTier::KIND)
            .fetch_one(conn)
            .await
            .expect("a count")
    };
    add_earnings(&mut conn, &ctx(), id, today, 99_999)
        .await
        .expect("added");
    assert_eq!(jobs(&mut conn).await, 0);
    add_earnings(&mut conn, &ctx(), id, today, 1)
        .await
        .expect("added");
    assert_eq!(jobs(&mut conn).await, 1);
    assert_eq!(
        evaluate(&mut conn, &ctx(), id).await.expect("evaluated"),
        Tier::Rising
    );
    let history = creators::tier_history(&mut conn, &ctx(), id, &PageRequest::default())
        .await
        .expect("a history");
    assert!(
        history.items[0]
            .reason
            .starts_with("100000 minor units of USD earned from "),
        "{:?}",
        history.items[0]
    );
    let status = status(&mut conn, &ctx(), id).await.expect("a status");
    assert_eq!(status.next_band(), Some((Tier::Established, 400_000)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_set_by_hand_holds_until_its_day_and_then_the_rules_are_back(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let id = registered(&mut conn).await;
    let until = ctx().now() + Duration::days(10);
    set_override(
        &mut conn,
        &ctx(),
        id,
        None,
        Tier::Star,
        "a famous guest",
        until,
    )
    .await
    .expect("set");
    let tier = async |conn: &mut PgConnection| creators::get(conn, id).await.expect("there").tier;
    assert_eq!(tier(&mut conn).await, Tier::Star);
    run_all(&pool, &later(Duration::days(5))).await;
    assert_eq!(tier(&mut conn).await, Tier::Star, "it holds");
    run_all(&pool, &later(Duration::days(40))).await;
    assert_eq!(tier(&mut conn).await, Tier::Emerging, "the rules are back");

    let past = ctx().now() - Duration::seconds(1);
    let refused = set_override(&mut conn, &ctx(), id, None, Tier::Star, "x", past).await;
    assert!(matches!(refused, Err(TierError::Invalid(_))), "{refused:?}");
    set_override(&mut conn, &ctx(), id, None, Tier::Legend, "x", until)
        .await
        .expect("set");
    clear_override(&mut conn, &ctx(), id, None)
        .await
        .expect("cleared");
    assert_eq!(tier(&mut conn).await, Tier::Emerging);
    let again = clear_override(&mut conn, &ctx(), id, None).await;
    assert!(matches!(again, Err(TierError::NoOverride(_))), "{again:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_set_by_hand_is_taken_back_by_its_job_and_one_set_since_is_not(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let id = registered(&mut conn).await;
    let tier = async |conn: &mut PgConnection| creators::get(conn, id).await.expect("there").tier;
    let organic = tier(&mut conn).await;
    let (soon, late) = (Duration::hours(1), Duration::hours(2));
    for (tier, by) in [(Tier::Star, soon), (Tier::Legend, late)] {
        let until = ctx().now() + by;
        set_override(&mut conn, &ctx(), id, None, tier, "a guest", until)
            .await
            .expect("set");
    }
    let jobs: Vec<(serde_json::Value, DateTime<Utc>)> = sqlx::query_as(
        "select args, run_at from jobs where kind = 'tier.end_override' order by run_at",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("asked");
    let [first, second] = jobs.as_slice() else {
        panic!("a job for each: {jobs:?}");
    };
    let job = |args: &serde_json::Value| {
        serde_json::from_value::<EndTierOverride>(args.clone()).expect("a payload")
    };
    let (first, second) = (job(&first.0), job(&second.0));
    let at = later(soon + Duration::seconds(1));
    let end = end_override(&mut conn, &at, &first).await.expect("looked");
    assert!(
        matches!(end, OverrideEnd::NotBefore(until) if until > at.now()),
        "{end:?}"
    );
    assert_eq!(tier(&mut conn).await, Tier::Legend, "the later one holds");
    let at = later(late + Duration::seconds(1));
    let end = end_override(&mut conn, &at, &second).await;
    assert_eq!(end.expect("looked"), OverrideEnd::TakenBack);
    assert_eq!(tier(&mut conn).await, organic);
    let end = end_override(&mut conn, &at, &second).await;
    assert_eq!(end.expect("looked"), OverrideEnd::NoneSet);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_did_not_see_a_tier_set_by_hand_does_not_replace_it(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let id = registered(&mut conn).await;
    let seen = status(&mut conn, &ctx(), id)
        .await
        .expect("there")
        .version();
    let until = ctx().now() + Duration::days(10);
    set_override(
        &mut conn,
        &ctx(),
        id,
        Some(seen),
        Tier::Star,
        "a guest",
        until,
    )
    .await
    .expect("set");
    let stale = set_override(&mut conn, &ctx(), id, Some(seen), Tier::Rising, "x", until).await;
    assert!(matches!(stale, Err(TierError::Stale)), "{stale:?}");
    let stale = clear_override(&mut conn, &ctx(), id, Some(seen)).await;
    assert!(matches!(stale, Err(TierError::Stale)), "{stale:?}");
    let seen = status(&mut conn, &ctx(), id)
        .await
        .expect("there")
        .version();
    clear_override(&mut conn, &ctx(), id, Some(seen))
        .await
        .expect("cleared");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_run_that_was_interrupted_goes_on_and_respects_what_was_set_meanwhile(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let id = registered(&mut conn).await;
    let past = later(Duration::days(40));
    for _ in 0..2 {
        let step = run_step(&mut conn, &past).await.expect("a step");
        assert_eq!(step, RunStep::GoOn);
    }
    // decided to be emerging; but before that is applied, somebody sets another tier
    let after = later(Duration::days(41));
    let until = after.now() + Duration::days(5);
    set_override(&mut conn, &after, id, None, Tier::Newcomer, "x", until)
        .await
        .expect("set");
    let run = run_all(&pool, &after).await;
    assert_eq!((run.evaluated, run.promoted), (1, 1));
    let tier = creators::get(&mut conn, id).await.expect("there").tier;
    assert_eq!(tier, Tier::Newcomer);
}

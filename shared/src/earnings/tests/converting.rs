//! Converting into the reporting currency, which is the dollar here.

use chrono::{DateTime, NaiveDate, Utc};

use super::*;
use crate::fx;
use crate::kernel::money::Money;

const YEN: Currency = Currency::JPY;

fn at(text: &str) -> Ctx {
    let clock = Clock::system();
    let then: DateTime<Utc> = text.parse().expect("a time");
    clock.advance(then - clock.now());
    Ctx::new(Actor::System, &clock)
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// A tip in yen at the context's time; the creator's share is four fifths.
async fn yen(pool: &PgPool, ctx: &Ctx, id: CreatorId, amount: &str) -> Earning {
    let new = NewEarning {
        currency: Some(YEN),
        ..tip(id, amount)
    };
    recorded(pool, ctx, new).await.expect("recorded").0
}

/// Puts what a euro is worth on a day, in yen and in dollars.
async fn rates(pool: &PgPool, ctx: &Ctx, on: &str, yen: &str, dollars: &str) {
    let mut tx = pool.begin().await.expect("begun");
    for (code, per_eur) in [("JPY", yen), ("USD", dollars)] {
        let code = code.parse().expect("a code");
        fx::put_rate(&mut tx, ctx, &code, day(on), per_eur, "for a test")
            .await
            .expect("put");
    }
    tx.commit().await.expect("committed");
}

/// Runs what the job runs; answers how many rows were converted, and which rates are missing.
async fn converted(pool: &PgPool, ctx: &Ctx) -> (usize, Vec<(Currency, NaiveDate)>) {
    let (mut done, mut missing, mut place) = (0, Vec::new(), None);
    loop {
        let mut tx = pool.begin().await.expect("begun");
        let step = fix_rates(&mut tx, ctx, place).await.expect("looked up");
        tx.commit().await.expect("committed");
        missing.extend(step.missing);
        place = step.next;
        if place.is_none() {
            break;
        }
    }
    loop {
        let mut tx = pool.begin().await.expect("begun");
        let step = convert_step(&mut tx, ctx).await.expect("converted");
        tx.commit().await.expect("committed");
        done += step.done;
        if !step.more {
            return (done, missing);
        }
    }
}

async fn reporting(pool: &PgPool, ctx: &Ctx, id: CreatorId) -> Reporting {
    let mut conn = pool.acquire().await.expect("a connection");
    let summary = summary(&mut conn, ctx, id).await.expect("a summary");
    summary.reporting
}

/// What counts for tiers, by day.
async fn daily(pool: &PgPool) -> Vec<(NaiveDate, i64)> {
    sqlx::query_as("select day, share_minor from creator_earnings_daily order by creator_id, day")
        .fetch_all(pool)
        .await
        .expect("read")
}

async fn jobs(pool: &PgPool, kind: &str) -> i64 {
    sqlx::query_scalar("select count(*) from jobs where kind = $1")
        .bind(kind)
        .fetch_one(pool)
        .await
        .expect("counted")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_is_converted_once_its_rate_is_known_and_counts_for_tiers(pool: PgPool) {
    let ada = ada(&pool).await;
    let friday = at("2026-11-20T10:00:00Z");
    yen(&pool, &friday, ada, "1000000").await;
    rates(&pool, &friday, "2026-11-19", "160", "1.2").await;
    assert_eq!(
        converted(&pool, &friday).await,
        (0, vec![]),
        "Thursday's rate is not Friday's"
    );
    let waits = reporting(&pool, &friday, ada).await;
    assert_eq!(
        waits.waiting,
        [Waiting {
            amount: Money::new(YEN, 800_000),
            first_day: day("2026-11-20"),
            why: WaitReason::DayUnderWay,
        }]
    );
    let figures = waits.summary.expect("today's balances have a rate");
    assert_eq!(figures.total, 0, "it is left out, and said to be");
    assert_eq!(figures.pending, 562_500, "750,000 yen at 0.0075");

    let afternoon = at("2026-11-20T15:30:00Z");
    rates(&pool, &afternoon, "2026-11-20", "150", "1.2").await;
    assert_eq!(
        jobs(&pool, "earning.convert").await,
        1,
        "new rates have it run"
    );
    assert_eq!(converted(&pool, &afternoon).await, (1, vec![]));
    assert_eq!(
        daily(&pool).await,
        [(day("2026-11-20"), 640_000)],
        "0.008 of 800,000"
    );
    assert_eq!(
        jobs(&pool, "tier.evaluate").await,
        1,
        "a day of large earnings"
    );
    let done = reporting(&pool, &afternoon, ada).await;
    assert_eq!((done.waiting, done.without_rate), (vec![], vec![]));
    let figures = done.summary.expect("converted");
    assert_eq!(
        (figures.total, figures.breakdown[&BreakdownKey::Tips]),
        (640_000, 640_000)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_comes_later_goes_by_the_rate_that_was_fixed_also_when_it_is_corrected(pool: PgPool) {
    let ada = ada(&pool).await;
    let friday = at("2026-11-20T16:00:00Z");
    rates(&pool, &friday, "2026-11-20", "150", "1.2").await;
    let first = yen(&pool, &friday, ada, "1001").await;
    assert_eq!(converted(&pool, &friday).await.0, 1);
    assert_eq!(
        daily(&pool).await,
        [(day("2026-11-20"), 641)],
        "801 yen are 640.8"
    );

    let monday = at("2026-11-23T16:00:00Z");
    rates(&pool, &monday, "2026-11-20", "300", "1.2").await;
    rates(&pool, &monday, "2026-11-23", "75", "1.2").await;
    let late = NewEarning {
        currency: Some(YEN),
        occurred_at: Some(friday.now()),
        ..tip(ada, "10")
    };
    recorded(&pool, &monday, late).await.expect("recorded");
    reversed(&pool, &monday, &first, refund(None))
        .await
        .expect("taken back");
    assert_eq!(converted(&pool, &monday).await.0, 2);
    assert_eq!(
        daily(&pool).await,
        [(day("2026-11-20"), 647), (day("2026-11-23"), -641)],
        "809 and 801 yen at 0.008, not at 0.004 or 0.016"
    );
    assert_eq!(converted(&pool, &monday).await, (0, vec![]), "once");
    let kept: Vec<(String, i64)> = sqlx::query_as(
        "select trim_scale(r.rate)::text || ' ' || f.source, c.converted_minor
         from earnings_converted c
         join earning_rates r on r.currency = c.currency and r.reporting = c.reporting and r.day = c.rate_day
         join fx_rates f on f.id = r.from_rate_id order by c.day",
    )
    .fetch_all(&pool)
    .await
    .expect("read");
    let rate = || "0.008 manual".to_owned();
    assert_eq!(kept, [(rate(), 647), (rate(), -641)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_rate_it_waits_with_the_reason_and_nothing_is_taken_one_for_one(pool: PgPool) {
    let ada = ada(&pool).await;
    yen(&pool, &at("2026-11-10T10:00:00Z"), ada, "1000").await;
    let later = at("2026-11-20T10:00:00Z");
    rates(&pool, &later, "2026-11-02", "150", "1.2").await;
    rates(&pool, &later, "2026-11-11", "150", "1.2").await;
    assert_eq!(
        converted(&pool, &later).await,
        (0, vec![(YEN, day("2026-11-10"))]),
        "one is older than the rules allow, the other later than the day"
    );
    assert!(daily(&pool).await.is_empty());
    let told = reporting(&pool, &later, ada).await;
    assert_eq!((told.summary, told.without_rate), (None, vec![YEN]));
    assert_eq!(told.waiting[0].why, WaitReason::NoRate);
    rates(&pool, &later, "2026-11-03", "150", "1.2").await;
    let told = reporting(&pool, &later, ada).await;
    assert_eq!(told.waiting[0].why, WaitReason::NextRun);
    assert_eq!(
        converted(&pool, &later).await,
        (1, vec![]),
        "a week old will do"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn of_many_who_convert_and_earn_at_once_nothing_counts_twice_or_not_at_all(pool: PgPool) {
    let ada = ada(&pool).await;
    let now = at("2026-11-20T16:00:00Z");
    rates(&pool, &now, "2026-11-20", "150", "1.2").await;
    let tries: Vec<_> = (0..24)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let now = at("2026-11-20T16:00:00Z");
                if n % 3 == 0 {
                    converted(&pool, &now).await;
                } else {
                    yen(&pool, &now, ada, "1250").await;
                    recorded(&pool, &now, tip(ada, "1.25"))
                        .await
                        .expect("recorded");
                }
            })
        })
        .collect();
    for one in tries {
        one.await.expect("no deadlock");
    }
    converted(&pool, &now).await;
    assert_eq!(daily(&pool).await, [(day("2026-11-20"), 16 * (800 + 100))]);
    let waits: i64 = sqlx::query_scalar("select count(*) from earnings_unconverted")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(waits, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_converted_and_what_waits_follows_a_merge(pool: PgPool) {
    let (ada, bea) = (
        ada(&pool).await,
        testing::creator(&pool, "girlfanz", "bea").await,
    );
    let friday = at("2026-11-20T16:00:00Z");
    rates(&pool, &friday, "2026-11-20", "150", "1.2").await;
    for id in [ada, bea] {
        yen(&pool, &friday, id, "1250").await;
    }
    converted(&pool, &friday).await;
    let saturday = at("2026-11-21T16:00:00Z");
    for id in [ada, bea] {
        yen(&pool, &saturday, id, "125").await;
    }
    let mut tx = pool.begin().await.expect("begun");
    crate::reactions::creators_merged(&mut tx, &saturday, bea, ada)
        .await
        .expect("followed");
    tx.commit().await.expect("committed");
    let told = reporting(&pool, &saturday, ada).await;
    assert_eq!(told.summary.expect("converted").total, 2 * 800);
    assert_eq!(told.waiting[0].amount, Money::new(YEN, 200));
    let sunday = at("2026-11-22T16:00:00Z");
    assert_eq!(converted(&pool, &sunday).await.0, 1);
    assert_eq!(
        daily(&pool).await,
        [(day("2026-11-20"), 1_600), (day("2026-11-21"), 160)],
        "Saturday goes by Friday's rate"
    );
}

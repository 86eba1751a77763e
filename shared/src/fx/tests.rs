//! Exchange rates against a real database.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};

use super::document::tests::document;
use super::*;
use crate::audit::{self, AuditFilter};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Actor, Clock, Ctx, PageRequest, Role};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

/// Somebody in finance, at a time.
fn ctx(now: &str) -> Ctx {
    let clock = Clock::system();
    clock.advance(at(now) - clock.now());
    Ctx::new(Actor::user("fin", &[Role::Finance]), &clock)
}

/// Half an hour after noon of 5 March 2026, more or less.
fn today() -> Ctx {
    ctx("2026-03-05T12:30:00Z")
}

async fn import_days(conn: &mut PgConnection, days: &[(&str, &[(&str, &str)])]) -> FxImport {
    import(conn, &today(), "test", document(days).as_bytes())
        .await
        .expect("imported")
}

async fn audited(conn: &mut PgConnection, action: &str) -> usize {
    let filter = AuditFilter {
        action: Some(action.into()),
        ..AuditFilter::default()
    };
    let page = audit::list(conn, &filter, &PageRequest::default())
        .await
        .expect("listed");
    page.items.len()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_document_again_changes_nothing_and_a_corrected_one_keeps_what_was(pool: PgPool) {
    let mut conn = pool.begin().await.expect("a transaction");
    let first = import_days(
        &mut conn,
        &[("2026-03-04", &[("USD", "1.1"), ("GBP", "0.86")])],
    )
    .await;
    assert_eq!((first.added, first.corrected, first.unchanged), (2, 0, 0));
    let again = import_days(
        &mut conn,
        &[("2026-03-04", &[("USD", "1.10"), ("GBP", "0.86")])],
    )
    .await;
    assert_eq!((again.added, again.corrected, again.unchanged), (0, 0, 2));
    let partly = import_days(
        &mut conn,
        &[
            ("2026-03-05", &[("USD", "1.3")]),
            ("2026-03-04", &[("USD", "1.2")]),
        ],
    )
    .await;
    assert_eq!(
        (partly.added, partly.corrected, partly.unchanged),
        (1, 1, 0)
    );
    assert_eq!(
        (partly.first_day, partly.last_day),
        (day("2026-03-04"), day("2026-03-05"))
    );
    let numbers: Vec<(String, bool)> = sqlx::query_as(
        "select trim_scale(per_eur)::text, superseded_at is null from fx_rates where day = '2026-03-04' order by id",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("read");
    let expected = [("1.1", false), ("0.86", true), ("1.2", true)];
    assert!(
        numbers
            .iter()
            .map(|(text, current)| (text.as_str(), *current))
            .all(|row| expected.contains(&row))
            && numbers.len() == 3,
        "{numbers:?}"
    );
    conn.commit().await.expect("committed");
    let mut conn = pool.acquire().await.expect("a connection");
    assert_eq!(audited(&mut conn, "fx.import").await, 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_of_a_document_that_cannot_be_read_is_taken(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let text = document(&[
        ("2026-03-04", &[("USD", "1.1")]),
        ("2026-03-03", &[("USD", "N/A")]),
    ]);
    for bytes in [
        text.as_bytes(),
        &text.as_bytes()[..text.len() / 2],
        b"",
        b"\xff\xfe",
    ] {
        let refused = import(&mut conn, &today(), "test", bytes).await;
        assert!(matches!(refused, Err(FxError::Document(_))), "{refused:?}");
    }
    let rates: i64 = sqlx::query_scalar("select count(*) from fx_rates")
        .fetch_one(&mut *conn)
        .await
        .expect("counted");
    assert_eq!(rates, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_imports_of_one_document_at_a_time_take_each_rate_once(pool: PgPool) {
    let text = document(&[("2026-03-04", &[("USD", "1.1"), ("GBP", "0.86")])]);
    let one = async || {
        let mut tx = pool.begin().await.expect("a transaction");
        let done = import(&mut tx, &today(), "test", text.as_bytes())
            .await
            .expect("imported");
        tx.commit().await.expect("committed");
        done.added
    };
    let (a, b) = tokio::join!(one(), one());
    assert_eq!(a + b, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_rate_on_or_before_the_day_counts_and_one_too_old_does_not(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    import_days(
        &mut conn,
        &[
            ("2026-02-27", &[("USD", "1.1")]),
            ("2026-02-20", &[("USD", "1.3"), ("GBP", "0.8")]),
        ],
    )
    .await;
    let (usd, eur, gbp) = (currency("USD"), Currency::EUR, currency("GBP"));
    // a Sunday: Friday's rate
    let cross = lookup(&mut conn, eur, usd, day("2026-03-01"))
        .await
        .expect("a rate");
    assert_eq!(
        (cross.rate.to_string(), cross.day),
        ("1.1".into(), day("2026-02-27"))
    );
    // the day of the rate, the last day it counts on, and the day after
    assert!(lookup(&mut conn, eur, usd, day("2026-02-27")).await.is_ok());
    assert!(lookup(&mut conn, eur, usd, day("2026-03-06")).await.is_ok());
    let stale = lookup(&mut conn, eur, usd, day("2026-03-07"))
        .await
        .expect_err("too old")
        .to_string();
    assert_eq!(
        stale,
        "there is no rate of USD from 2026-02-28 to 2026-03-07: import the rates, or put one by hand"
    );
    // of a cross rate either may be missing
    let cross = lookup(&mut conn, usd, gbp, day("2026-02-27"))
        .await
        .expect("a rate");
    assert_eq!(cross.day, day("2026-02-20"));
    for (from, to) in [(usd, gbp), (gbp, usd)] {
        let missing = lookup(&mut conn, from, to, day("2026-02-28")).await;
        assert!(
            matches!(&missing, Err(FxError::NoRate { currency, .. }) if currency == "GBP"),
            "{missing:?}"
        );
    }
    let ancient = lookup(&mut conn, eur, usd, NaiveDate::MIN).await;
    assert!(
        matches!(ancient, Err(FxError::NoRate { .. })),
        "{ancient:?}"
    );
    // what comes later never counts for the day before
    assert!(
        lookup(&mut conn, eur, usd, day("2026-02-19"))
            .await
            .is_err()
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rate_put_by_hand_goes_before_the_banks_of_its_day_only_and_is_recorded(pool: PgPool) {
    let mut tx = pool.begin().await.expect("a transaction");
    let conn = &mut *tx;
    import_days(
        conn,
        &[
            ("2026-03-03", &[("USD", "1.1")]),
            ("2026-03-05", &[("USD", "1.2")]),
        ],
    )
    .await;
    let usd: CurrencyCode = "USD".parse().expect("a code");
    let put = put_rate(
        conn,
        &today(),
        &usd,
        day("2026-03-03"),
        "1.15",
        "the bank erred",
    )
    .await
    .expect("put");
    assert_eq!(put.recorded_by, "user:fin");
    let same = put_rate(
        conn,
        &today(),
        &usd,
        day("2026-03-03"),
        "1.150",
        "the bank erred",
    )
    .await
    .expect("put");
    assert_eq!(same.id, put.id);
    for (on, rate) in [
        ("2026-03-03", "1.15"),
        ("2026-03-04", "1.15"),
        ("2026-03-05", "1.2"),
    ] {
        let cross = lookup(conn, Currency::EUR, currency("USD"), day(on))
            .await
            .expect("a rate");
        assert_eq!(cross.rate.to_string(), rate, "{on}");
    }
    import_days(conn, &[("2026-03-03", &[("USD", "1.12")])]).await;
    let cross = lookup(conn, Currency::EUR, currency("USD"), day("2026-03-03"))
        .await
        .expect("a rate");
    assert_eq!(
        cross.rate.to_string(),
        "1.15",
        "an import leaves what was put by hand"
    );
    tx.commit().await.expect("committed");
    let mut conn = pool.acquire().await.expect("a connection");
    assert_eq!(audited(&mut conn, "fx.put_rate").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn each_wrong_field_of_a_rate_put_by_hand_is_named(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let usd: CurrencyCode = "USD".parse().expect("a code");
    let Err(FxError::Invalid(wrong)) =
        put_rate(&mut conn, &today(), &usd, day("2026-03-06"), "0", " ").await
    else {
        panic!("refused");
    };
    let fields: Vec<_> = wrong.iter().map(|error| error.field.as_ref()).collect();
    assert_eq!(fields, ["/rate", "day", "/reason"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn rates_are_listed_a_page_at_a_time_the_newest_day_first(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    import_days(
        &mut conn,
        &[
            (
                "2026-03-04",
                &[("USD", "1.1"), ("GBP", "0.86"), ("CHF", "0.94")],
            ),
            ("2026-03-05", &[("USD", "1.2")]),
        ],
    )
    .await;
    let usd: CurrencyCode = "USD".parse().expect("a code");
    put_rate(
        &mut conn,
        &today(),
        &usd,
        day("2026-03-04"),
        "1.11",
        "why not",
    )
    .await
    .expect("put");
    let mut page = PageRequest {
        cursor: None,
        limit: Some(2.try_into().expect("a limit")),
    };
    let mut seen = Vec::new();
    loop {
        let rates = list(&mut conn, &RateFilter::default(), &page)
            .await
            .expect("listed");
        seen.extend(rates.items.iter().map(|rate| {
            format!(
                "{} {} {} {}",
                rate.day, rate.currency, rate.source, rate.per_eur
            )
        }));
        let Some(next) = rates.next else { break };
        page.cursor = Some(next);
    }
    assert_eq!(
        seen,
        [
            "2026-03-05 USD ecb 1.2",
            "2026-03-04 CHF ecb 0.94",
            "2026-03-04 GBP ecb 0.86",
            "2026-03-04 USD ecb 1.1",
            "2026-03-04 USD manual 1.11",
        ]
    );
    let filter = RateFilter {
        currency: Some(usd),
        until: Some(day("2026-03-04")),
        ..RateFilter::default()
    };
    let some = list(&mut conn, &filter, &PageRequest::default())
        .await
        .expect("listed");
    assert_eq!(some.items.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_quote_keeps_every_part_and_is_used_once(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    import_days(
        &mut conn,
        &[("2026-03-04", &[("USD", "1.0921"), ("GBP", "0.86")])],
    )
    .await;
    sqlx::query("insert into fx_policies values ('2026-03-01', 100, 7, 900, 'test')")
        .execute(&mut *conn)
        .await
        .expect("rules");
    let amount = Money::new(currency("USD"), 245_000);
    let made = quote(&mut conn, &today(), amount, Currency::EUR)
        .await
        .expect("quoted");
    assert_eq!(
        [made.mid.minor, made.spread.minor, made.to.minor],
        [224_338, 2_244, 222_094]
    );
    let locked = lock_quote(&mut conn, &today(), made.id, "payout_1")
        .await
        .expect("locked");
    let again = lock_quote(&mut conn, &ctx("2026-04-01T00:00:00Z"), made.id, "payout_1")
        .await
        .expect("as before");
    assert_eq!(
        again.locked.as_ref().map(|(purpose, _)| purpose.as_str()),
        Some("payout_1")
    );
    assert_eq!(
        (again.to, again.rate, &again.used),
        (made.to, made.rate, &made.used)
    );
    assert_eq!(locked.used[0].per_eur.to_string(), "1.0921");
    let other = lock_quote(&mut conn, &today(), made.id, "payout_2").await;
    assert!(matches!(other, Err(FxError::Used(_))), "{other:?}");
    // tomorrow's rate changes nothing of it
    import_days(&mut conn, &[("2026-03-04", &[("USD", "9")])]).await;
    let kept = lock_quote(&mut conn, &today(), made.id, "payout_1")
        .await
        .expect("as before");
    assert_eq!(
        (kept.to, kept.used[0].per_eur.to_string()),
        (made.to, "1.0921".into())
    );

    let second = quote(&mut conn, &today(), amount, currency("GBP"))
        .await
        .expect("quoted");
    assert_eq!(second.used.len(), 2);
    let taken = lock_quote(&mut conn, &today(), second.id, "payout_1").await;
    assert!(matches!(taken, Err(FxError::Converted(_))), "{taken:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_expired_quote_is_refused_and_later_removed(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    import_days(&mut conn, &[("2026-03-04", &[("USD", "1.1")])]).await;
    let amount = Money::new(currency("USD"), 1_000);
    let made = quote(&mut conn, &today(), amount, Currency::EUR)
        .await
        .expect("quoted");
    let clock = Clock::system();
    clock.advance(made.expires_at - clock.now() + Duration::seconds(1));
    let late = Ctx::new(Actor::System, &clock);
    let expired = lock_quote(&mut conn, &late, made.id, "payout_1").await;
    assert!(matches!(expired, Err(FxError::Expired(_))), "{expired:?}");
    assert_eq!(purge_quotes(&mut conn, &late).await.expect("purged"), 0);
    clock.advance(Duration::days(31));
    assert_eq!(
        purge_quotes(&mut conn, &Ctx::new(Actor::System, &clock))
            .await
            .expect("purged"),
        1
    );
    let gone = lock_quote(&mut conn, &late, made.id, "payout_1").await;
    assert!(matches!(gone, Err(FxError::NoQuote(_))), "{gone:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn two_who_use_a_quote_at_a_time_do_not_both_get_it(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    import_days(&mut conn, &[("2026-03-04", &[("USD", "1.1")])]).await;
    let made = quote(
        &mut conn,
        &today(),
        Money::new(currency("USD"), 1_000),
        Currency::EUR,
    )
    .await
    .expect("quoted");
    let use_it = async |purpose: &str| {
        let mut tx = pool.begin().await.expect("a transaction");
        let used = lock_quote(&mut tx, &today(), made.id, purpose).await;
        tx.commit().await.expect("committed");
        used.is_ok()
    };
    let (a, b) = tokio::join!(use_it("payout_1"), use_it("payout_2"));
    assert!(a != b, "{a} {b}");
}

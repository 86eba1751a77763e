//! Nothing is forgotten: every table is named, everything is handed out, and after an erasure nothing tells who it was.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::*;
use crate::audit;
use crate::creators::{Channel, CreatorId};
use crate::files;
use crate::kernel::{Actor, Clock, Ctx};
use crate::messaging::AddressDigests;
use crate::seed::{self, Detail, Plan};

fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

fn digests() -> AddressDigests {
    AddressDigests::new(&[7; 32])
}

async fn world(pool: &PgPool) -> CreatorId {
    let as_of: NaiveDate = "2026-11-22".parse().expect("a date");
    let plan = Plan {
        detail: Detail::Everything,
        ..Plan::lifelike(400, as_of)
    };
    seed::populate(pool, &ctx(), &plan, |_| ())
        .await
        .expect("seeded");
    // somebody with several profiles, much around them, and a login
    let id: Uuid = sqlx::query_scalar(
        "select c.id from creators c join notes n on n.creator_id = c.id join tasks t on t.creator_id = c.id
         join creator_tags g on g.creator_id = c.id join creator_earnings_daily e on e.creator_id = c.id
         join creator_consents k on k.creator_id = c.id join creator_tier_history h on h.creator_id = c.id
         where c.phone is not null and (select count(*) from creators o where o.person_id = c.person_id) > 1
           and (select count(*) from creators o where o.phone = c.phone)
             = (select count(*) from creators o where o.person_id = c.person_id)
         order by c.id limit 1",
    )
    .fetch_one(pool)
    .await
    .expect("somebody");
    for statement in [
        "insert into users (id, email, email_key, name, roles, creator_id, created_by, created_at, updated_at)
         select uuid_v7(), email, email_key, display_name, '{creator}', id, 'test', now(), now() from creators where id = $1",
        "insert into sessions (id, user_id, mfa, created_at, expires_at) select uuid_v7(), id, false, now(), now() from users where creator_id = $1",
        "insert into creator_views (id, owner, name, shared, filter, sort, created_at, updated_at)
         select uuid_v7(), 'ada', 'them', false, jsonb_build_object('q', upper(email)), '-created', now(), now() from creators where id = $1",
        "insert into idempotency_keys (actor, scope, key, request_hash, status, location, body, created_at)
         select 'ada', 's', 'k', sha256('x'), 201, null, '{\"email\":\"' || email || '\"}', now() from creators where id = $1",
        "insert into suppressions (channel, address, reason, detail, created_at)
         select 'email', email_key, 'manual', 'asked', now() from creators where id = $1",
    ] {
        sqlx::query(statement)
            .bind(id)
            .execute(pool)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    id.into()
}

async fn erased(pool: &PgPool, id: CreatorId) -> Request {
    let mut tx = pool.begin().await.expect("begun");
    let planned = plan_erasure(&mut tx, &ctx(), id, "ticket 7")
        .await
        .expect("planned");
    assert_eq!(planned.state, RequestState::Planned);
    confirm_erasure(&mut tx, &ctx(), id, planned.id)
        .await
        .expect("confirmed");
    tx.commit().await.expect("committed");
    // a job may run twice
    for _ in 0..2 {
        let mut tx = pool.begin().await.expect("begun");
        erase(&mut tx, &ctx(), &digests(), planned.id)
            .await
            .expect("erased");
        tx.commit().await.expect("committed");
    }
    let mut conn = pool.acquire().await.expect("a connection");
    find(&mut conn, &ctx(), id, planned.id, RequestKind::Erasure)
        .await
        .expect("found")
}

#[sqlx::test(migrations = "../migrations")]
async fn every_table_that_refers_to_a_person_is_named(pool: PgPool) {
    // by foreign keys, however far away, and by the names of columns
    let found: Vec<String> = sqlx::query_scalar(
        "with recursive far as (
            select 'people'::regclass::oid as t union select 'creators'::regclass::oid
            union
            select c.conrelid from pg_constraint c join far on c.confrelid = far.t where c.contype = 'f'
         )
         select t::regclass::text from far where not (select relispartition from pg_class where oid = t)
         union
         select c.table_name::text from information_schema.columns c
         join information_schema.tables t using (table_schema, table_name)
         where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name in ('creator_id', 'person_id', 'account_id')
           and not (select relispartition from pg_class p where p.oid = format('%I.%I', c.table_schema, c.table_name)::regclass)",
    )
    .fetch_all(&pool)
    .await
    .expect("tables");
    let named: BTreeSet<&str> = HOLDINGS
        .iter()
        .map(|holding| holding.table)
        .chain(REFERENCES.iter().map(|(table, _)| *table))
        .collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(
        found, named,
        "name each table in holdings.rs, and say what becomes of its rows"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn after_an_erasure_nothing_tells_who_it_was(pool: PgPool) {
    let id = world(&pool).await;
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = crate::creators::get(&mut conn, id).await.expect("there");
    let subjects = store::subjects(&mut conn, creator.person)
        .await
        .expect("subjects");
    assert!(subjects.creators.len() > 1 && subjects.logins.len() == 1);
    let names = store::names(&mut conn, &subjects).await.expect("names");
    let email = creator.email.to_lowercase();
    assert!(places(&pool, &email).await.len() >= 5);

    let done = erased(&pool, id).await;
    assert_eq!(done.state, RequestState::Completed);
    let unique = |text: &&String| {
        text.contains('@') || text.starts_with('+') || text.ends_with(|c: char| c.is_ascii_digit())
    };
    for text in names.texts.iter().filter(unique) {
        assert_eq!(places(&pool, text).await, Vec::<String>::new(), "{text}");
    }
    let fates: HashMap<&str, (&Fate, bool)> = done
        .outcome
        .iter()
        .map(|one| {
            (
                one.table.as_str(),
                (&one.fate, one.until.is_some() && one.basis.is_some()),
            )
        })
        .collect();
    assert_eq!(fates["notes"], (&Fate::Erased, false));
    assert_eq!(fates["creators"], (&Fate::Pseudonymised, false));
    assert_eq!(fates["creator_consents"], (&Fate::Pseudonymised, true));
    assert_eq!(fates["creator_earnings_daily"], (&Fate::Retained, true));
    let left: i64 =
        sqlx::query_scalar("select count(*) from creator_earnings_daily where creator_id = $1")
            .bind(Uuid::from(id))
            .fetch_one(&pool)
            .await
            .expect("counted");
    assert!(left > 0);
    let digest = digests().of(Channel::Email, &email).to_vec();
    let known: bool =
        sqlx::query_scalar("select exists (select from suppressed_digests where digest = $1)")
            .bind(digest)
            .fetch_one(&pool)
            .await
            .expect("read");
    assert!(known);
    let verified = audit::verify(&mut conn, 0, None).await.expect("verified");
    assert!(verified.broken.is_none(), "{verified:?}");
}

/// Tables in which a text stands.
async fn places(pool: &PgPool, text: &str) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables
         where table_schema = current_schema() and table_type = 'BASE TABLE'",
    )
    .fetch_all(pool)
    .await
    .expect("tables");
    let mut found = Vec::new();
    for table in tables {
        let query =
            format!("select exists (select from {table} t where strpos(lower(t::text), $1) > 0)");
        let there: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .bind(text)
            .fetch_one(pool)
            .await
            .expect("looked");
        if there {
            found.push(table);
        }
    }
    found
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_holds_everything_but_secrets(pool: PgPool) {
    let id = world(&pool).await;
    let mut tx = pool.begin().await.expect("begun");
    let asked = ask_for_export(&mut tx, &ctx(), id, "ticket 8")
        .await
        .expect("asked");
    let again = ask_for_export(&mut tx, &ctx(), id, "ticket 8").await;
    assert!(matches!(again, Err(PrivacyError::UnderWay)), "{again:?}");
    tx.commit().await.expect("committed");
    for _ in 0..2 {
        let mut tx = pool.begin().await.expect("begun");
        write(&mut tx, &ctx(), asked.id).await.expect("written");
        tx.commit().await.expect("committed");
    }
    let mut conn = pool.acquire().await.expect("a connection");
    let file = open_document(&mut conn, &ctx(), id, asked.id)
        .await
        .expect("there");
    let mut text = Vec::new();
    while let Some(part) = files::read(&mut conn, file.id, text.len() as i64)
        .await
        .expect("read")
    {
        text.extend(part.content);
    }
    assert_eq!(i64::try_from(text.len()), Ok(file.bytes));
    let json: Value = serde_json::from_slice(&text).expect("JSON");
    let creator = crate::creators::get(&mut conn, id).await.expect("there");
    let subjects = store::subjects(&mut conn, creator.person)
        .await
        .expect("subjects");
    for holding in HOLDINGS {
        let rows = store::count(&mut conn, holding, &subjects)
            .await
            .expect("counted");
        let list = json["data"][holding.table].as_array().expect("a list");
        assert_eq!(list.len() as u64, rows, "{}", holding.table);
        for row in list {
            assert!(
                holding
                    .withheld
                    .iter()
                    .all(|column| row.get(column).is_none())
            );
        }
    }
    assert!(json["data"]["notes"][0]["text"].is_string());
    // its time ends
    let clock = Clock::system();
    clock.advance(chrono::Duration::days(EXPORT_KEPT_DAYS + 1));
    let later = Ctx::new(Actor::System, &clock);
    let gone = open_document(&mut conn, &later, id, asked.id).await;
    assert!(matches!(gone, Err(PrivacyError::NoDocument)), "{gone:?}");
}

/// So many years and a day from now.
fn years_later(years: i64) -> Ctx {
    let clock = Clock::system();
    clock.advance(chrono::Duration::days(years * 366 + 1));
    Ctx::new(Actor::System, &clock)
}

/// Removes what is over as the job does.
async fn removed(pool: &PgPool, ctx: &Ctx) -> RetentionRun {
    loop {
        let mut tx = pool.begin().await.expect("begun");
        let step = removal_step(&mut tx, ctx).await.expect("a step");
        tx.commit().await.expect("committed");
        if let RemovalStep::Finished(run) = step {
            return run;
        }
    }
}

/// People and rows that a dry run finds, class by class; classes without anybody are left out.
async fn dry(pool: &PgPool, ctx: &Ctx) -> BTreeMap<String, (u64, u64)> {
    let mut conn = pool.acquire().await.expect("a connection");
    let due = dry_run(&mut conn, ctx, ctx.now().date_naive())
        .await
        .expect("a report");
    due.into_iter()
        .filter(|due| due.people > 0)
        .map(|due| (due.rule.class, (due.people, due.rows.values().sum())))
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_retained_goes_when_its_years_are_over(pool: PgPool) {
    let id = world(&pool).await;
    erased(&pool, id).await;
    assert_eq!(dry(&pool, &ctx()).await, BTreeMap::new());
    assert_eq!(removed(&pool, &ctx()).await.outcome, RunOutcome::default());

    let after = years_later(3);
    let report = dry(&pool, &after).await;
    let classes: Vec<&str> = report.keys().map(String::as_str).collect();
    assert_eq!(classes, ["consent_log", "history", "messages"]);
    let run = removed(&pool, &after).await;
    let went: BTreeMap<String, (u64, u64)> = run
        .outcome
        .classes
        .iter()
        .map(|(class, gone)| (class.clone(), (gone.people, gone.rows)))
        .collect();
    assert_eq!(went, report, "what was foretold is what went");
    assert!(report["history"].1 > 3 && report["consent_log"].1 > 0);
    assert_eq!(removed(&pool, &after).await.outcome, RunOutcome::default());

    let mut conn = pool.acquire().await.expect("a connection");
    let creator = crate::creators::get(&mut conn, id)
        .await
        .expect("the id stays");
    let subjects = store::subjects(&mut conn, creator.person)
        .await
        .expect("subjects");
    for holding in HOLDINGS {
        let left = store::count(&mut conn, holding, &subjects).await;
        let left = left.expect("counted");
        let is_over = match holding.treatment {
            Treatment::Erase => true,
            Treatment::Stay => false,
            Treatment::Retain { kept_as } => kept_as == "history",
            Treatment::Pseudonymise { kept_as, .. } => {
                kept_as.is_some_and(|class| ["history", "consent_log", "messages"].contains(&class))
            }
        };
        assert!(!is_over || left == 0, "{} has {left} rows", holding.table);
        if ["creator_earnings_daily", "creators", "people"].contains(&holding.table) {
            assert!(left > 0, "{} is to stay", holding.table);
        }
    }
    removed(&pool, &years_later(10)).await;
    let earnings: i64 =
        sqlx::query_scalar("select count(*) from creator_earnings_daily where creator_id = $1")
            .bind(Uuid::from(id))
            .fetch_one(&pool)
            .await
            .expect("counted");
    assert_eq!(earnings, 0);
    let others: bool = sqlx::query_scalar("select exists (select from creator_earnings_daily)")
        .fetch_one(&pool)
        .await
        .expect("looked");
    assert!(others, "nobody else's went");
    let verified = audit::verify(&mut conn, 0, None).await.expect("verified");
    assert!(verified.broken.is_none(), "{verified:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_legal_hold_keeps_data_from_being_erased_and_removed(pool: PgPool) {
    let id = world(&pool).await;
    let mut conn = pool.acquire().await.expect("a connection");
    let hold = MeasureKind::LegalHold;
    let first = take_measure(&mut conn, &ctx(), id, hold, "case 1")
        .await
        .expect("taken");
    let second = take_measure(&mut conn, &ctx(), id, hold, "case 2")
        .await
        .expect("there may be several");
    let planned = plan_erasure(&mut conn, &ctx(), id, "ticket 7")
        .await
        .expect("planned");
    for hold in [first, second] {
        let refused = confirm_erasure(&mut conn, &ctx(), id, planned.id).await;
        assert!(matches!(refused, Err(PrivacyError::Held)), "{refused:?}");
        lift_measure(&mut conn, &ctx(), id, hold.id, "closed")
            .await
            .expect("lifted");
        let again = lift_measure(&mut conn, &ctx(), id, hold.id, "closed").await;
        assert!(matches!(again, Err(PrivacyError::Lifted)), "{again:?}");
    }
    confirm_erasure(&mut conn, &ctx(), id, planned.id)
        .await
        .expect("confirmed");
    erase(&mut conn, &ctx(), &digests(), planned.id)
        .await
        .expect("erased");
    let late = take_measure(&mut conn, &ctx(), id, hold, "case 3").await;
    assert!(matches!(late, Err(PrivacyError::Erased)), "{late:?}");

    // taken before the erasure was known of, as a restored copy may have it
    sqlx::query(
        "insert into privacy_measures (id, person_id, kind, reason, set_by, set_at)
         select uuid_v7(), person_id, 'legal_hold', 'case 4', 'test', now() from creators where id = $1",
    )
    .bind(Uuid::from(id))
    .execute(&pool)
    .await
    .expect("held");
    let after = years_later(10);
    assert_eq!(dry(&pool, &after).await, BTreeMap::new());
    let run = removed(&pool, &after).await;
    assert_eq!((run.outcome.classes.len(), run.outcome.held), (0, 6));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_restriction_holds_for_the_person_until_the_last_is_lifted(pool: PgPool) {
    let id = crate::testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let restricted = async || -> i64 {
        sqlx::query_scalar("select count(*) from people where restricted_at is not null")
            .fetch_one(&pool)
            .await
            .expect("counted")
    };
    let kind = MeasureKind::Restriction;
    let taken = take_measure(&mut conn, &ctx(), id, kind, "ticket 9")
        .await
        .expect("taken");
    let again = take_measure(&mut conn, &ctx(), id, kind, "ticket 9").await;
    assert!(matches!(again, Err(PrivacyError::Restricted)), "{again:?}");
    assert_eq!(restricted().await, 1);
    lift_measure(&mut conn, &ctx(), id, taken.id, "settled")
        .await
        .expect("lifted");
    assert_eq!(restricted().await, 0);
    let listed = measures(&mut conn, &ctx(), id).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].lift_reason.as_deref(), Some("settled"));
}

//! Nothing is forgotten: every table is named, everything is handed out, and after an erasure nothing tells who it was.

use std::collections::{BTreeSet, HashMap};

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
use crate::seed::{self, Plan};

fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

fn digests() -> AddressDigests {
    AddressDigests::new(&[7; 32])
}

async fn world(pool: &PgPool) -> CreatorId {
    let as_of: NaiveDate = "2026-11-22".parse().expect("a date");
    seed::populate(pool, &ctx(), &Plan::lifelike(400, as_of), |_| ())
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
         select t::regclass::text from far
         union
         select c.table_name::text from information_schema.columns c
         join information_schema.tables t using (table_schema, table_name)
         where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name in ('creator_id', 'person_id')",
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

//! Putting a population into the database: `COPY`, and what keeps that fast.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::Plan;
use super::around::FIELDS;
use super::rows::{Sheets, Table};
use crate::kernel::stored;

/// The tables that follow from the others.
const FOLLOWING: [&str; 7] = [
    "creator_tiers",
    "verifications",
    "verification_events",
    "ledger_accounts",
    "ledger_balances",
    "ledger_transfers",
    "ledger_entries",
];
/// Memory that building an index may use.
const INDEX_MEMORY: &str = "256MB";

/// The population that is there; none if the database holds none.
pub(super) async fn standing(conn: &mut PgConnection) -> sqlx::Result<Option<Plan>> {
    let row = sqlx::query!(
        "select seed, as_of, creators, mixture, detail, unevaluated_per_mille from seed_population"
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Plan {
            creators: row.creators.unsigned_abs(),
            seed: row.seed.cast_unsigned(),
            as_of: row.as_of,
            mixture: stored("mixture", &row.mixture)?,
            detail: stored("detail", &row.detail)?,
            unevaluated_per_mille: row.unevaluated_per_mille.unsigned_abs(),
        })
    })
    .transpose()
}

/// Notes which population is about to be put in; false if there is one. Whoever comes second waits for the first.
pub(super) async fn note(conn: &mut PgConnection, plan: &Plan) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into seed_population (seed, as_of, creators, mixture, detail, unevaluated_per_mille)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        plan.seed.cast_signed(),
        plan.as_of,
        plan.creators.cast_signed(),
        plan.mixture.as_str(),
        plan.detail.as_str(),
        plan.unevaluated_per_mille.cast_signed(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether anybody is there.
pub(super) async fn anybody(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from people) or exists (select from creators) as "there!""#
    )
    .fetch_one(conn)
    .await
}

/// Defines the custom fields that the population has values of.
pub(super) async fn define_fields(conn: &mut PgConnection, plan: &Plan) -> sqlx::Result<()> {
    for (key, label, kind, options, currency) in FIELDS {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        sqlx::query!(
            "insert into custom_fields (key, label, type, options, currency, created_by, created_at, updated_at)
             values ($1, $2, $3, $4, $5, 'seed', $6::date, $6::date) on conflict do nothing",
            key,
            label,
            kind,
            &options,
            currency,
            plan.as_of,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Puts rows in.
pub(super) async fn copy(conn: &mut PgConnection, sheets: &Sheets) -> sqlx::Result<()> {
    for table in Table::ALL {
        let text = sheets.text(*table);
        if text.is_empty() {
            continue;
        }
        let mut sink = conn.copy_in_raw(table.copy()).await?;
        match sink.send(text.as_bytes()).await {
            Ok(_) => drop(sink.finish().await?),
            Err(error) => {
                sink.abort("the rows could not be sent").await?;
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The tables that have rows of the population.
fn filled() -> impl Iterator<Item = &'static str> {
    let copied = Table::ALL.iter().map(|table| table.name());
    copied.chain(FOLLOWING)
}

/// Keeps creators from beginning as newcomers; what their histories say is written by [`rank`].
pub(super) async fn hold_tiers(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("alter table creators disable trigger creators_enter_tiers")
        .execute(conn)
        .await
        .map(drop)
}

/// Gives everybody the last tier of their history.
pub(super) async fn rank(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("alter table creators enable trigger creators_enter_tiers")
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into creator_tiers (creator_id, tier, since, cluster_id, status, name_key, last_active, archived, created_at)
         select c.id, h.to_tier, h.effective_from, c.cluster_id, c.status, c.name_key, coalesce(c.last_active_at, '-infinity'),
                c.archived_at is not null, c.created_at
         from creators c
         join (select distinct on (creator_id) creator_id, to_tier, effective_from
               from creator_tier_history order by creator_id, effective_from desc, id desc) h on h.creator_id = c.id",
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Verifies the identity of everybody whose age is proven: staff looked at the same document, which is good for some
/// years yet.
pub(super) async fn verify(conn: &mut PgConnection, plan: &Plan) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into verifications (id, person_id, kind, state, evidence, method, proven, valid_until, verified_by, verified_at,
                                    version, created_at, updated_at)
         select md5(p.id || ' identity')::uuid, p.id, 'identity', 'verified', d.evidence, 'document',
                p.legal_name_key || ' ' || to_char(p.birth_date, 'YYYY-MM-DD'),
                $1::date + 90 + ('x' || left(md5(p.id::text), 3))::bit(12)::int, d.decided_by, d.decided_at,
                3, p.created_at, d.decided_at
         from people p join person_age_decisions d on d.person_id = p.id and d.decision = 'verified'",
        plan.as_of,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How each of those verifications came about.
pub(super) async fn tell_verifications(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into verification_events (id, person_id, kind, from_state, to_state, evidence, method, valid_until, caused_by, at)
         select md5(v.id || e.to_state)::uuid, v.person_id, v.kind, e.from_state, e.to_state, v.evidence,
                case when e.n = 3 then v.method end, case when e.n = 3 then v.valid_until end, v.verified_by,
                v.created_at + (v.verified_at - v.created_at) * (e.n / 3.0)
         from verifications v
         cross join (values (1, 'unverified', 'pending'), (2, 'pending', 'in_review'), (3, 'in_review', 'verified'))
               e (n, from_state, to_state)",
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What is put back when all rows are in.
#[derive(Debug)]
pub(super) struct Dropped(Vec<String>);

/// Drops what is kept up faster afterwards and all at once: indexes that no constraint needs, and the foreign keys of
/// the largest tables.
pub(super) async fn drop_upkeep(conn: &mut PgConnection) -> sqlx::Result<Dropped> {
    let tables: Vec<String> = filled().map(ToOwned::to_owned).collect();
    let found = sqlx::query!(
        r#"select format('drop index %I', i.indexrelid::regclass::text) as "gone!", pg_get_indexdef(i.indexrelid) as "back!"
           from pg_index i join pg_class t on t.oid = i.indrelid
           where t.relname = any($1) and t.relnamespace = current_schema()::regnamespace and not i.indisunique
             -- an index over partitions cannot be put back as it was, and so large a population has nothing in them
             and t.relkind = 'r'
           union all
           select format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname),
                  format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
           from pg_constraint c join pg_class t on t.oid = c.conrelid
           where c.contype = 'f' and t.relnamespace = current_schema()::regnamespace
             and t.relname in ('creator_earnings_daily', 'creator_status_history', 'creator_tier_history', 'creator_tiers')"#,
        &tables,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut back = Vec::new();
    for row in found {
        sqlx::query(AssertSqlSafe(row.gone))
            .execute(&mut *conn)
            .await?;
        back.push(row.back);
    }
    Ok(Dropped(back))
}

/// Puts back what was dropped; constraints are checked over all rows by it.
pub(super) async fn restore_upkeep(conn: &mut PgConnection, dropped: Dropped) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('maintenance_work_mem', $1, true) as m",
        INDEX_MEMORY
    )
    .fetch_one(&mut *conn)
    .await?;
    for statement in dropped.0 {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Lets the planner know what there is now.
pub(super) async fn vacuum(pool: &PgPool) -> sqlx::Result<()> {
    for table in filled() {
        let statement = format!("vacuum analyze {table}");
        sqlx::query(AssertSqlSafe(statement)).execute(pool).await?;
    }
    Ok(())
}

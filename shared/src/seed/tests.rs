//! What a population promises, asked of the database.

use chrono::{NaiveDate, NaiveTime};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::rows::Table;
use super::*;
use crate::creators::{CreatorStatus, Username};
use crate::kernel::{Actor, Clock, EmailAddress};
use crate::tiers::RunStep;

/// Enough that there are legends.
const MANY: u32 = 2_400;

fn as_of() -> NaiveDate {
    "2026-11-22".parse().expect("a date")
}

/// The moment at which the two years end.
fn then() -> Clock {
    let clock = Clock::system();
    clock.advance(as_of().and_time(NaiveTime::MIN).and_utc() - clock.now());
    clock
}

/// Creators with everything, and without their earnings one by one, which take their time.
fn lifelike(creators: u32) -> Plan {
    Plan {
        detail: Detail::Everything,
        ..Plan::lifelike(creators, as_of())
    }
}

async fn made(pool: &PgPool, plan: &Plan) -> Result<u64, SeedError> {
    populate(pool, &Ctx::new(Actor::System, &then()), plan, |_| ()).await
}

async fn count(pool: &PgPool, from: &str) -> i64 {
    let query = format!("select count(*) from {from}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_one(pool)
        .await
        .unwrap_or_else(|error| panic!("{from}: {error}"))
}

/// One figure over all rows of all tables.
async fn digest(pool: &PgPool) -> Vec<(String, i64, String)> {
    let mut all = Vec::new();
    for table in Table::ALL {
        let query = format!(
            "select count(*), coalesce(md5(string_agg(r::text, E'\\n' order by r::text)), '') from {} r",
            table.name()
        );
        let (rows, md5): (i64, String) = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .fetch_one(pool)
            .await
            .expect("a digest");
        all.push((table.name().to_owned(), rows, md5));
    }
    all
}

#[sqlx::test(migrations = "../migrations")]
async fn seeding_twice_is_seeding_once_and_more_is_refused(pool: PgPool) {
    let plan = Plan::lifelike(100, as_of());
    assert_eq!(made(&pool, &plan).await.expect("made"), 100);
    let before = digest(&pool).await;
    assert_eq!(made(&pool, &plan).await.expect("there"), 0);
    assert_eq!(digest(&pool).await, before);
    let mut conn = pool.acquire().await.expect("a connection");
    assert_eq!(standing(&mut conn).await.expect("read"), Some(plan.clone()));
    let more = Plan {
        creators: 101,
        ..plan.clone()
    };
    let refused = made(&pool, &more).await.expect_err("refused");
    assert!(matches!(refused, SeedError::OtherPopulation(there) if there == plan));
    assert!(before.iter().all(|(_, rows, _)| *rows > 0), "{before:#?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_made_up_beside_somebody_else(pool: PgPool) {
    sqlx::query("insert into people (id, created_by, created_at, updated_at) values (uuid_v7(), 'ada', now(), now())")
        .execute(&pool)
        .await
        .expect("somebody");
    let refused = made(&pool, &lifelike(10)).await;
    assert!(matches!(refused, Err(SeedError::NotEmpty)), "{refused:?}");
    assert_eq!(count(&pool, "creators").await, 0);
    assert_eq!(count(&pool, "seed_population").await, 0);
}

/// The digest of this population, the same on every machine; changes only when somebody changes what is made up.
const DIGEST: &str = "7261a160f8ca780245df8b9ad2488d23cf95adc98325d5cd7173b011eac25621";

#[sqlx::test(migrations = "../migrations")]
async fn the_same_seed_makes_the_same_rows_and_another_one_others(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let mut rows = async |seed| {
        let plan = Plan {
            seed,
            ..lifelike(1_200)
        };
        let ctx = Ctx::new(Actor::System, &then());
        let author = author(&mut conn, &ctx, &plan).await.expect("the rules");
        let mut hash = Sha256::new();
        author.write(|sheets| {
            Table::ALL
                .iter()
                .for_each(|table| hash.update(sheets.text(*table)));
            true
        });
        hex::encode(hash.finalize())
    };
    assert_eq!(rows(1).await, DIGEST);
    assert_ne!(rows(2).await, DIGEST);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_made_up_is_consistent(pool: PgPool) {
    made(&pool, &lifelike(MANY)).await.expect("made");
    for (promise, broken) in BROKEN {
        assert_eq!(count(&pool, broken).await, 0, "{promise}");
    }
    for (there, some) in [
        (
            "people with several creators",
            "(select person_id from creators group by 1 having count(*) > 1) t",
        ),
        ("legends", "creator_tiers where tier = 'legend'"),
        ("creators below their tier", "creator_tier_states"),
        (
            "runs of each end",
            "(select state from onboarding_runs group by 1 having count(*) > 20) t having count(*) = 3",
        ),
        (
            "tiers that were lost",
            "creator_tier_history where reason like 'below since%'",
        ),
    ] {
        assert!(count(&pool, some).await > 0, "no {there}");
    }
    assert_eq!(
        count(&pool, "(select distinct status from creators) t").await,
        7
    );
    assert_eq!(
        count(&pool, "(select distinct cluster_id from creators) t").await,
        9
    );
    legal_steps(&pool).await;
}

/// Rows that there must not be.
const BROKEN: [(&str, &str); 15] = [
    ("whoever is active is verified, by the name on file and for longer than today", "creators c join people p on p.id = c.person_id
        where c.status = 'active' and not exists (select from verifications v join creator_papers f on f.asked = c.id
            where v.person_id = p.id and v.kind = 'identity' and v.state = 'verified' and v.proven = f.identity
              and v.valid_until > '2026-11-22' and v.evidence <> ''
              and 3 = (select count(*) from verification_events e where e.person_id = p.id and e.at between p.created_at and v.verified_at))"),
    ("a status is that of the last entry", "creators c where (c.status, c.status_since) is distinct from
        (select row(h.to_status, h.effective_from) from creator_status_history h where h.creator_id = c.id
         order by h.effective_from desc, h.id desc limit 1)"),
    ("a tier is that of the last entry", "creator_tiers c where (c.tier, c.since) is distinct from
        (select row(h.to_tier, h.effective_from) from creator_tier_history h where h.creator_id = c.creator_id
         order by h.effective_from desc, h.id desc limit 1)"),
    ("each entry begins where the one before ended", "(select from_status, lag(to_status) over w as before from creator_status_history
        window w as (partition by creator_id order by effective_from, id)) h where from_status is distinct from before"),
    ("nobody is or was active before the age was proven", "creator_status_history h join creators c on c.id = h.creator_id
        where h.to_status = 'active' and not exists (select from person_age_decisions d join people p on p.id = d.person_id
            where d.person_id = c.person_id and d.birth_date = p.birth_date and d.decided_at <= h.effective_from)"),
    ("no status before creation", "creator_status_history h join creators c on c.id = h.creator_id where h.effective_from < c.created_at"),
    ("no tier before creation", "creator_tier_history h join creators c on c.id = h.creator_id where h.effective_from < c.created_at"),
    ("no creator before its person", "creators c join people p on p.id = c.person_id where c.created_at < p.created_at"),
    ("nothing after the end", "(select effective_from as at from creator_status_history union all select effective_from from creator_tier_history
        union all select created_at from creators union all select at from onboarding_events union all select last_active_at from creators
        union all select created_at from notes union all select at from task_events union all select added_at from creator_tags) t
        where at > '2026-11-22T00:00:00Z'"),
    ("no earnings but of whole days of being active", "creator_earnings_daily e where not exists (select from
        (select creator_id, to_status, effective_from, lead(effective_from) over (partition by creator_id order by effective_from, id) as ended
         from creator_status_history) h where h.creator_id = e.creator_id and h.to_status = 'active' and h.effective_from < e.day
         and coalesce(h.ended, '2026-11-22') >= e.day + 1)"),
    ("consents have proof and the contact they are about", "creator_consents k join creators c on c.id = k.creator_id
        where k.proof is null or k.contact is distinct from case k.channel when 'email' then c.email_key else c.phone end
           or k.recorded_at < c.created_at"),
    ("each suspended creator has a standing suspension and nobody else", "creators c where (c.status = 'suspended') is distinct from
        exists (select from creator_blocks b where b.creator_id = c.id and b.source = 'suspension' and b.ends_at is null)"),
    ("completed runs have every required step", "onboarding_runs r join onboarding_steps s on s.run_id = r.id
        join onboarding_flow_steps f on f.cluster_id = r.cluster_id and f.version = r.flow_version and f.step = s.step
        where r.state = 'completed' and f.required and s.state = 'pending'"),
    ("verification ends after the proof of age", "onboarding_steps s join onboarding_runs r on r.id = s.run_id join creators c on c.id = r.creator_id
        where s.step = 'verification' and s.state = 'completed' and not exists
              (select from person_age_decisions d where d.person_id = c.person_id and d.decided_at <= s.ended_at)"),
    ("nothing around a creator is older than it", "(select creator_id, created_at as at from notes union all select creator_id, at from task_events
        union all select creator_id, at from creator_tag_events union all select creator_id, at from onboarding_events) t
        join creators c on c.id = t.creator_id where t.at < c.created_at"),
];

#[sqlx::test(migrations = "../migrations")]
async fn earnings_one_by_one_make_up_balances_and_all_sums(pool: PgPool) {
    let plan = Plan::lifelike(120, as_of());
    assert_eq!(plan.detail, Detail::Ledger);
    made(&pool, &plan)
        .await
        .expect("made, and the ledger holds");
    for (promise, broken) in OFF {
        assert_eq!(count(&pool, broken).await, 0, "{promise}");
    }
    let earnings = count(&pool, "earnings").await;
    assert!((100..400).contains(&(earnings / 120)), "{earnings}");
    let strays = "(select from ledger_entries_default union all select from earnings_default) s";
    assert_eq!(
        count(&pool, strays).await,
        0,
        "each month has its partition"
    );
    for (there, some) in [
        ("refunds of what had matured", "ledger_transfers t join ledger_entries e on e.transfer_id = t.id
            join ledger_accounts a on a.id = e.account_id where t.kind in ('refund', 'chargeback') and a.code = 'creator_available'"),
        ("money that waits for its creator", "earning_dues d join creators c on c.id = d.creator_id
            where d.due_on < '2026-11-22' and c.status in ('suspended', 'banned')"),
        ("reserves", "earning_dues where kind = 'reserve' and due_on > '2026-11-22'"),
    ] {
        assert!(count(&pool, some).await > 0, "no {there}");
    }
}

/// Differences that there must not be.
const OFF: [(&str, &str); 5] = [
    ("a day's earnings less what was taken back are the day's sum", "(select creator_id, (occurred_at at time zone 'UTC')::date as day,
        sum(share)::int8 as share from (select creator_id, occurred_at, gross_minor - fee_minor as share from earnings
        union all select creator_id, occurred_at, fee_minor - gross_minor from earning_reversals) s group by 1, 2) s
        full join creator_earnings_daily d using (creator_id, day) where d.share_minor is distinct from s.share"),
    ("so are the months'", "(select creator_id, date_trunc('month', day::timestamp)::date as month, sum(share_minor) as share from creator_earnings_daily
        group by 1, 2) d full join (select creator_id, month, sum(share_minor) as share from creator_earnings_monthly group by 1, 2) m
        using (creator_id, month) where d.share is distinct from m.share"),
    ("what is pending and reserved is due", "(select a.creator_id, case a.code when 'creator_pending' then 'maturity' else 'reserve' end as kind,
        sum(b.credits_posted - b.debits_posted) as held from ledger_accounts a join ledger_balances b on b.account_id = a.id
        where a.code in ('creator_pending', 'creator_reserved') group by 1, 2) l
        full join (select creator_id, kind, sum(amount_minor) as due from earning_dues group by 1, 2) d using (creator_id, kind)
        where coalesce(l.held, 0) <> coalesce(d.due, 0)"),
    ("each earning has its transfer, recorded with it", "earnings e left join ledger_transfers t on t.id = e.id
        where t.kind is distinct from 'earning' or date_trunc('milliseconds', t.recorded_at) <> date_trunc('milliseconds', e.recorded_at)"),
    ("what was taken back of an earning is noted with it", "earnings e where e.reversed_minor <>
        (select coalesce(sum(r.gross_minor), 0) from earning_reversals r where r.earning_id = e.id)"),
];

/// Every status may follow the one before.
async fn legal_steps(pool: &PgPool) {
    let steps: Vec<(String, String)> = sqlx::query_as(
        "select distinct from_status, to_status from creator_status_history where from_status is not null",
    )
    .fetch_all(pool)
    .await
    .expect("steps");
    for (from, to) in steps {
        let from: CreatorStatus = from.parse().expect("a status");
        assert!(
            from.may_become(to.parse().expect("a status")),
            "{from} to {to}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_run_finds_nothing_to_change(pool: PgPool) {
    made(&pool, &lifelike(MANY)).await.expect("made");
    let run = evaluated(&pool).await;
    assert_eq!((run.promoted, run.demoted), (0, 0), "{run:?}");
    assert_eq!(run.evaluated, i64::from(MANY));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_run_catches_up_with_those_that_were_left_out(pool: PgPool) {
    let whole = lifelike(MANY);
    let plan = Plan {
        unevaluated_per_mille: 400,
        detail: Detail::Core,
        ..whole
    };
    made(&pool, &plan).await.expect("made");
    let run = evaluated(&pool).await;
    let share = run.promoted * 1_000 / run.evaluated;
    assert!((300..=400).contains(&share), "{run:?}");
    assert_eq!(run.demoted, 0, "{run:?}");
    assert_eq!(count(&pool, "notes").await, 0);
}

async fn evaluated(pool: &PgPool) -> crate::tiers::TierRun {
    let clock = then();
    loop {
        let mut tx = pool.begin().await.expect("begun");
        let step = tiers::run_step(&mut tx, &Ctx::new(Actor::System, &clock))
            .await
            .expect("a step");
        tx.commit().await.expect("committed");
        if let RunStep::Finished(run) = step {
            return run;
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_who_is_to_be_reachable_is(pool: PgPool) {
    made(&pool, &Plan::all_reachable(500, as_of()))
        .await
        .expect("made");
    let reachable = "creators c where status = 'active' and exists (select from creator_consents k
        where k.creator_id = c.id and k.channel = 'email' and k.state = 'granted' and k.contact = c.email_key)";
    assert_eq!(count(&pool, reachable).await, 500);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_dropped_for_speed_is_back_afterwards(pool: PgPool) {
    let upkeep = "select string_agg(d, ';' order by d) from (select indexdef as d from pg_indexes where schemaname = current_schema()
        union all select conrelid::regclass || pg_get_constraintdef(oid) from pg_constraint) t";
    let read = async || -> String {
        sqlx::query_scalar(upkeep)
            .fetch_one(&pool)
            .await
            .expect("read")
    };
    let before = read().await;
    let mut tx = pool.begin().await.expect("begun");
    let dropped = store::drop_upkeep(&mut tx).await.expect("dropped");
    let between: String = sqlx::query_scalar(upkeep)
        .fetch_one(&mut *tx)
        .await
        .expect("read");
    assert_ne!(between, before);
    store::restore_upkeep(&mut tx, dropped).await.expect("back");
    tx.commit().await.expect("committed");
    assert_eq!(read().await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_could_have_registered_and_can_belong_to_nobody(pool: PgPool) {
    made(&pool, &lifelike(400)).await.expect("made");
    let rows: Vec<(String, String)> = sqlx::query_as("select email, username from creators")
        .fetch_all(&pool)
        .await
        .expect("rows");
    for (email, username) in rows {
        let email: EmailAddress = email.parse().expect("an address");
        assert!(email.as_str().ends_with(".example"));
        username.parse::<Username>().expect("a username");
    }
}

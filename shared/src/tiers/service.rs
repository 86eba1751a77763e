//! One creator's tier: looking at it, promoting at once, and setting it by hand.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::jobs::{EndTierOverride, EvaluateTier, RecalculateTiers};
use super::model::{Override, Standing, TierFacts, TierPolicy, TierStatus};
use super::{TierError, store};
use crate::audit::{self, Entry};
use crate::creators::{self, Creator, CreatorId, Tier};
use crate::kernel::money::Currency;
use crate::kernel::{Ctx, FieldError, stored};
use crate::queue::{self, JobId, NewJob};

/// The longest time that a tier may be set by hand for, in days.
pub const OVERRIDE_MAX_DAYS: i64 = 366;

/// The rules in force on a day.
///
/// # Errors
/// If there are none.
pub async fn policy(conn: &mut PgConnection, day: NaiveDate) -> Result<TierPolicy, TierError> {
    store::policy::in_force(conn, day)
        .await?
        .ok_or(TierError::NoPolicy(day))
}

/// How a creator's tier comes about, with today's earnings.
///
/// # Errors
/// If there is no such creator.
pub async fn status(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<TierStatus, TierError> {
    let creator = creators::within_reach(conn, ctx, id).await?;
    let today = ctx.now().date_naive();
    let policy = policy(conn, today).await?;
    let first = policy.first_day(today);
    Ok(TierStatus {
        tier: creator.tier,
        since: creator.tier_since,
        figure_minor: store::one::figure(conn, creator.id, first, today).await?,
        standing: standing(conn, &creator).await?,
        set_by_hand: store::one::standing_override(conn, creator.id, ctx.now()).await?,
        policy,
    })
}

/// Adds to what a creator earned on a day, in minor units of the reporting currency; on a day of large earnings the tier is
/// looked at again at once.
///
/// # Errors
/// If there is no such creator.
pub async fn add_earnings(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    day: NaiveDate,
    share_minor: i64,
) -> Result<(), TierError> {
    let creator = creators::get(conn, id).await?;
    let total = store::one::add_earnings(conn, creator.id, day, share_minor).await?;
    if share_minor > 0 && total >= policy(conn, day).await?.large_day_minor {
        let job = EvaluateTier {
            creator_id: creator.id,
        };
        queue::enqueue(conn, ctx, &job).await?;
    }
    Ok(())
}

/// As [`add_earnings`], for many creators and days at once, which are known to be there.
///
/// # Errors
/// If the database or the queue refuses.
pub async fn add_earnings_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    shares: &[(CreatorId, NaiveDate, i64)],
) -> Result<(), TierError> {
    let large = policy(conn, ctx.now().date_naive()).await?.large_day_minor;
    let grown = store::one::add_earnings_many(conn, shares).await?;
    let large = grown.into_iter().filter(|(_, total)| *total >= large);
    let jobs: Vec<NewJob> = large
        .map(|(creator_id, _)| NewJob::of(&EvaluateTier { creator_id }))
        .collect::<Result<_, _>>()?;
    queue::enqueue_many(conn, ctx, jobs).await?;
    Ok(())
}

/// The currency in which creators are compared, on a day.
///
/// # Errors
/// If no rules are in force.
pub async fn reporting_currency(
    conn: &mut PgConnection,
    day: NaiveDate,
) -> Result<Currency, TierError> {
    let code = policy(conn, day).await?.currency;
    Ok(stored("currency", &code)?)
}

/// Promotes a creator at once if their earnings allow it; never demotes, and leaves the rank of legends to the evaluation
/// of all. Answers the tier they have then.
///
/// # Errors
/// If there is no such creator.
pub async fn evaluate(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Tier, TierError> {
    let creator = creators::lock(conn, ctx, id).await?;
    let today = ctx.now().date_naive();
    let policy = policy(conn, today).await?;
    let first = policy.first_day(today);
    let figure_minor = store::one::figure(conn, creator.id, first, today).await?;
    let facts = TierFacts {
        figure_minor,
        created_at: creator.created_at,
        is_legend: false,
    };
    let (before, earned) = (
        standing(conn, &creator).await?,
        policy.earned(&facts, ctx.now()),
    );
    if creator.archived_at.is_some() || earned <= before.organic {
        return Ok(creator.tier);
    }
    let by_hand = store::one::standing_override(conn, creator.id, ctx.now()).await?;
    let shown = by_hand.map_or(earned, |set| set.tier);
    store::one::keep(conn, creator.id, Standing::at(earned), shown).await?;
    let reason = format!(
        "{figure_minor} minor units of {} earned from {first} to {today}",
        policy.currency
    );
    show(conn, ctx, &creator, shown, &reason).await?;
    Ok(shown)
}

/// Sets a creator's tier by hand until `ends_at`, when a job takes it back; only if what is set by hand is still at the given
/// version, if one is given ([`TierStatus::version`]). What the rules say goes on being followed behind it.
///
/// # Errors
/// If the reason or time is not acceptable, there is no such creator, or it is at another version.
pub async fn set_override(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
    tier: Tier,
    reason: &str,
    ends_at: DateTime<Utc>,
) -> Result<(), TierError> {
    creators::check_reason("/reason", reason)?;
    let latest = ctx.now() + Duration::days(OVERRIDE_MAX_DAYS);
    if ends_at <= ctx.now() || ends_at > latest {
        let message = format!("must be in the future, at most {OVERRIDE_MAX_DAYS} days from now");
        return Err(TierError::Invalid(vec![FieldError::new("/until", message)]));
    }
    let creator = creators::lock(conn, ctx, id).await?;
    check_version(conn, ctx, &creator, version).await?;
    let organic = standing(conn, &creator).await?;
    let set = Override {
        tier,
        reason: reason.to_owned(),
        ends_at,
        set_by: ctx.actor.to_string(),
        set_at: ctx.now(),
    };
    store::one::set_override(conn, creator.id, &set).await?;
    store::one::keep(conn, creator.id, organic, tier).await?;
    let why = format!("set by hand until {}: {reason}", ends_at.format("%Y-%m-%d"));
    let why: String = why.chars().take(creators::REASON_MAX_CHARS).collect();
    show(conn, ctx, &creator, tier, &why).await?;
    let entry = Entry::new("tier.override", creator.id)
        .before(json!({ "tier": creator.tier }))
        .after(json!({ "tier": tier, "until": ends_at }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    let end = EndTierOverride {
        creator_id: creator.id,
        ends_at,
    };
    queue::enqueue_one(conn, ctx, NewJob::of(&end)?.at(ends_at)).await?;
    Ok(())
}

/// Takes back a tier that was set by hand, at the given version, if one is given; the creator stands again where the rules
/// see them.
///
/// # Errors
/// If there is no such creator, none is set, or it is at another version.
pub async fn clear_override(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
) -> Result<(), TierError> {
    let creator = creators::lock(conn, ctx, id).await?;
    check_version(conn, ctx, &creator, version).await?;
    let taken = take_back(conn, ctx, &creator, "no longer set by hand").await?;
    taken.then_some(()).ok_or(TierError::NoOverride(creator.id))
}

/// What became of a tier set by hand whose time was to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverrideEnd {
    /// The creator stands where the rules see them.
    TakenBack,
    /// It holds until then; look again.
    NotBefore(DateTime<Utc>),
    /// There is none any more.
    NoneSet,
}

/// Takes back a tier that was set by hand if its time is over. One that was set since has a job of its own.
///
/// # Errors
/// If there is no such creator.
pub async fn end_override(
    conn: &mut PgConnection,
    ctx: &Ctx,
    job: &EndTierOverride,
) -> Result<OverrideEnd, TierError> {
    let creator = creators::lock(conn, ctx, job.creator_id).await?;
    if let Some(set) = store::one::standing_override(conn, creator.id, ctx.now()).await? {
        return Ok(OverrideEnd::NotBefore(set.ends_at));
    }
    let taken = take_back(conn, ctx, &creator, "the time set by hand is over").await?;
    Ok(if taken {
        OverrideEnd::TakenBack
    } else {
        OverrideEnd::NoneSet
    })
}

/// Whether there was something set by hand to take back.
async fn take_back(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    why: &str,
) -> Result<bool, TierError> {
    let before = standing(conn, creator).await?;
    if !store::one::remove_override(conn, creator.id).await? {
        return Ok(false);
    }
    store::one::keep(conn, creator.id, before, before.organic).await?;
    show(conn, ctx, creator, before.organic, why).await?;
    let entry = Entry::new("tier.clear_override", creator.id)
        .before(json!({ "tier": creator.tier }))
        .after(json!({ "tier": before.organic }));
    audit::record(conn, ctx, entry).await?;
    Ok(true)
}

/// Whoever read another override than the one that stands now shall read again.
async fn check_version(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    version: Option<i64>,
) -> Result<(), TierError> {
    let Some(expected) = version else {
        return Ok(());
    };
    let set = store::one::standing_override(conn, creator.id, ctx.now()).await?;
    if Override::version(set.as_ref()) == expected {
        Ok(())
    } else {
        Err(TierError::Stale)
    }
}

/// Asks for an evaluation of all creators; one that waits already will do.
///
/// # Errors
/// If the caller is limited to some clusters, or the queue refuses.
pub async fn recalculate(conn: &mut PgConnection, ctx: &Ctx) -> Result<JobId, TierError> {
    if ctx.actor.reach().clusters.is_some() {
        return Err(TierError::Limited);
    }
    let job = queue::enqueue(conn, ctx, &RecalculateTiers {}).await?.id();
    let subject = audit::Subject::named("tiers", "all");
    let entry = Entry::new("tier.ask_recalculation", subject).after(json!({ "jobId": job }));
    audit::record(conn, ctx, entry).await?;
    Ok(job)
}

/// Where a creator stands by the rules: what is remembered of them, else simply at their tier.
async fn standing(conn: &mut PgConnection, creator: &Creator) -> Result<Standing, TierError> {
    let remembered = store::one::state(conn, creator.id).await?;
    Ok(remembered.unwrap_or(Standing::at(creator.tier)))
}

/// Writes another tier with its line in the history, if it is another one.
async fn show(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    tier: Tier,
    reason: &str,
) -> Result<(), TierError> {
    if tier == creator.tier {
        return Ok(());
    }
    Ok(store::one::show(conn, ctx, creator.id, creator.tier, tier, reason).await?)
}

/// A creator turned out to be another one: earnings and history follow; the tier is found by the next evaluation.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::one::follow_merge(conn, gone, kept).await
}

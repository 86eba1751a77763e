//! Deciding by hand about entries that nothing was done about.

use serde_json::json;
use sqlx::PgConnection;

use super::matching::{report_of, why_not};
use crate::audit::{self, Entry};
use crate::creators;
use crate::kernel::{Ctx, Reach};
use crate::payouts::approve::{self, Finding};
use crate::payouts::batches::ensure_unlimited;
use crate::payouts::{
    EntryState, Fact, Payout, PayoutError, PayoutId, PayoutState, StatementEntry, StatementEntryId,
    report, store,
};
use crate::providers::payout::files::statement::Direction;

/// That an entry is about a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchByHand {
    /// Which.
    pub payout: PayoutId,
    /// Why, for whoever looks later.
    pub reason: String,
    /// What became of the payout, where the entry does not say, or says it of another amount; else what the entry says.
    pub finding: Option<Finding>,
}

/// Notes that an entry is about a payout, and what follows from it for the payout. Of another amount it is only taken with
/// a finding, which is noted as [`resolve`](crate::payouts::resolve) does.
///
/// # Errors
/// If there is no such entry or payout, the entry was decided about or changed since `version`, the amounts differ and
/// nobody says what that means, it does not fit the payout, or the caller asked for the payout or entered where it goes.
pub async fn match_entry(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: StatementEntryId,
    version: Option<i64>,
    by_hand: &MatchByHand,
) -> Result<StatementEntry, PayoutError> {
    creators::check_reason("/reason", &by_hand.reason)?;
    store::statements::take_turn(conn).await?;
    let mut entry = open(conn, ctx, id, version).await?;
    let payout = store::payouts::lock(conn, ctx.actor.reach(), by_hand.payout).await?;
    let payout = payout.ok_or(PayoutError::NotFound(by_hand.payout))?;
    approve::ensure_not_own(conn, ctx, &payout).await?;
    let before = entry.clone();
    // a booking that the bank did not name is one from now on
    entry.fact = entry.fact.or(booked_as(by_hand.finding, entry.direction));
    if let Some(why) = why_unfit(conn, &entry, &payout).await? {
        return Err(PayoutError::DoesNotFit(why));
    }
    match by_hand.finding {
        Some(finding) => found(conn, ctx, &payout, finding, &by_hand.reason).await?,
        None => follow(conn, ctx, &entry, &payout).await?,
    }
    look_no_more(conn, ctx, payout.id, before.why.as_deref()).await?;
    entry.state = EntryState::Matched;
    entry.payout = Some(payout.id);
    entry.batch = None;
    decided(
        conn,
        ctx,
        "payout_statement.match_by_hand",
        before,
        entry,
        &by_hand.reason,
    )
    .await
}

/// Sets an entry aside: it is about no payout of ours.
///
/// # Errors
/// If there is no such entry, it was decided about or changed since `version`, or the reason is missing.
pub async fn dismiss_entry(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: StatementEntryId,
    version: Option<i64>,
    reason: &str,
) -> Result<StatementEntry, PayoutError> {
    creators::check_reason("/reason", reason)?;
    store::statements::take_turn(conn).await?;
    let mut entry = open(conn, ctx, id, version).await?;
    if let Some(payout) = entry.payout {
        look_no_more(conn, ctx, payout, entry.why.as_deref()).await?;
    }
    let before = entry.clone();
    entry.state = EntryState::Dismissed;
    decided(conn, ctx, "payout_statement.dismiss", before, entry, reason).await
}

/// An entry that somebody may decide about, locked.
async fn open(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: StatementEntryId,
    version: Option<i64>,
) -> Result<StatementEntry, PayoutError> {
    ensure_unlimited(ctx).map_err(|_| PayoutError::NoEntry(id))?;
    let entry = store::entries::lock(conn, id).await?;
    let entry = entry.ok_or(PayoutError::NoEntry(id))?;
    if version.is_some_and(|version| version != entry.version) {
        return Err(PayoutError::Stale);
    }
    if !entry.state.is_open() {
        return Err(PayoutError::EntryDecided(entry.state));
    }
    Ok(entry)
}

async fn why_unfit(
    conn: &mut PgConnection,
    entry: &StatementEntry,
    payout: &Payout,
) -> Result<Option<String>, PayoutError> {
    if !payout.method.goes_in_files() {
        return Ok(Some("no bank pays it out".to_owned()));
    }
    let known = store::entries::facts(conn, &[payout.id]).await?;
    let fact = entry.fact.filter(|fact| *fact != Fact::Corrected);
    if fact.is_some_and(|fact| known.contains(&(payout.id, fact))) {
        let why = "another entry says the same of it already; dismiss this one";
        return Ok(Some(why.to_owned()));
    }
    Ok(why_not(entry, payout))
}

/// What the entry says becomes of the payout.
async fn follow(
    conn: &mut PgConnection,
    ctx: &Ctx,
    entry: &StatementEntry,
    payout: &Payout,
) -> Result<(), PayoutError> {
    if let Some(said) = entry.amount.filter(|said| *said != payout.net()) {
        let net = payout.net();
        return Err(PayoutError::AmountsDiffer { said, net });
    }
    let Some(told) = report_of(entry, payout.id, true) else {
        let why = "it does not say what became of a payout; say the outcome";
        return Err(PayoutError::DoesNotFit(why.to_owned()));
    };
    let applied = report::apply(conn, ctx, payout.id, &told).await?;
    match applied.attention {
        Some(why) => Err(PayoutError::DoesNotFit(why)),
        None => Ok(()),
    }
}

/// What somebody found out becomes of the payout.
async fn found(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &Payout,
    finding: Finding,
    reason: &str,
) -> Result<(), PayoutError> {
    let stands = match finding {
        Finding::Completed => PayoutState::Completed,
        Finding::Failed => PayoutState::Failed,
        Finding::Returned => PayoutState::Returned,
        Finding::Reversed => PayoutState::Reversed,
    };
    if payout.state != stands {
        approve::resolve(conn, ctx, payout.id, None, finding, reason).await?;
    }
    Ok(())
}

/// What a booking proves, if somebody says what it is.
const fn booked_as(finding: Option<Finding>, direction: Option<Direction>) -> Option<Fact> {
    match (finding, direction) {
        (Some(Finding::Completed), Some(Direction::Debit)) => Some(Fact::BookedOut),
        (Some(Finding::Returned | Finding::Reversed), Some(Direction::Credit)) => {
            Some(Fact::BookedBack)
        }
        _ => None,
    }
}

/// Nobody has to look at a payout any more because of what an entry says.
async fn look_no_more(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    why: Option<&str>,
) -> Result<(), PayoutError> {
    let payout = store::payouts::lock(conn, Reach::ALL, id).await?;
    let mut payout = payout.ok_or(PayoutError::NotFound(id))?;
    if payout.attention.is_some() && payout.attention.as_deref() == why {
        payout.attention = None;
        store::payouts::update(conn, ctx, &payout).await?;
    }
    Ok(())
}

async fn decided(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    before: StatementEntry,
    mut entry: StatementEntry,
    reason: &str,
) -> Result<StatementEntry, PayoutError> {
    entry.why = Some(reason.to_owned());
    entry.decided_by = Some(ctx.actor.to_string());
    entry.decided_at = Some(ctx.now());
    store::entries::update(conn, std::slice::from_ref(&entry)).await?;
    entry.version += 1;
    let told = Entry::new(action, entry.id)
        .before(json!({ "state": before.state, "payoutId": before.payout, "why": before.why }))
        .after(json!({
            "state": entry.state,
            "payoutId": entry.payout,
            "amount": entry.amount.map(|amount| amount.to_string()),
        }))
        .reason(reason);
    audit::record(conn, ctx, told).await?;
    Ok(entry)
}

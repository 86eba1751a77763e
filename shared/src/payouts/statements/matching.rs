//! Looking at the entries of a statement, and noting what they say of payouts.

use std::collections::HashSet;

use serde_json::json;
use sqlx::PgConnection;

use super::about_batch::about_batch;
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Reach, TypedId};
use crate::payouts::store::entries::Named;
use crate::payouts::{
    BankStatement, EntryState, Fact, Payout, PayoutError, PayoutId, PayoutState, REASON_MAX_CHARS,
    StatementEntry, StatementId, StatementSource, StatementState, report, store,
};
use crate::providers::payout::files::statement::{About, LineOutcome};
use crate::providers::payout::{InstructionId, PayoutStatus, Refusal, Report};

/// Entries that one step looks at, and payouts of a whole file that it moves, at the most.
pub const MATCH_STEP: i64 = 200;

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MatchStep {
    /// Entries that were looked at.
    pub looked_at: usize,
    /// Whether there is more to do.
    pub more: bool,
}

/// What is to be noted of an entry.
pub(super) enum Verdict {
    Matched,
    Repeated,
    Unmatched,
    Attention(String),
    /// It is about so many payouts that another step goes on with it.
    Unfinished,
}

/// What other entries said before.
struct Known {
    facts: HashSet<(PayoutId, Fact)>,
    fingerprints: HashSet<Vec<u8>>,
}

/// Looks at the next entries of a statement. Done twice it does nothing twice: who has looked at an entry has noted it.
///
/// # Errors
/// If there is no such statement, or the ledger or the database refuses.
pub async fn match_step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: StatementId,
) -> Result<MatchStep, PayoutError> {
    store::statements::take_turn(conn).await?;
    let statement = store::statements::find(conn, id).await?;
    let statement = statement.ok_or(PayoutError::NoStatement(id))?;
    if statement.state != StatementState::Read {
        return Ok(MatchStep::default());
    }
    let mut entries = store::entries::waiting(conn, id, MATCH_STEP).await?;
    if entries.is_empty() {
        finish(conn, ctx, id).await?;
        return Ok(MatchStep::default());
    }
    // what is about a whole file is looked at alone: it says something of many payouts
    let whole = entries
        .iter()
        .position(|entry| matches!(entry.about, About::Message(_)));
    if let Some(at) = whole {
        entries.truncate(at.max(1));
    }
    let looked_at = entries.len();
    look_at(conn, ctx, &statement, &mut entries).await?;
    Ok(MatchStep {
        looked_at,
        more: true,
    })
}

async fn finish(conn: &mut PgConnection, ctx: &Ctx, id: StatementId) -> Result<(), PayoutError> {
    store::statements::matched(conn, ctx, id).await?;
    let sums = store::statements::sums(conn, id).await?;
    let states: serde_json::Map<_, _> = sums
        .iter()
        .map(|sum| {
            let currency = sum.currency.map_or("none", |currency| currency.code());
            (format!("{}:{currency}", sum.state), json!(sum.entries))
        })
        .collect();
    let entry = Entry::new("payout_statement.match", id).after(json!({ "entries": states }));
    Ok(audit::record(conn, ctx, entry).await?)
}

async fn look_at(
    conn: &mut PgConnection,
    ctx: &Ctx,
    statement: &BankStatement,
    entries: &mut [StatementEntry],
) -> Result<(), PayoutError> {
    let named = store::entries::named(conn, entries.iter().map(|entry| &entry.about)).await?;
    let payouts: Vec<PayoutId> = entries
        .iter()
        .filter_map(|entry| named.payout(&entry.about))
        .collect();
    let fingerprints: Vec<Vec<u8>> = entries
        .iter()
        .filter_map(|entry| entry.fingerprint.clone())
        .collect();
    let mut known = Known {
        facts: store::entries::facts(conn, &payouts).await?,
        fingerprints: store::entries::seen(conn, &fingerprints).await?,
    };
    for entry in entries.iter_mut() {
        let verdict = judge(conn, ctx, statement, &named, &known, entry).await?;
        note(entry, verdict);
        if entry.state != EntryState::Repeated && entry.state != EntryState::Waiting {
            known.fingerprints.extend(entry.fingerprint.clone());
        }
        if let (EntryState::Matched, Some(payout), Some(fact)) =
            (entry.state, entry.payout, entry.fact)
        {
            known.facts.insert((payout, fact));
        }
    }
    Ok(store::entries::update(conn, entries).await?)
}

fn note(entry: &mut StatementEntry, verdict: Verdict) {
    let (state, why) = match verdict {
        Verdict::Matched => (EntryState::Matched, None),
        Verdict::Repeated => (EntryState::Repeated, None),
        Verdict::Unmatched => (EntryState::Unmatched, None),
        Verdict::Attention(why) => (EntryState::Attention, Some(why)),
        Verdict::Unfinished => (EntryState::Waiting, None),
    };
    entry.state = state;
    entry.why = why.map(|why| why.chars().take(REASON_MAX_CHARS).collect());
}

async fn judge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    statement: &BankStatement,
    named: &Named,
    known: &Known,
    entry: &mut StatementEntry,
) -> Result<Verdict, PayoutError> {
    entry.payout = named.payout(&entry.about);
    entry.batch = named.batch(&entry.about);
    let fingerprint = entry.fingerprint.as_ref();
    if fingerprint.is_some_and(|one| known.fingerprints.contains(one)) {
        return Ok(Verdict::Repeated);
    }
    match (entry.payout, entry.batch) {
        (Some(id), _) => about_payout(conn, ctx, statement, known, entry, id).await,
        (None, Some(batch)) => about_batch(conn, ctx, statement, entry, batch).await,
        (None, None) => Ok(Verdict::Unmatched),
    }
}

async fn about_payout(
    conn: &mut PgConnection,
    ctx: &Ctx,
    statement: &BankStatement,
    known: &Known,
    entry: &StatementEntry,
    id: PayoutId,
) -> Result<Verdict, PayoutError> {
    let payout = store::payouts::lock(conn, Reach::ALL, id).await?;
    let payout = payout.ok_or(PayoutError::NotFound(id))?;
    let agrees = entry.amount.is_none_or(|amount| amount == payout.net());
    let fact = entry.fact.filter(|fact| *fact != Fact::Corrected);
    if agrees && fact.is_some_and(|fact| known.facts.contains(&(id, fact))) {
        return Ok(Verdict::Repeated);
    }
    if let Some(why) = why_not(entry, &payout) {
        return Ok(Verdict::Attention(why));
    }
    if entry.outcome == LineOutcome::Corrected {
        store::entries::add_notice(conn, ctx, payout.destination, entry).await?;
        let code = entry.reason.as_ref().map(|why| why.code.as_str());
        let told = Entry::new("payout.notice_destination", payout.creator)
            .after(json!({ "destinationId": payout.destination, "code": code, "payoutId": id }));
        audit::record(conn, ctx, told).await?;
        return Ok(Verdict::Matched);
    }
    if is_own(conn, statement, &payout).await? {
        let why = "whoever sent the statement asked for this payout or entered where it goes; somebody else has to decide";
        return Ok(Verdict::Attention(why.to_owned()));
    }
    // that it came back was told before that it was paid
    let was_paid = matches!(payout.state, PayoutState::Returned | PayoutState::Reversed);
    if entry.outcome == LineOutcome::Settled && was_paid && agrees {
        return Ok(Verdict::Matched);
    }
    let Some(report) = report_of(entry, id, true) else {
        let why = "the bank booked it, and says neither that it was paid nor that it came back";
        return Ok(Verdict::Attention(why.to_owned()));
    };
    let applied = report::apply(conn, ctx, id, &report).await?;
    Ok(applied
        .attention
        .map_or(Verdict::Matched, Verdict::Attention))
}

/// What keeps an entry from being about this payout by itself, apart from its amount.
pub(super) fn why_not(entry: &StatementEntry, payout: &Payout) -> Option<String> {
    let ended = matches!(
        payout.state,
        PayoutState::Completed
            | PayoutState::Failed
            | PayoutState::Returned
            | PayoutState::Reversed
    );
    if !ended && !payout.state.is_handed_over() {
        return Some(format!(
            "the bank tells of it, and here it is {}",
            payout.state
        ));
    }
    let is_booked = entry.fact.is_some_and(Fact::is_booked);
    (is_booked && entry.amount.is_none())
        .then(|| "the bank does not say of how much it is".to_owned())
}

/// Whoever asked for a payout, or entered where it goes, does not decide about it: not by a statement either.
async fn is_own(
    conn: &mut PgConnection,
    statement: &BankStatement,
    payout: &Payout,
) -> Result<bool, PayoutError> {
    if statement.source != StatementSource::Upload {
        return Ok(false);
    }
    if statement.taken_by == payout.requested_by {
        return Ok(true);
    }
    let destination = store::destinations::find(conn, payout.destination).await?;
    Ok(destination.is_some_and(|one| one.entered_by == statement.taken_by))
}

/// What an entry reports of a payout; none of one that says nothing of whether it was paid.
pub(super) fn report_of(entry: &StatementEntry, id: PayoutId, compared: bool) -> Option<Report> {
    let status = match entry.outcome {
        LineOutcome::Accepted => PayoutStatus::Pending,
        LineOutcome::Settled => PayoutStatus::Completed,
        LineOutcome::Rejected => PayoutStatus::Failed,
        LineOutcome::Returned => PayoutStatus::Returned,
        LineOutcome::Corrected | LineOutcome::Other => return None,
    };
    let failed = matches!(status, PayoutStatus::Failed | PayoutStatus::Returned);
    let day = entry.booked_on.and_then(|day| day.and_hms_opt(0, 0, 0));
    Some(Report {
        event_id: entry.id.to_string(),
        id: InstructionId::from(id.uuid()),
        reference: None,
        status,
        amount: entry.amount.filter(|_| compared),
        refusal: failed.then(|| refusal(entry)),
        at: day.map(|at| at.and_utc()),
    })
}

fn refusal(entry: &StatementEntry) -> Refusal {
    let Some(why) = &entry.reason else {
        return Refusal::new("unspecified", "the bank gives no reason");
    };
    let own = why.text.trim();
    let message = if own.is_empty() {
        super::codes::in_words(&why.code).map_or_else(
            || format!("the bank's reason is {}", why.code),
            str::to_owned,
        )
    } else {
        own.to_owned()
    };
    Refusal::new(&why.code, &message)
}

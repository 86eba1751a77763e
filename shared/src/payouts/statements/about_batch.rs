//! Entries about a whole file of payouts: a bank that refused it, or booked it as one.

use sqlx::PgConnection;

use super::MATCH_STEP;
use super::matching::{Verdict, report_of};
use crate::kernel::Ctx;
use crate::kernel::money::Money;
use crate::payouts::store::entries::BatchSums;
use crate::payouts::{
    BankStatement, BatchId, Fact, PayoutError, StatementEntry, StatementSource, report, store,
};
use crate::providers::payout::files::statement::LineOutcome;

pub(super) async fn about_batch(
    conn: &mut PgConnection,
    ctx: &Ctx,
    statement: &BankStatement,
    entry: &StatementEntry,
    id: BatchId,
) -> Result<Verdict, PayoutError> {
    let batch = store::batches::find(conn, id).await?;
    let batch = batch.ok_or(PayoutError::NoBatch(id))?;
    let Some(fact) = entry.fact else {
        return Ok(attention(
            "the bank booked it, and says neither that it was paid nor that it came back",
        ));
    };
    let sender = match statement.source {
        StatementSource::Upload => statement.taken_by.as_str(),
        StatementSource::DropFolder => "",
    };
    let sums = store::entries::batch_sums(conn, id, sender).await?;
    let net = Money::new(batch.currency, sums.net);
    if entry.amount.is_none_or(|amount| amount == net)
        && store::entries::is_proven(conn, id, fact).await?
    {
        return Ok(Verdict::Repeated);
    }
    let verdict = match entry.outcome {
        // its payouts are on their way already
        LineOutcome::Accepted => return Ok(Verdict::Matched),
        LineOutcome::Settled if fact == Fact::BookedOut => why_not_booked(entry, &sums, net),
        LineOutcome::Settled => None,
        LineOutcome::Rejected if sums.completed > 0 => Some(attention(
            "the bank refuses the whole file, and some of its payouts were paid",
        )),
        LineOutcome::Rejected => None,
        LineOutcome::Returned | LineOutcome::Corrected | LineOutcome::Other => Some(attention(
            "a file does not come back whole: the bank has to name its payments",
        )),
    };
    if let Some(verdict) = verdict {
        return Ok(verdict);
    }
    if sums.is_own {
        return Ok(attention(
            "whoever sent the statement asked for a payout of this file or entered where it goes; somebody else has to send it",
        ));
    }
    let open = store::entries::open_of_batch(conn, id, MATCH_STEP).await?;
    for payout in &open {
        if let Some(told) = report_of(entry, *payout, false) {
            report::apply(conn, ctx, *payout, &told).await?;
        }
    }
    let full = i64::try_from(open.len()).is_ok_and(|open| open == MATCH_STEP);
    Ok(if full {
        Verdict::Unfinished
    } else {
        Verdict::Matched
    })
}

/// What keeps the booking of a whole file from being that of its payouts.
fn why_not_booked(entry: &StatementEntry, sums: &BatchSums, net: Money) -> Option<Verdict> {
    let Some(amount) = entry.amount else {
        return Some(attention("the bank does not say of how much it is"));
    };
    if sums.booked_entries > 0 {
        let booked = Money::new(net.currency, sums.booked);
        return Some(if booked == amount {
            Verdict::Repeated
        } else {
            attention("some of its payouts were booked by themselves")
        });
    }
    (amount != net).then(|| {
        let why = format!("the bank booked {amount} for the whole file, whose payouts are {net}");
        Verdict::Attention(why)
    })
}

fn attention(why: &str) -> Verdict {
    Verdict::Attention(why.to_owned())
}

//! Payouts held against the ledger.

use sqlx::PgConnection;

use crate::ledger::Finding;
use crate::payouts::PayoutState;

/// States in which what was held has been posted, whatever came back since.
const POSTED: [PayoutState; 3] = [
    PayoutState::Completed,
    PayoutState::Returned,
    PayoutState::Reversed,
];

/// What does not fit, at most `most` of each sort, as of one moment. Amounts are compared as they change
/// `creator_available`, `payout_clearing`, `payout_fee` and `creator_paid`.
pub(in crate::payouts) async fn look(
    conn: &mut PgConnection,
    most: i64,
) -> sqlx::Result<Vec<Finding>> {
    let held: Vec<String> = PayoutState::ALL
        .iter()
        .filter(|state| state.is_held())
        .map(ToString::to_string)
        .collect();
    let posted = POSTED.map(|state| state.to_string());
    let rows = sqlx::query!(
        r#"
        with moves as materialized (
            select transfer_id, phase, resolves, reverses, min(currency) as currency, min(creator_id::text) as creator,
                   array[coalesce(sum(credited) filter (where code = 'creator_available'), 0),
                         coalesce(sum(credited) filter (where code = 'payout_clearing'), 0),
                         coalesce(sum(credited) filter (where code = 'payout_fee'), 0),
                         coalesce(sum(credited) filter (where code = 'creator_paid'), 0)]::int8[] as moved
            from ledger_legs
            -- of a hold what it holds, of what resolves it what it posts
            where kind in ('payout', 'payout_return') and pending = (phase = 'pending')
            group by transfer_id, phase, resolves, reverses
        ), holds as (
            select m.*, case o.outcome when 'posted' then 'posted' when 'voided' then 'released' when 'expired' then 'released'
                        else 'held' end as stands
            from moves m join ledger_outcomes o using (transfer_id) where m.phase = 'pending'
        ), expected as (
            select id, hold_id, creator_id::text as creator, currency, state,
                   case when state = any($2) then 'held' when state = any($3) then 'posted' else 'released' end as stands,
                   array[-gross_minor, net_minor, fee_minor, net_minor] as moved,
                   -- what we called back ourselves costs nothing
                   case state when 'returned' then least(return_fee_minor, net_minor) when 'reversed' then 0 end as kept,
                   net_minor
            from payouts
        ), postings as (
            select e.*, m.transfer_id as posting, m.moved as posted
            from expected e left join moves m on m.phase = 'post' and m.resolves = e.hold_id
        )
        (select 'payout ' || e.id as "what!",
                format('is %s, and in the ledger it is %s', e.state, coalesce(h.stands, 'not there')) as "why!"
         from expected e left join holds h on h.transfer_id = e.hold_id
         where h.stands is distinct from e.stands order by e.id limit $1)
        union all
        (select 'payout ' || e.id, format('holds %s of %s, and is of %s %s', h.moved, h.currency, e.moved, e.currency)
         from expected e join holds h on h.transfer_id = e.hold_id
         where (h.moved, h.currency) is distinct from (e.moved, e.currency) order by e.id limit $1)
        union all
        -- those of somebody who was merged stay where they were once they have ended
        (select 'payout ' || e.id, 'holds the money of another creator'
         from expected e join holds h on h.transfer_id = e.hold_id
         where e.stands = 'held' and h.creator is distinct from e.creator order by e.id limit $1)
        union all
        (select 'payout ' || p.id, format('posted %s, and is of %s', p.posted, p.moved)
         from postings p where p.stands = 'posted' and p.posted is distinct from p.moved order by p.id limit $1)
        union all
        (select 'payout ' || p.id, format('is %s, and %s came back', p.state, coalesce(b.moved::text, 'nothing'))
         from postings p left join moves b on b.reverses = p.posting
         where b.moved is distinct from array[p.net_minor - p.kept, -p.net_minor, p.kept, -p.net_minor]
           and (b.moved is not null or p.kept is not null) order by p.id limit $1)
        union all
        (select 'transfer ' || m.transfer_id, 'is of a payout that is not there'
         from moves m
         where (m.phase = 'pending' and not exists (select from payouts p where p.hold_id = m.transfer_id))
            or (m.phase = 'posted' and not exists (select from postings p where p.posting = m.reverses))
         order by m.transfer_id limit $1)
        "#,
        most,
        &held,
        &posted,
    )
    .fetch_all(conn)
    .await?;
    let findings = rows.into_iter();
    Ok(findings
        .map(|row| Finding {
            what: row.what,
            why: row.why,
        })
        .collect())
}

//! Sums of payouts and of entries, each side by itself.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::payouts::{Place, Row};
use crate::kernel::stored;
use crate::payouts::{Books, Explained, Moves, Payout, ReconciliationScope, Tally};
use crate::providers::payout::files::statement::StatementAccount;

/// What was handed over, was not sent after all, and failed, by the steps of payouts.
pub(in crate::payouts) async fn flows(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
) -> sqlx::Result<(Tally, Tally, Tally)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where not s.was and s.is_open) as "handed!",
                  coalesce(sum(s.net_minor) filter (where not s.was and s.is_open), 0)::int8 as "handed_minor!",
                  count(*) filter (where s.was and s.to_state = 'scheduled') as "unsent!",
                  coalesce(sum(s.net_minor) filter (where s.was and s.to_state = 'scheduled'), 0)::int8 as "unsent_minor!",
                  count(*) filter (where s.to_state = 'failed') as "failed!",
                  coalesce(sum(s.net_minor) filter (where s.to_state = 'failed'), 0)::int8 as "failed_minor!"
           from (select p.net_minor, e.to_state,
                        coalesce(e.from_state in ('submitted', 'unknown', 'in_transit'), false) as was,
                        e.to_state in ('submitted', 'unknown', 'in_transit') as is_open
                 from payout_events e join payouts p on p.id = e.payout_id
                 where e.at >= $1 and e.at < $2 and p.method = $3 and p.currency = $4) s"#,
        scope.begins(),
        scope.ends(),
        scope.method.as_str(),
        scope.currency.code(),
    )
    .fetch_one(conn)
    .await?;
    let tally = |count, minor| Tally { count, minor };
    Ok((
        tally(row.handed, row.handed_minor),
        tally(row.unsent, row.unsent_minor),
        tally(row.failed, row.failed_minor),
    ))
}

/// What was under way at a moment: of payouts that have had a step since then, what they were before the first of these;
/// of the others, what they are.
pub(in crate::payouts) async fn open_at(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
    at: DateTime<Utc>,
) -> sqlx::Result<Tally> {
    let row = sqlx::query!(
        r#"with later as (
               select distinct on (e.payout_id) e.payout_id, e.from_state
               from payout_events e where e.at >= $1 order by e.payout_id, e.seq),
           was_open as (
               select p.net_minor from later l join payouts p on p.id = l.payout_id
               where l.from_state in ('submitted', 'unknown', 'in_transit') and p.method = $2 and p.currency = $3
               union all
               select p.net_minor from payouts p
               where p.state in ('submitted', 'unknown', 'in_transit') and p.method = $2 and p.currency = $3
                 and not exists (select from later l where l.payout_id = p.id))
           select count(*) as "count!", coalesce(sum(net_minor), 0)::int8 as "minor!" from was_open"#,
        at,
        scope.method.as_str(),
        scope.currency.code(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Tally {
        count: row.count,
        minor: row.minor,
    })
}

/// What was paid and came back, by the steps of payouts, and what the ledger has of these steps.
pub(in crate::payouts) async fn books(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
) -> sqlx::Result<Books> {
    let rows = sqlx::query!(
        r#"select e.to_state, count(*) as "count!", coalesce(sum(p.net_minor), 0)::int8 as "minor!",
                  coalesce(sum((select sum(l.minor) from ledger_clearing l
                                where l.transfer_id = e.transfer_id and l.currency = p.currency)), 0)::int8 as "ledger!"
           from payout_events e join payouts p on p.id = e.payout_id
           where e.at >= $1 and e.at < $2 and e.to_state in ('completed', 'returned', 'reversed')
             and p.method = $3 and p.currency = $4
           group by e.to_state"#,
        scope.begins(),
        scope.ends(),
        scope.method.as_str(),
        scope.currency.code(),
    )
    .fetch_all(conn)
    .await?;
    let mut books = Books::default();
    for row in rows {
        let tally = Tally {
            count: row.count,
            minor: row.minor,
        };
        match row.to_state.as_str() {
            "completed" => books.completed = tally,
            "returned" => books.returned = tally,
            _ => books.reversed = tally,
        }
        books.ledger += row.ledger;
    }
    Ok(books)
}

/// Entries that are matched, theirs only, and set aside. Matched ones are those of the method; the others are of no method.
pub(in crate::payouts) async fn moves(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
) -> sqlx::Result<[Moves; 3]> {
    let rows = sqlx::query!(
        r#"select case when e.state = 'attention' then 'unmatched' else e.state end as "state!",
                  count(*) filter (where m.way = 'debit') as "outs!",
                  coalesce(sum(e.amount_minor) filter (where m.way = 'debit'), 0)::int8 as "out_minor!",
                  count(*) filter (where m.way = 'credit') as "backs!",
                  coalesce(sum(e.amount_minor) filter (where m.way = 'credit'), 0)::int8 as "back_minor!",
                  count(*) filter (where m.way is null) as "others!"
           from payout_statement_entries e
                left join payouts p on p.id = e.payout_id left join payout_batches b on b.id = e.batch_id
                cross join lateral (
                    select case when e.fact in ('booked_out', 'booked_back')
                                  or (e.fact is null and e.amount_minor is not null and e.state <> 'matched')
                                then e.direction end as way) m
           where e.state in ('matched', 'unmatched', 'attention', 'dismissed')
             and (e.state <> 'matched' or coalesce(p.method, b.method) = $1)
             and (e.currency = $2 or (e.currency is null and coalesce(p.currency, b.currency, $2) = $2))
             and (e.booked_on between $3 and $4 or e.booked_on is null)
           group by 1"#,
        scope.method.as_str(),
        scope.currency.code(),
        scope.from,
        scope.to,
    )
    .fetch_all(conn)
    .await?;
    let mut all = [Moves::default(); 3];
    for row in rows {
        let nth = match row.state.as_str() {
            "matched" => 0,
            "unmatched" => 1,
            _ => 2,
        };
        all[nth] = Moves {
            out: Tally {
                count: row.outs,
                minor: row.out_minor,
            },
            back: Tally {
                count: row.backs,
                minor: row.back_minor,
            },
            others: row.others,
        };
    }
    Ok(all)
}

/// Why our books and the matched entries, whose net amount is given, are not the same.
pub(in crate::payouts) async fn explained(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
    matched: i64,
) -> sqlx::Result<Explained> {
    let books = sqlx::query!(
        r#"with noted as (
               select p.id, p.batch_id, p.net_minor,
                      case when e.to_state = 'completed' then 'booked_out' else 'booked_back' end as fact,
                      case when e.to_state = 'completed' then 1 else -1 end as sign
               from payout_events e join payouts p on p.id = e.payout_id
               where e.at >= $1 and e.at < $2 and e.to_state in ('completed', 'returned', 'reversed')
                 and p.method = $3 and p.currency = $4)
           select count(*) filter (where x.found is null and n.sign = 1) as "outs!",
                  coalesce(sum(n.net_minor) filter (where x.found is null and n.sign = 1), 0)::int8 as "out_minor!",
                  count(*) filter (where x.found is null and n.sign = -1) as "backs!",
                  coalesce(sum(n.net_minor) filter (where x.found is null and n.sign = -1), 0)::int8 as "back_minor!",
                  coalesce(sum(n.sign * n.net_minor)
                           filter (where x.found and x.booked_on is not null
                                     and x.booked_on not between $5 and $6), 0)::int8 as "elsewhere!"
           from noted n left join lateral (
               select true as found, s.booked_on from payout_statement_entries s
               where s.state = 'matched' and s.fact = n.fact and (s.payout_id = n.id or s.batch_id = n.batch_id)
               order by s.id limit 1) x on true"#,
        scope.begins(),
        scope.ends(),
        scope.method.as_str(),
        scope.currency.code(),
        scope.from,
        scope.to,
    )
    .fetch_one(&mut *conn)
    .await?;
    let bank = sqlx::query!(
        r#"with booked as (
               select s.id, s.fact, s.payout_id, s.batch_id, case when s.fact = 'booked_out' then 1 else -1 end as sign
               from payout_statement_entries s
               where s.state = 'matched' and s.fact in ('booked_out', 'booked_back') and s.currency = $4
                 and (s.booked_on between $5 and $6 or s.booked_on is null)),
           parts as (
               select b.fact, b.sign, p.id, p.net_minor
               from booked b join payouts p on p.id = b.payout_id where p.method = $3
               union all
               select b.fact, b.sign, p.id, p.net_minor
               from booked b join payouts p on p.batch_id = b.batch_id and p.state <> 'failed' where p.method = $3)
           select coalesce(sum(a.sign * a.net_minor), 0)::int8 as "nets!",
                  coalesce(sum(a.sign * a.net_minor) filter (where n.at < $1 or n.at >= $2), 0)::int8 as "elsewhere!",
                  count(*) filter (where n.at is null) as "absent!",
                  coalesce(sum(a.sign * a.net_minor) filter (where n.at is null), 0)::int8 as "absent_minor!"
           from parts a left join lateral (
               select e.at from payout_events e
               where e.payout_id = a.id
                 and ((a.fact = 'booked_out' and e.to_state = 'completed')
                      or (a.fact = 'booked_back' and e.to_state in ('returned', 'reversed')))
               limit 1) n on true"#,
        scope.begins(),
        scope.ends(),
        scope.method.as_str(),
        scope.currency.code(),
        scope.from,
        scope.to,
    )
    .fetch_one(conn)
    .await?;
    let tally = |count, minor| Tally { count, minor };
    Ok(Explained {
        completed_unbooked: tally(books.outs, books.out_minor),
        returned_unbooked: tally(books.backs, books.back_minor),
        booked_on_other_days: books.elsewhere,
        noted_on_other_days: bank.elsewhere,
        not_in_books: tally(bank.absent, bank.absent_minor),
        differing: bank.nets - matched,
    })
}

/// Payouts handed over on the days that no statement has as paid.
pub(in crate::payouts) async fn ours(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
) -> sqlx::Result<Tally> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", coalesce(sum(p.net_minor), 0)::int8 as "minor!" from payouts p
           where p.first_handed_at >= $1 and p.first_handed_at < $2 and p.method = $3 and p.currency = $4
             and p.state in ('submitted', 'unknown', 'in_transit', 'completed', 'returned', 'reversed')
             and not exists (select from payout_statement_entries s
                             where s.payout_id = p.id and s.state = 'matched' and s.fact = 'booked_out')
             and not exists (select from payout_statement_entries s
                             where s.batch_id = p.batch_id and s.state = 'matched' and s.fact = 'booked_out')"#,
        scope.begins(),
        scope.ends(),
        scope.method.as_str(),
        scope.currency.code(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Tally {
        count: row.count,
        minor: row.minor,
    })
}

/// As [`ours`], each of them, the latest handed over first.
pub(in crate::payouts) async fn list_ours(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Payout>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select p.id, p.creator_id, p.destination_id, p.method, p.currency, p.gross_minor, p.fee_minor, p.return_fee_minor,
                p.state, p.content_hash, p.approvals_needed, p.approve_by, p.automatic, p.retry_of, p.hold_id,
                p.requested_by, p.requested_at, p.submissions, p.handed_over_at, p.first_handed_at, p.provider, p.reference,
                p.next_step_at, p.completed_at, p.failure_code, p.failure_message, p.attention, p.was_lost, p.version
         from payouts p
         where p.first_handed_at >= $1 and p.first_handed_at < $2 and p.method = $3 and p.currency = $4
           and p.state in ('submitted', 'unknown', 'in_transit', 'completed', 'returned', 'reversed')
           and not exists (select from payout_statement_entries s
                           where s.payout_id = p.id and s.state = 'matched' and s.fact = 'booked_out')
           and not exists (select from payout_statement_entries s
                           where s.batch_id = p.batch_id and s.state = 'matched' and s.fact = 'booked_out')
           and ($5::timestamptz is null or (p.first_handed_at, p.id) < ($5, $6::uuid))
         order by p.first_handed_at desc, p.id desc limit $7",
        scope.begins(),
        scope.ends(),
        scope.method.as_str(),
        scope.currency.code(),
        at,
        id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Payout::try_from).collect()
}

/// Accounts that a report has at the most.
const ACCOUNTS_MAX: i64 = 500;

/// What statements that end on the days say of accounts as a whole, the latest ones.
pub(in crate::payouts) async fn accounts(
    conn: &mut PgConnection,
    scope: &ReconciliationScope,
) -> sqlx::Result<Vec<StatementAccount>> {
    let rows = sqlx::query!(
        "select account, currency, from_day, to_day, opening_minor, closing_minor, moved_minor
         from payout_statement_accounts
         where currency = $1 and to_day between $2 and $3 and opening_minor is not null and closing_minor is not null
         order by to_day desc, statement_id, nth limit $4",
        scope.currency.code(),
        scope.from,
        scope.to,
        ACCOUNTS_MAX,
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let currency = row.currency.map(|code| stored("currency", &code));
        Ok(StatementAccount {
            account: row.account,
            currency: currency.transpose()?,
            from: row.from_day,
            to: row.to_day,
            opening: row.opening_minor,
            closing: row.closing_minor,
            moved: row.moved_minor,
        })
    });
    all.collect()
}

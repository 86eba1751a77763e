//! What follows one creator into another.

use sqlx::PgConnection;

use crate::creators::CreatorId;
use crate::kernel::TypedId;

pub(in crate::earnings) async fn follow(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with one as (
            update earnings set creator_id = $2 where creator_id = $1
         ), reversals as (
            update earning_reversals set creator_id = $2 where creator_id = $1
         ), currencies as (
            delete from creator_currencies where creator_id = $1
         ), dues as (
            delete from earning_dues where creator_id = $1 returning kind, due_on, currency, amount_minor
         ), due as (
            insert into earning_dues (kind, due_on, creator_id, currency, amount_minor)
            select kind, due_on, $2, currency, amount_minor from dues
            on conflict (kind, due_on, creator_id, currency) do update
            set amount_minor = earning_dues.amount_minor + excluded.amount_minor
         ), months as (
            delete from creator_earnings_monthly where creator_id = $1 returning month, currency, source, gross_minor, share_minor
         ), month as (
            insert into creator_earnings_monthly (creator_id, month, currency, source, gross_minor, share_minor)
            select $2, month, currency, source, gross_minor, share_minor from months
            on conflict (creator_id, month, currency, source) do update
            set gross_minor = creator_earnings_monthly.gross_minor + excluded.gross_minor,
                share_minor = creator_earnings_monthly.share_minor + excluded.share_minor
         ), waits as (
            delete from earnings_unconverted where creator_id = $1 returning day, currency, source, rate_day, share_minor
         ), wait as (
            insert into earnings_unconverted (creator_id, day, currency, source, rate_day, share_minor)
            select $2, day, currency, source, rate_day, share_minor from waits
            on conflict (creator_id, day, currency, source, rate_day) do update
            set share_minor = earnings_unconverted.share_minor + excluded.share_minor
         ), lots as (
            delete from earnings_converted where creator_id = $1
            returning day, currency, source, rate_day, reporting, share_minor, converted_minor, converted_at
         )
         insert into earnings_converted (creator_id, day, currency, source, rate_day, reporting, share_minor, converted_minor, converted_at)
         select $2, day, currency, source, rate_day, reporting, share_minor, converted_minor, converted_at from lots
         on conflict (creator_id, day, currency, source, rate_day, reporting) do update
         set share_minor = earnings_converted.share_minor + excluded.share_minor,
             converted_minor = earnings_converted.converted_minor + excluded.converted_minor,
             converted_at = greatest(earnings_converted.converted_at, excluded.converted_at)",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}

//! What follows a creator or a person into another one, and who may be the same.

use sqlx::PgConnection;

use crate::creators::merge::{Duplicate, Likeness};
use crate::creators::{Creator, CreatorId, PersonId};
use crate::kernel::{Ctx, TypedId, stored};

/// Creators that are like this one, by id.
pub(in crate::creators) async fn alike(
    conn: &mut PgConnection,
    creator: &Creator,
    most: i64,
) -> sqlx::Result<Vec<Duplicate>> {
    let rows = sqlx::query!(
        r#"
        with me as (
            select p.id, p.legal_name_key, p.birth_date from people p where p.id = $2
        ), hits as (
            (select c.id, 'identity' as likeness
             from me join people p on p.legal_name_key = me.legal_name_key and p.birth_date = me.birth_date and p.id <> me.id
             join creators c on c.person_id = p.id limit $5)
            union all
            (select id, 'email' from creators where email_key = $3 limit $5)
            union all
            (select id, 'phone' from creators where phone = $4 limit $5)
            union all
            (select other.creator_id, 'payout_destination'
             from findable_accounts mine join findable_accounts other using (fingerprint)
             where mine.creator_id = $1 and other.creator_id <> $1 limit $5)
        )
        select c.id, c.cluster_id, c.username, c.status, c.person_id = $2 as "same_person!",
               array_agg(distinct h.likeness) as "likeness!"
        from hits h join creators c on c.id = h.id
        where c.id <> $1 and c.merged_into is null
        group by c.id order by c.id
        "#,
        creator.id.uuid(),
        creator.person.uuid(),
        creator.email.to_lowercase(),
        creator.phone,
        most,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let likeness: sqlx::Result<Vec<Likeness>> = row
                .likeness
                .iter()
                .map(|word| stored("likeness", word))
                .collect();
            Ok(Duplicate {
                id: row.id.into(),
                cluster: row.cluster_id,
                username: row.username,
                status: stored("status", &row.status)?,
                same_person: row.same_person,
                likeness: likeness?,
            })
        })
        .collect()
}

/// Lets one creator lead to another, with its consents, blocks and history. Earlier merges into it lead straight on.
pub(in crate::creators) async fn creators(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with consents as (
            update creator_consents set creator_id = $2 where creator_id = $1
         ), blocks as (
            update creator_blocks set creator_id = $2 where creator_id = $1
         ), statuses as (
            update creator_status_history set creator_id = $2 where creator_id = $1
         )
         update creators
         set merged_into = $2, archived_at = coalesce(archived_at, $3), updated_at = $3, version = version + 1
         where id = $1 or merged_into = $1",
        gone.uuid(),
        kept.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether two people can be one: what is known of both is the same.
pub(in crate::creators) async fn same_identity(
    conn: &mut PgConnection,
    a: PersonId,
    b: PersonId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce(a.legal_name_key = b.legal_name_key, true) and coalesce(a.birth_date = b.birth_date, true) as "same!"
           from people a, people b where a.id = $1 and b.id = $2"#,
        a.uuid(),
        b.uuid(),
    )
    .fetch_one(conn)
    .await
}

/// Lets one person lead to another, with their creators and the decisions about their age.
pub(in crate::creators) async fn people(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: PersonId,
    kept: PersonId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with profiles as (
            update creators set person_id = $2, updated_at = $3 where person_id = $1
         ), decisions as (
            update person_age_decisions set person_id = $2 where person_id = $1
         ), restricted as (
            update people k set restricted_at = coalesce(k.restricted_at, g.restricted_at)
            from people g where k.id = $2 and g.id = $1
         )
         update people set merged_into = $2, updated_at = $3, version = version + 1 where id = $1 or merged_into = $1",
        gone.uuid(),
        kept.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

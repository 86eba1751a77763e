//! The SQL of tags.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Tag, TagCount};
use crate::creators::CreatorId;
use crate::kernel::{Ctx, Reach, TypedId};

fn uuids(creators: &[CreatorId]) -> Vec<Uuid> {
    creators.iter().map(|id| id.uuid()).collect()
}

/// Those of the ids that name somebody within reach, in their order.
pub(super) async fn known(
    conn: &mut PgConnection,
    reach: Reach<'_>,
    creators: &[CreatorId],
) -> sqlx::Result<Vec<CreatorId>> {
    let ids = sqlx::query_scalar!(
        "select id from creators where id = any($1) and ($2::text[] is null or cluster_id = any($2)) order by id",
        &uuids(creators),
        reach.clusters,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(CreatorId::from).collect())
}

/// Adds a tag; answers how many did not have it.
pub(super) async fn add(
    conn: &mut PgConnection,
    ctx: &Ctx,
    tag: &Tag,
    creators: &[CreatorId],
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with added as (
               insert into creator_tags (creator_id, tag, added_by, added_at)
               select c.id, $2, $3, $4 from creators c where c.id = any($1) order by c.id
               on conflict do nothing
               returning creator_id
           ), told as (
               insert into creator_tag_events (id, creator_id, tag, kind, caused_by, at)
               select uuid_v7(), creator_id, $2, 'added', $3, $4 from added
               returning 1
           )
           select count(*) as "count!" from told"#,
        &uuids(creators),
        tag.as_str(),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .fetch_one(conn)
    .await
}

/// Removes a tag; answers how many had it.
pub(super) async fn remove(
    conn: &mut PgConnection,
    ctx: &Ctx,
    tag: &Tag,
    creators: &[CreatorId],
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with removed as (
               delete from creator_tags where tag = $2 and creator_id = any($1) returning creator_id
           ), told as (
               insert into creator_tag_events (id, creator_id, tag, kind, caused_by, at)
               select uuid_v7(), creator_id, $2, 'removed', $3, $4 from removed
               returning 1
           )
           select count(*) as "count!" from told"#,
        &uuids(creators),
        tag.as_str(),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .fetch_one(conn)
    .await
}

/// Leaves a creator, who is locked, with exactly these tags.
pub(super) async fn set(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    tags: &BTreeSet<Tag>,
) -> sqlx::Result<()> {
    let wanted: Vec<String> = tags.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "with removed as (
             delete from creator_tags where creator_id = $1 and tag <> all($2::text[]) returning tag
         ), added as (
             insert into creator_tags (creator_id, tag, added_by, added_at)
             select $1, g.tag, $3, $4 from unnest($2::text[]) as g (tag)
             on conflict do nothing
             returning tag
         )
         insert into creator_tag_events (id, creator_id, tag, kind, caused_by, at)
         select uuid_v7(), $1, tag, 'removed', $3, $4 from removed
         union all
         select uuid_v7(), $1, tag, 'added', $3, $4 from added",
        creator.uuid(),
        &wanted,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn of_creator(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select tag from creator_tags where creator_id = $1 order by tag",
        creator.uuid()
    )
    .fetch_all(conn)
    .await
}

/// Whether one of the creators has more than `max` tags.
pub(super) async fn any_has_more_than(
    conn: &mut PgConnection,
    creators: &[CreatorId],
    max: usize,
) -> sqlx::Result<bool> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    sqlx::query_scalar!(
        r#"select exists (select 1 from creator_tags where creator_id = any($1) group by creator_id having count(*) > $2) as "any!""#,
        &uuids(creators),
        max,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn counts(
    conn: &mut PgConnection,
    reach: Reach<'_>,
    limit: i64,
) -> sqlx::Result<Vec<TagCount>> {
    sqlx::query_as!(
        TagCount,
        r#"select tag, count(*) as "creators!" from creator_tags
           where $1::text[] is null
              or exists (select 1 from creators c where c.id = creator_id and c.cluster_id = any($1))
           group by tag order by tag limit $2"#,
        reach.clusters,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The tags of `gone` are those of `kept` too.
pub(super) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with told as (
             update creator_tag_events set creator_id = $2 where creator_id = $1
         ), taken as (
             delete from creator_tags where creator_id = $1 returning tag, added_by, added_at
         )
         insert into creator_tags (creator_id, tag, added_by, added_at)
         select $2, tag, added_by, added_at from taken
         on conflict do nothing",
        gone.uuid(),
        kept.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The tags of creators, each in its order.
pub(super) async fn of_many(
    conn: &mut PgConnection,
    creators: &[CreatorId],
) -> sqlx::Result<BTreeMap<CreatorId, Vec<String>>> {
    let rows = sqlx::query!(
        r#"select creator_id, array_agg(tag order by tag) as "tags!" from creator_tags
           where creator_id = any($1) group by creator_id"#,
        &uuids(creators),
    )
    .fetch_all(conn)
    .await?;
    let tags = rows
        .into_iter()
        .map(|row| (row.creator_id.into(), row.tags));
    Ok(tags.collect())
}

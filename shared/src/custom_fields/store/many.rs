//! The values of many creators in a few statements.

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Columns, type_of};
use crate::creators::CreatorId;
use crate::custom_fields::FieldValue;
use crate::kernel::{Ctx, TypedId};

/// A value to be set; none removes it.
pub(in crate::custom_fields) type Change<'a> = (CreatorId, &'a str, Option<&'a FieldValue>);

#[derive(Debug, Default)]
struct Rows {
    creator: Vec<Uuid>,
    field: Vec<String>,
    field_type: Vec<String>,
    text: Vec<Option<String>>,
    number: Vec<Option<String>>,
    date: Vec<Option<NaiveDate>>,
    flag: Vec<Option<bool>>,
    // a column cannot hold lists of different lengths, so they travel as JSON
    list: Vec<Option<Json<Vec<String>>>>,
}

/// Sets and removes values; no pair of creator and field comes twice.
pub(in crate::custom_fields) async fn set_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    changes: &[Change<'_>],
) -> sqlx::Result<()> {
    let mut rows = Rows::default();
    let (mut bare_creator, mut bare_field) = (Vec::new(), Vec::new());
    for (creator, field, value) in changes {
        let Some(value) = value else {
            bare_creator.push(creator.uuid());
            bare_field.push((*field).to_owned());
            continue;
        };
        let columns = Columns::of(value);
        rows.creator.push(creator.uuid());
        rows.field.push((*field).to_owned());
        rows.field_type.push(type_of(value).to_string());
        rows.text.push(columns.text);
        rows.number.push(columns.number);
        rows.date.push(columns.date);
        rows.flag.push(columns.flag);
        rows.list.push(columns.list.map(Json));
    }
    remove(conn, &bare_creator, &bare_field).await?;
    upsert(conn, ctx, &rows).await
}

async fn upsert(conn: &mut PgConnection, ctx: &Ctx, rows: &Rows) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into custom_field_values (creator_id, field, type, text_value, number_value, date_value, bool_value, list_value,
                                          set_by, set_at)
         select creator_id, field, type, text_value, number_value::numeric, date_value, bool_value,
                case when list_value is not null then array(select jsonb_array_elements_text(list_value)) end, $9, $10
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::bool[], $8::jsonb[])
              as g (creator_id, field, type, text_value, number_value, date_value, bool_value, list_value)
         on conflict (creator_id, field) do update
         set text_value = excluded.text_value, number_value = excluded.number_value, date_value = excluded.date_value,
             bool_value = excluded.bool_value, list_value = excluded.list_value, set_by = excluded.set_by,
             set_at = excluded.set_at",
        &rows.creator,
        &rows.field,
        &rows.field_type,
        rows.text.as_slice() as &[Option<String>],
        rows.number.as_slice() as &[Option<String>],
        rows.date.as_slice() as &[Option<NaiveDate>],
        rows.flag.as_slice() as &[Option<bool>],
        rows.list.as_slice() as &[Option<Json<Vec<String>>>],
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn remove(conn: &mut PgConnection, creators: &[Uuid], fields: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from custom_field_values v
         using unnest($1::uuid[], $2::text[]) as g (creator_id, field)
         where v.creator_id = g.creator_id and v.field = g.field",
        creators,
        fields,
    )
    .execute(conn)
    .await
    .map(drop)
}

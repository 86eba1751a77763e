//! The statements that find creators: put together at run time, every value bound.
//!
//! A list that is filtered by cluster, status or tier asks every combination of the three for its first rows, each from
//! an index of `creator_tiers` that has them in order, and merges the answers: at most 441 short looks, whatever the
//! table's size. Other lists walk the index of their order; searches leave the way to the planner, which knows how common
//! a text is. What a page shows is read when it is known which creators are on it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::creators::model::{TRIGRAM_MIN_CHARS, is_of_address};
use crate::creators::{
    Comparison, CreatorFilter, CreatorStatus, CreatorSummary, FieldCondition, Operand, Sort,
    SortKey, Tier,
};
use crate::kernel::{Reach, TypedId, stored};

/// How long a search may take, in milliseconds.
const SEARCH_TIMEOUT_MS: u32 = 3_000;
const COLUMNS: &str = "c.id, c.cluster_id, c.username, c.display_name, c.status, t.tier, c.owner, c.last_active_at, \
                       c.archived_at, c.created_at, c.name_key";
/// The rows of a page, when it is known which: found by `w`, which has their ids and the keys of the order.
const ROWS_OF_PAGE: &str =
    " w join creators c on c.id = w.id join creator_tiers t on t.creator_id = w.id";

/// What is looked for, and what may be seen.
#[derive(Debug, Clone, Copy)]
pub(in crate::creators) struct Wanted<'a> {
    pub(in crate::creators) filter: &'a CreatorFilter,
    pub(in crate::creators) sort: Sort,
    pub(in crate::creators) reach: Reach<'a>,
    pub(in crate::creators) by_email: bool,
}

/// A row's place in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::creators) struct Place {
    key: Key,
    id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Key {
    At(DateTime<Utc>),
    Never,
    Text(String),
    Tier(Tier),
}

impl Place {
    pub(in crate::creators) fn of(key: SortKey, row: &CreatorSummary) -> Self {
        let key = match key {
            SortKey::Created => Key::At(row.created_at),
            SortKey::Name => Key::Text(row.name_key.clone()),
            SortKey::LastActive => row.last_active_at.map_or(Key::Never, Key::At),
            SortKey::Tier => Key::Tier(row.tier),
        };
        Self {
            key,
            id: row.id.uuid(),
        }
    }
}

/// Bounds the rest of this transaction's statements: their time, and that each is planned for the values at hand.
pub(in crate::creators) async fn bound(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('statement_timeout', $1, true) as a, set_config('max_parallel_workers_per_gather', '0', true) as b,
                set_config('jit', 'off', true) as c, set_config('plan_cache_mode', 'force_custom_plan', true) as d",
        SEARCH_TIMEOUT_MS.to_string(),
    )
    .fetch_one(conn)
    .await
    .map(drop)
}

/// The next creators behind `after` that match, in order.
pub(in crate::creators) async fn page(
    conn: &mut PgConnection,
    wanted: Wanted<'_>,
    after: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<CreatorSummary>> {
    let mut query = if by_combinations(wanted) {
        combined(wanted, after.as_ref(), limit)
    } else {
        walked(wanted, after.as_ref(), limit)
    };
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(summary).collect()
}

/// How many creators match, up to `most`.
pub(in crate::creators) async fn count(
    conn: &mut PgConnection,
    wanted: Wanted<'_>,
    most: i64,
) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("select count(*) from (select 1 from creators c");
    push_tiers(&mut query, asks_for_tiers(wanted.filter));
    query.push(" where true");
    push_conditions(&mut query, wanted);
    query.push(" limit ").push_bind(most).push(") found");
    query.build_query_scalar().fetch_one(conn).await
}

/// The next creators behind `after` that match and were there at `asked_at`, by id.
pub(in crate::creators) async fn ids(
    conn: &mut PgConnection,
    wanted: Wanted<'_>,
    asked_at: DateTime<Utc>,
    after: Uuid,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new("select c.id from creators c");
    push_tiers(&mut query, asks_for_tiers(wanted.filter));
    query
        .push(" where c.created_at <= ")
        .push_bind(asked_at)
        .push(" and c.id > ")
        .push_bind(after);
    push_conditions(&mut query, wanted);
    query.push(" order by c.id limit ").push_bind(most);
    query.build_query_scalar().fetch_all(conn).await
}

/// Whether the combinations of cluster, status and tier lead to the rows.
fn by_combinations(wanted: Wanted<'_>) -> bool {
    let filter = wanted.filter;
    let grouped = !filter.clusters.is_empty()
        || !filter.statuses.is_empty()
        || !filter.tiers.is_empty()
        || wanted.reach.clusters.is_some();
    let otherwise = filter.q.is_some()
        || filter.legal_name.is_some()
        || filter.owner.is_some()
        || !filter.tags.is_empty()
        || !filter.fields.is_empty()
        || filter.archived
        || wanted.reach.creator.is_some();
    grouped && !otherwise
}

fn combined<'a>(wanted: Wanted<'a>, after: Option<&Place>, limit: i64) -> QueryBuilder<Postgres> {
    let filter = wanted.filter;
    let (key, order) = (LISTED.of(wanted.sort.key), direction(wanted.sort));
    let mut query = QueryBuilder::new("select ");
    query.push(COLUMNS).push(" from (select p.id, p.k from ");
    let clusters = clusters_within(wanted);
    match &clusters {
        Some(clusters) => {
            query
                .push("unnest(")
                .push_bind(clusters.clone())
                .push("::text[]) l (x)");
        }
        None => {
            query.push("(select id from clusters) l (x)");
        }
    }
    let statuses = words_or_all(&filter.statuses, CreatorStatus::ALL, |word| word.as_str());
    let tiers: Vec<i16> = ranks(&filter.tiers);
    query
        .push(", unnest(")
        .push_bind(statuses)
        .push("::text[]) s (x), unnest(")
        .push_bind(tiers)
        .push("::int2[]) r (x) cross join lateral (select t.creator_id as id, ")
        .push(key)
        .push(" as k from creator_tiers t where t.cluster_id = l.x and t.status = s.x and t.tier_rank = r.x");
    push_ranges(&mut query, LISTED.created, filter);
    query.push(" and not t.archived");
    push_after(&mut query, LISTED, wanted.sort, after);
    query
        .push(format!(
            " order by {key} {order}, t.creator_id {order} limit "
        ))
        .push_bind(limit)
        .push(format!(") p order by p.k {order}, p.id {order} limit "))
        .push_bind(limit)
        .push(format!(
            "){ROWS_OF_PAGE} order by w.k {order}, w.id {order}"
        ));
    query
}

fn walked(wanted: Wanted<'_>, after: Option<&Place>, limit: i64) -> QueryBuilder<Postgres> {
    let by_tiers = matches!(wanted.sort.key, SortKey::Tier | SortKey::LastActive);
    // the index that has the order lies on one of the two, and its own id with it
    let from = if by_tiers { LISTED } else { PROFILE };
    let (key, order) = (from.of(wanted.sort.key), direction(wanted.sort));
    let id = from.id;
    let mut query = QueryBuilder::new("select ");
    query
        .push(COLUMNS)
        .push(format!(" from (select {id} as id, {key} as k"));
    match &wanted.filter.owner {
        // an owner looks after few: their rows first, whatever the order (`offset 0` keeps it so)
        Some(owner) => {
            query
                .push(" from (select * from creators where owner = ")
                .push_bind(owner.clone())
                .push(" offset 0) c");
        }
        None => {
            query.push(" from creators c");
        }
    }
    push_tiers(&mut query, by_tiers || asks_for_tiers(wanted.filter));
    query.push(" where true");
    if by_tiers {
        // said of both, so that the index serves
        query.push(if wanted.filter.archived {
            " and t.archived"
        } else {
            " and not t.archived"
        });
    }
    push_conditions(&mut query, wanted);
    push_after(&mut query, from, wanted.sort, after);
    query
        .push(format!(" order by {key} {order}, {id} {order} limit "))
        .push_bind(limit)
        .push(format!(
            "){ROWS_OF_PAGE} order by w.k {order}, w.id {order}"
        ));
    query
}

/// Whether a filter asks for what is known of `creator_tiers` only, or found there by an index.
fn asks_for_tiers(filter: &CreatorFilter) -> bool {
    !filter.tiers.is_empty() || filter.active_after.is_some() || filter.active_before.is_some()
}

/// Joins the tiers of creators `c` as `t`, if they are wanted.
fn push_tiers(query: &mut QueryBuilder<Postgres>, wanted: bool) {
    if wanted {
        query.push(" join creator_tiers t on t.creator_id = c.id");
    }
}

/// ` and …` for everything that is wanted of a creator `c`, whose row in `creator_tiers` is `t` if that is asked for.
pub(in crate::creators) fn push_conditions(query: &mut QueryBuilder<Postgres>, wanted: Wanted<'_>) {
    let filter = wanted.filter;
    query.push(if filter.archived {
        " and c.archived_at is not null and c.merged_into is null"
    } else {
        " and c.archived_at is null"
    });
    match clusters_within(wanted).as_deref() {
        None => {}
        // the rows of one cluster lie in order in an index, those of several do not
        Some([only]) => {
            query.push(" and c.cluster_id = ").push_bind(only.clone());
        }
        Some(several) => {
            query
                .push(" and c.cluster_id = any(")
                .push_bind(several.to_vec())
                .push(")");
        }
    }
    if let Some(own) = wanted.reach.creator {
        query.push(" and c.id = ").push_bind(own);
    }
    if !filter.statuses.is_empty() {
        let words = words_or_all(&filter.statuses, CreatorStatus::ALL, |word| word.as_str());
        query
            .push(" and c.status = any(")
            .push_bind(words)
            .push(")");
    }
    if !filter.tiers.is_empty() {
        query
            .push(" and t.tier_rank = any(")
            .push_bind(ranks(&filter.tiers))
            .push(")");
    }
    if let Some(owner) = &filter.owner {
        query.push(" and c.owner = ").push_bind(owner.clone());
    }
    push_ranges(query, PROFILE.created, filter);
    for tag in &filter.tags {
        query
            .push(
                " and exists (select 1 from findable_tags g where g.creator_id = c.id and g.tag = ",
            )
            .push_bind(tag.clone())
            .push(")");
    }
    for condition in &filter.fields {
        push_field(query, condition);
    }
    if let Some(id) = filter.named() {
        query
            .push(" and c.id = (select coalesce(merged_into, id) from creators where id = ")
            .push_bind(id.uuid())
            .push(")");
    } else {
        for word in filter.words() {
            push_word(query, word, wanted.by_email);
        }
    }
    if let Some(name) = &filter.legal_name {
        query
            .push(" and c.person_id in (select id from people where legal_name_key like ")
            .push("regexp_replace(trim(search_form(")
            .push_bind(escaped(name))
            .push(")), '\\s+', ' ', 'g') || '%')");
    }
}

/// A condition about a value of the creator `c`, compared as what it is.
fn push_field(query: &mut QueryBuilder<Postgres>, condition: &FieldCondition) {
    query.push(" and ");
    if condition.operator == Comparison::NotEquals {
        query.push("not ");
    }
    query
        .push("exists (select 1 from findable_fields v where v.creator_id = c.id and v.field = ")
        .push_bind(condition.field.clone())
        .push(" and ");
    let compare = match condition.operator {
        Comparison::Equals | Comparison::NotEquals => " = ",
        Comparison::LessThan => " < ",
        Comparison::GreaterThan => " > ",
        Comparison::Contains => " @> ",
    };
    match &condition.value {
        Operand::Text(text) if condition.operator == Comparison::Contains => {
            query
                .push("position(lower(")
                .push_bind(text.clone())
                .push(") in lower(v.text_value)) > 0");
        }
        Operand::Text(text) => {
            query
                .push("v.text_value")
                .push(compare)
                .push_bind(text.clone());
        }
        Operand::Number(number) => {
            query
                .push("v.number_value")
                .push(compare)
                .push_bind(number.clone())
                .push("::text::numeric");
        }
        Operand::Date(day) => {
            query.push("v.date_value").push(compare).push_bind(*day);
        }
        Operand::Bool(flag) => {
            query.push("v.bool_value").push(compare).push_bind(*flag);
        }
        Operand::List(options) => {
            query
                .push("v.list_value")
                .push(compare)
                .push_bind(options.clone());
        }
    }
    query.push(")");
}

/// One word, somewhere in the text; a short one at the beginning of a word of it.
fn push_word(query: &mut QueryBuilder<Postgres>, word: &str, by_email: bool) {
    if word.chars().count() < TRIGRAM_MIN_CHARS {
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        if !plain.is_empty() {
            query
                .push(" and to_tsvector('simple', c.search_text) @@ to_tsquery('simple', search_form(")
                .push_bind(format!("{plain}:*"))
                .push("))");
        }
        return;
    }
    let pattern = format!("%{}%", escaped(word));
    query
        .push(" and (c.search_text like search_form(")
        .push_bind(pattern.clone())
        .push(")");
    if by_email && is_of_address(word) {
        query
            .push(" or c.email_key like lower(")
            .push_bind(pattern)
            .push(")");
    }
    query.push(")");
}

/// Where an order's keys and the id behind them are read.
#[derive(Debug, Clone, Copy)]
struct Keys {
    id: &'static str,
    /// The same expressions as in the indexes.
    created: &'static str,
    name: &'static str,
}

/// When somebody was last seen; only `creator_tiers` has an index over it.
const LAST_ACTIVE: &str = "t.last_active";
/// In `creators`, as `c`.
const PROFILE: Keys = Keys {
    id: "c.id",
    created: "c.created_at",
    name: "c.name_key",
};
/// In `creator_tiers`, as `t`.
const LISTED: Keys = Keys {
    id: "t.creator_id",
    created: "t.created_at",
    name: "t.name_key",
};

impl Keys {
    const fn of(self, key: SortKey) -> &'static str {
        match key {
            SortKey::Created => self.created,
            SortKey::Name => self.name,
            SortKey::LastActive => LAST_ACTIVE,
            SortKey::Tier => "t.tier_rank",
        }
    }
}

fn push_ranges(query: &mut QueryBuilder<Postgres>, created: &str, filter: &CreatorFilter) {
    for (column, compare, bound) in [
        (created, ">=", filter.created_after),
        (created, "<", filter.created_before),
        (LAST_ACTIVE, ">=", filter.active_after),
        (LAST_ACTIVE, "<", filter.active_before),
    ] {
        if let Some(bound) = bound {
            query
                .push(format!(" and {column} {compare} "))
                .push_bind(bound);
        }
    }
    if filter.active_before.is_some() {
        query.push(format!(" and {LAST_ACTIVE} > '-infinity'"));
    }
}

fn push_after(query: &mut QueryBuilder<Postgres>, keys: Keys, sort: Sort, after: Option<&Place>) {
    let Some(place) = after else { return };
    let compare = if sort.descending { "<" } else { ">" };
    query.push(format!(
        " and ({}, {}) {compare} (",
        keys.of(sort.key),
        keys.id
    ));
    match &place.key {
        Key::At(at) => query.push_bind(*at),
        Key::Never => query.push("'-infinity'::timestamptz"),
        Key::Text(text) => query.push_bind(text.clone()),
        Key::Tier(tier) => query.push_bind(tier.rank()),
    };
    query.push(", ").push_bind(place.id).push(")");
}

const fn direction(sort: Sort) -> &'static str {
    if sort.descending { "desc" } else { "asc" }
}

/// The clusters that are both wanted and within reach; none for all.
fn clusters_within(wanted: Wanted<'_>) -> Option<Vec<String>> {
    let named = &wanted.filter.clusters;
    match (named.is_empty(), wanted.reach.clusters) {
        (true, None) => None,
        (true, Some(reached)) => Some(reached.to_vec()),
        (false, _) => {
            let mut within: Vec<String> = named
                .iter()
                .filter(|cluster| wanted.reach.covers_cluster(cluster))
                .cloned()
                .collect();
            within.sort_unstable();
            within.dedup();
            Some(within)
        }
    }
}

fn words_or_all<T: Copy + Ord>(
    given: &[T],
    all: &[T],
    word: impl Fn(&T) -> &'static str,
) -> Vec<String> {
    let mut chosen = if given.is_empty() {
        all.to_vec()
    } else {
        given.to_vec()
    };
    chosen.sort_unstable();
    chosen.dedup();
    chosen.iter().map(|item| word(item).to_owned()).collect()
}

/// The ranks of tiers as `creator_tiers.tier_rank` has them; of all if none is given.
fn ranks(tiers: &[Tier]) -> Vec<i16> {
    let mut ranks: Vec<i16> = if tiers.is_empty() {
        Tier::ALL.iter().map(|tier| tier.rank()).collect()
    } else {
        tiers.iter().map(|tier| tier.rank()).collect()
    };
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

/// A text in which `%`, `_` and `\` stand for themselves.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

fn summary(row: &PgRow) -> sqlx::Result<CreatorSummary> {
    Ok(CreatorSummary {
        id: row.try_get("id")?,
        cluster: row.try_get("cluster_id")?,
        username: row.try_get("username")?,
        display_name: row.try_get("display_name")?,
        status: stored("status", row.try_get("status")?)?,
        tier: stored("tier", row.try_get("tier")?)?,
        owner: row.try_get("owner")?,
        last_active_at: row.try_get("last_active_at")?,
        archived_at: row.try_get("archived_at")?,
        created_at: row.try_get("created_at")?,
        name_key: row.try_get("name_key")?,
    })
}

//! Finding creators.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{self, CreatorFilter, CreatorId, CreatorStatus, CreatorSummary, Sort, Tier};
use shared::custom_fields::{self, Asked, Given};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::tags::Tag;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, Query, ReadCreators};
use crate::fields::Fields;

/// Which creators, in which order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListParams {
    /// Words that all have to be found in names, aliases or handles, or an id. Parts of words from three letters on,
    /// beginnings of words before. A word with an `@` is looked for in e-mail addresses, too, for those who may reveal
    /// them; that is recorded.
    q: Option<String>,
    /// How the legal name begins; needs `creators:reveal-identity`, and is recorded.
    legal_name: Option<String>,
    /// Clusters, with commas.
    cluster: Option<String>,
    /// Statuses, with commas.
    status: Option<String>,
    /// Tiers, with commas.
    tier: Option<String>,
    /// Looked after by this member of staff.
    owner: Option<String>,
    created_after: Option<DateTime<Utc>>,
    created_before: Option<DateTime<Utc>>,
    active_after: Option<DateTime<Utc>>,
    active_before: Option<DateTime<Utc>>,
    /// With all of these tags, with commas.
    tag: Option<String>,
    /// With values of custom fields that meet all of these, with commas: the key, `equals`, `not_equals`, `less_than`,
    /// `greater_than` or `contains`, and the value, with colons between them.
    #[param(example = "followers:greater_than:12000")]
    custom: Option<String>,
    /// Only archived ones, instead of only the others.
    archived: Option<bool>,
    /// `created`, `name`, `lastActive` or `tier`, with `-` before it for the greatest first; else `-created`.
    sort: Option<String>,
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

impl ListParams {
    fn checked(self) -> Result<(CreatorFilter, Vec<Asked>, Sort, PageRequest)> {
        let mut fields = Fields::default();
        let sort = fields.parsed_if::<Sort>("sort", self.sort.as_deref());
        let statuses = split(self.status.as_deref());
        let tiers = split(self.tier.as_deref());
        let statuses = statuses.filter_map(|word| fields.parsed::<CreatorStatus>("status", word));
        let statuses = statuses.collect();
        let tiers = tiers.filter_map(|word| fields.parsed::<Tier>("tier", word));
        let tiers = tiers.collect();
        let tags = split(self.tag.as_deref());
        let tags: Vec<Tag> = tags.filter_map(|tag| fields.parsed("tag", tag)).collect();
        let custom = split(self.custom.as_deref());
        let asked = custom.filter_map(|text| asked(text, &mut fields)).collect();
        fields.finish()?;
        let filter = CreatorFilter {
            q: self.q,
            legal_name: self.legal_name,
            clusters: split(self.cluster.as_deref()).map(str::to_owned).collect(),
            statuses,
            tiers,
            owner: self.owner,
            created_after: self.created_after,
            created_before: self.created_before,
            active_after: self.active_after,
            active_before: self.active_before,
            tags: tags.iter().map(ToString::to_string).collect(),
            fields: Vec::new(),
            archived: self.archived.unwrap_or(false),
        };
        let page = PageRequest {
            cursor: self.cursor.map(Cursor::from),
            limit: self.limit,
        };
        Ok((filter, asked, sort.unwrap_or_default(), page))
    }
}

/// A condition as it stands in an address.
fn asked(text: &str, fields: &mut Fields) -> Option<Asked> {
    let mut parts = text.splitn(3, ':');
    let (Some(key), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next())
    else {
        let remedy = "use a key, a comparison and a value, such as followers:greater_than:12000";
        fields.wrong("custom", remedy);
        return None;
    };
    Some(Asked {
        field: key.to_owned(),
        operator: fields.parsed("custom", operator)?,
        value: Given::Text(value.to_owned()),
    })
}

fn split(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// A page of creators.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Creators {
    items: Vec<SummaryView>,
    next_cursor: Option<String>,
}

/// A creator in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorSummary)]
pub(super) struct SummaryView {
    #[schema(value_type = String)]
    id: CreatorId,
    cluster_id: String,
    username: String,
    display_name: Option<String>,
    status: &'static str,
    tier: &'static str,
    owner: Option<String>,
    last_active_at: Option<DateTime<Utc>>,
    archived_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<CreatorSummary> for SummaryView {
    fn from(creator: CreatorSummary) -> Self {
        Self {
            id: creator.id,
            cluster_id: creator.cluster,
            username: creator.username,
            display_name: creator.display_name,
            status: creator.status.as_str(),
            tier: creator.tier.as_str(),
            owner: creator.owner,
            last_active_at: creator.last_active_at,
            archived_at: creator.archived_at,
            created_at: creator.created_at,
        }
    }
}

/// Find creators
///
/// Lists show stage names only.
#[utoipa::path(get, path = "/api/creators", operation_id = "listCreators", tag = "creators", security(("bearer" = ["creators:read"])),
    params(ListParams), responses((status = 200, body = Creators)))]
pub(super) async fn list(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<Json<Creators>> {
    let (mut filter, asked, sort, page) = params.checked()?;
    let mut tx = app.db.begin().await?;
    filter.fields = custom_fields::conditions(&mut tx, "custom", asked).await?;
    let found = creators::list(&mut tx, &caller.ctx, &filter, sort, &page).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(Creators {
        items: found.items.into_iter().map(SummaryView::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

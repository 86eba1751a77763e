//! A filter over creators in a body.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::CreatorFilter;
use utoipa::ToSchema;

use crate::fields::Fields;

/// Which creators; what is left out does not matter.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CreatorFilter)]
pub(super) struct FilterBody {
    /// As in `GET /api/creators`.
    q: Option<String>,
    clusters: Vec<String>,
    statuses: Vec<String>,
    tiers: Vec<String>,
    owner: Option<String>,
    created_after: Option<DateTime<Utc>>,
    created_before: Option<DateTime<Utc>>,
    active_after: Option<DateTime<Utc>>,
    active_before: Option<DateTime<Utc>>,
    archived: bool,
}

impl FilterBody {
    /// The filter, as far as its words are known; the others are noted.
    pub(super) fn checked(self, fields: &mut Fields) -> CreatorFilter {
        CreatorFilter {
            q: self.q,
            legal_name: None,
            clusters: self.clusters,
            statuses: fields.parsed_all("/filter/statuses", &self.statuses),
            tiers: fields.parsed_all("/filter/tiers", &self.tiers),
            owner: self.owner,
            created_after: self.created_after,
            created_before: self.created_before,
            active_after: self.active_after,
            active_before: self.active_before,
            archived: self.archived,
        }
    }
}

impl From<CreatorFilter> for FilterBody {
    fn from(filter: CreatorFilter) -> Self {
        Self {
            q: filter.q,
            clusters: filter.clusters,
            statuses: filter.statuses.iter().map(ToString::to_string).collect(),
            tiers: filter.tiers.iter().map(ToString::to_string).collect(),
            owner: filter.owner,
            created_after: filter.created_after,
            created_before: filter.created_before,
            active_after: filter.active_after,
            active_before: filter.active_before,
            archived: filter.archived,
        }
    }
}

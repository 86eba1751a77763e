//! The clusters.

use axum::extract::State;
use serde::Serialize;
use shared::creators::{self, Cluster};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, ReadCreators};

/// All clusters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Clusters {
    /// By id.
    items: Vec<ClusterView>,
}

/// A platform of the ecosystem.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cluster)]
struct ClusterView {
    #[schema(example = "girlfanz")]
    id: String,
    name: String,
    /// Whether it shows adult content.
    adult: bool,
    /// Whether its age gate is stricter than the law asks for.
    enhanced_gating: bool,
}

impl From<Cluster> for ClusterView {
    fn from(cluster: Cluster) -> Self {
        let Cluster {
            id,
            name,
            adult,
            enhanced_gating,
        } = cluster;
        Self {
            id,
            name,
            adult,
            enhanced_gating,
        }
    }
}

/// List the clusters
#[utoipa::path(get, path = "/api/clusters", operation_id = "listClusters", tag = "creators", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = Clusters)))]
pub(super) async fn list_clusters(
    _: Allowed<ReadCreators>,
    State(app): State<App>,
) -> Result<Json<Clusters>> {
    let mut tx = app.db.begin().await?;
    let clusters = creators::clusters(&mut tx).await?;
    Ok(Json(Clusters {
        items: clusters.into_iter().map(ClusterView::from).collect(),
    }))
}

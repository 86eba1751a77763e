//! Flows: what creators of a cluster go through.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::onboarding::{self, Flow, FlowStep};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::FlowBody;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, ConfigureOnboarding, Json, Query};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, publish))
}

/// Whose flows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FlowParams {
    /// All versions of this cluster, the newest first; if left out, the newest version of each cluster.
    #[param(example = "girlfanz")]
    cluster_id: Option<String>,
}

/// Flows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OnboardingFlows)]
struct FlowsView {
    items: Vec<FlowView>,
}

/// One version of a cluster's flow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingFlow)]
struct FlowView {
    #[schema(example = "girlfanz")]
    cluster_id: String,
    /// Runs that begin take the highest; those under way keep theirs.
    version: i32,
    steps: Vec<FlowStepView>,
    /// Silence after which a run is stalled, in minutes.
    stall_minutes: i32,
    /// Silence after which a run is given up, in minutes.
    abandon_minutes: i32,
    published_by: String,
    published_at: DateTime<Utc>,
}

/// One step of a flow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingFlowStep)]
struct FlowStepView {
    #[schema(example = "profile_setup")]
    step_id: &'static str,
    title: String,
    prerequisites: Vec<&'static str>,
    required: bool,
    /// JSON Schema (2020-12) of the data that complete it.
    #[schema(value_type = Object)]
    data_schema: Value,
    #[schema(example = "profile")]
    proof: &'static str,
    expected_minutes: i32,
    /// When it should be done, in minutes from when it could be begun.
    due_minutes: i32,
}

impl From<Flow> for FlowView {
    fn from(flow: Flow) -> Self {
        Self {
            cluster_id: flow.cluster,
            version: flow.version,
            steps: flow.steps.into_iter().map(FlowStepView::from).collect(),
            stall_minutes: flow.stall_minutes,
            abandon_minutes: flow.abandon_minutes,
            published_by: flow.published_by,
            published_at: flow.published_at,
        }
    }
}

impl From<FlowStep> for FlowStepView {
    fn from(step: FlowStep) -> Self {
        Self {
            step_id: step.key.as_str(),
            title: step.title,
            prerequisites: step.prerequisites.iter().map(|key| key.as_str()).collect(),
            required: step.required,
            data_schema: step.data_schema,
            proof: step.proof.as_str(),
            expected_minutes: step.expected_minutes,
            due_minutes: step.due_minutes,
        }
    }
}

/// List onboarding flows
#[utoipa::path(get, path = "/api/onboarding/flows", operation_id = "listOnboardingFlows", tag = "onboarding", security(("bearer" = ["onboarding:configure"])),
    params(FlowParams),
    responses((status = 200, body = FlowsView), (status = 404, description = "That cluster has no flow")))]
async fn list(
    caller: Allowed<ConfigureOnboarding>,
    State(app): State<App>,
    Query(params): Query<FlowParams>,
) -> Result<Json<FlowsView>> {
    let mut tx = app.db.begin().await?;
    let flows = onboarding::list(&mut tx, &caller.ctx, params.cluster_id.as_deref()).await?;
    Ok(Json(FlowsView {
        items: flows.into_iter().map(FlowView::from).collect(),
    }))
}

/// Publish the next version of a cluster's flow
///
/// Creators who register from now on take it; runs under way keep the version they began with.
#[utoipa::path(post, path = "/api/onboarding/flows", operation_id = "publishOnboardingFlow", tag = "onboarding", security(("bearer" = ["onboarding:configure"])),
    request_body = FlowBody,
    responses((status = 201, body = FlowView), (status = 404, description = "No such cluster"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn publish(
    caller: Allowed<ConfigureOnboarding>,
    State(app): State<App>,
    Json(body): Json<FlowBody>,
) -> Result<(StatusCode, Json<FlowView>)> {
    let new = body.flow()?;
    let mut tx = app.db.begin().await?;
    let flow = onboarding::publish(&mut tx, &caller.ctx, &new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::CREATED, Json(FlowView::from(flow))))
}

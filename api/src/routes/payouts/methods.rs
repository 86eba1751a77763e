//! The ways to be paid.

use axum::extract::State;
use serde::Deserialize;
use shared::creators::CreatorId;
use shared::payouts;
use utoipa::IntoParams;

use super::view::{MethodView, MethodsView};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, Query, ReadPayouts};
use crate::fields::Fields;

/// About whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MethodParams {
    /// What this creator can use, with what stands against each.
    creator_id: Option<String>,
}

/// List the ways to be paid, with fees and minima
///
/// As the rules stand today, for providers that are connected.
#[utoipa::path(get, path = "/api/payouts/methods", operation_id = "listPayoutMethods", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(MethodParams),
    responses((status = 200, body = MethodsView), (status = 404, description = "No such creator"),
              (status = 422, description = "The parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn list(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<MethodParams>,
) -> Result<Json<MethodsView>> {
    let mut fields = Fields::default();
    let creator: Option<CreatorId> = fields.parsed_if("creatorId", params.creator_id.as_deref());
    fields.finish()?;
    let mut tx = app.db.begin().await?;
    let offers = payouts::methods(&mut tx, &caller.ctx, &app.carriers, creator).await?;
    Ok(Json(MethodsView {
        methods: offers.into_iter().map(MethodView::from).collect(),
    }))
}

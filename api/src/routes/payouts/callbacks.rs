//! What providers send by themselves. Nothing here is logged in: the provider's signature proves who it is.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use shared::payouts::{self, PayoutError};
use shared::providers::payout::{Callback, CallbackError};

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::Anybody;

/// Take in what a provider reports
///
/// `paxum`, `paypal` or `custody`. Proven by the provider's own signature. The same event counts once; an event about a
/// payout that is not ours is answered with 409, so that the provider shows it as refused.
#[utoipa::path(post, path = "/callbacks/payouts/{provider}", operation_id = "takePayoutCallback", tag = "payouts",
    params(("provider" = String, Path, description = "Its name in records")),
    request_body(content = String, content_type = "application/json"),
    responses((status = 204, description = "It was taken in, now or before"),
              (status = 401, description = "It is not proven to come from the provider"),
              (status = 404, description = "No such provider is connected"),
              (status = 409, description = "It is about no payout of ours"),
              (status = 422, description = "It cannot be understood"),
              (status = 503, description = "Whether it comes from the provider could not be found out; send it again")))]
pub(super) async fn take(
    Anybody { ctx }: Anybody,
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let carrier = app
        .carriers
        .named(&provider)
        .ok_or_else(Problem::not_found)?;
    let headers: BTreeMap<String, String> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let callback = Callback {
        headers: &headers,
        body: &body,
    };
    let reports = carrier
        .read_callback(&callback, ctx.now())
        .await
        .map_err(refused)?;
    let mut tx = app.db.begin().await?;
    for report in &reports {
        match payouts::take_report(&mut tx, &ctx, carrier.name(), report).await {
            Ok(state) => {
                tracing::info!(provider, payout = %report.id, %state, "a provider reported");
            }
            Err(unknown @ PayoutError::UnknownInstruction(_)) => {
                tracing::warn!(provider, %unknown, "a provider reported of something else");
                return Err(unknown.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    app.db.commit(tx, &ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(error: CallbackError) -> Problem {
    match error {
        CallbackError::Forged => {
            Problem::unauthenticated("It is not proven to come from the provider.")
        }
        CallbackError::NotOffered => Problem::not_found(),
        CallbackError::Unreadable(why) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-callback").detail(why)
        }
        CallbackError::Unproven(why) => {
            tracing::warn!(why, "a callback could not be proven");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "callback-unproven").detail(
                "It could not be found out whether this comes from the provider. Send it again.",
            )
        }
    }
}

//! Payouts: asking for them, deciding about them, where they go, and what providers tell.

mod batches;
mod body;
mod callbacks;
mod creator;
mod desk;
mod destinations;
mod entries;
mod methods;
mod reconciliation;
mod schedules;
mod statements;
mod view;

use axum::extract::DefaultBodyLimit;
use shared::providers::payout::CALLBACK_MAX_BYTES;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    let callbacks = OpenApiRouter::new()
        .routes(routes!(callbacks::take))
        .layer(DefaultBodyLimit::max(CALLBACK_MAX_BYTES));
    OpenApiRouter::new()
        .routes(routes!(creator::list, creator::request))
        .routes(routes!(creator::show))
        .routes(routes!(creator::cancel))
        .routes(routes!(destinations::list, destinations::add))
        .routes(routes!(destinations::decide))
        .routes(routes!(destinations::retire))
        .routes(routes!(destinations::reveal))
        .routes(routes!(methods::list))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::set, schedules::remove))
        .routes(routes!(desk::list))
        .routes(routes!(desk::show))
        .routes(routes!(desk::approve))
        .routes(routes!(desk::reject))
        .routes(routes!(desk::release))
        .routes(routes!(desk::retry))
        .routes(routes!(desk::resolve))
        .routes(routes!(batches::list, batches::ask))
        .routes(routes!(batches::show))
        .routes(routes!(statements::list, statements::send))
        .routes(routes!(statements::show))
        .routes(routes!(entries::list))
        .routes(routes!(entries::match_by_hand))
        .routes(routes!(entries::dismiss))
        .routes(routes!(reconciliation::show))
        .routes(routes!(reconciliation::ours_only))
        .merge(callbacks)
}

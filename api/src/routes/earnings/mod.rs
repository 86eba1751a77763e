//! Earnings: recording them one by one and in sets, what a creator earned and has, and taking back.

mod body;
mod bulk;
mod ledger;
mod list;
mod record;
mod reverse;
mod statements;
mod summary;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(summary::show, record::record))
        .routes(routes!(list::list))
        .routes(routes!(statements::list))
        .routes(routes!(statements::fetch))
        .routes(routes!(reverse::reverse))
        .routes(routes!(summary::set_currency))
        .routes(routes!(bulk::record))
        .routes(routes!(ledger::show))
}

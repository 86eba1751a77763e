//! Creators, the people behind them, and their clusters.

mod bulk;
mod clusters;
mod consents;
mod exports;
mod filter;
mod history;
mod imports;
mod list;
mod merge;
mod people;
mod profile;
mod register;
mod status;
mod view;
mod views;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(clusters::list_clusters))
        .routes(routes!(register::register, list::list))
        .routes(routes!(profile::show, profile::change))
        .routes(routes!(profile::reveal))
        .routes(routes!(profile::archive))
        .routes(routes!(profile::unarchive))
        .routes(routes!(status::change))
        .routes(routes!(status::suspend))
        .routes(routes!(status::reactivate))
        .routes(routes!(status::blocks))
        .routes(routes!(consents::list, consents::record))
        .routes(routes!(history::statuses))
        .routes(routes!(history::tiers))
        .routes(routes!(people::show, people::change))
        .routes(routes!(merge::duplicates))
        .routes(routes!(merge::merge))
        .routes(routes!(merge::merge_person))
        .routes(routes!(people::reveal))
        .routes(routes!(people::decide_age))
        .routes(routes!(views::list, views::keep))
        .routes(routes!(views::change, views::remove))
        .routes(routes!(bulk::preview))
        .routes(routes!(bulk::start))
        .routes(routes!(bulk::show))
        .routes(routes!(bulk::cancel))
        .routes(routes!(imports::list, imports::upload))
        .routes(routes!(imports::show))
        .routes(routes!(imports::start))
        .routes(routes!(imports::cancel))
        .routes(routes!(imports::undo))
        .routes(routes!(imports::report))
        .routes(routes!(exports::list, exports::start))
        .routes(routes!(exports::show))
        .routes(routes!(exports::cancel))
        .routes(routes!(exports::file))
}

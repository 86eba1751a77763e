//! The routes, a file a resource.

mod api_keys;
mod audit;
pub(crate) mod auth;
mod batches;
mod bulk;
mod campaigns;
mod creators;
mod custom_fields;
mod dead_letters;
mod earnings;
mod events;
mod fx;
mod health;
mod job_kinds;
pub(crate) mod jobs;
mod notes;
mod onboarding;
mod payouts;
mod privacy;
mod queues;
mod schedules;
mod tags;
mod tasks;
mod tiers;
mod timeline;
mod unsubscribe;
mod users;
mod verification;
mod workers;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) use audit::subject_parts;

/// All of them.
pub fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(job_kinds::routes())
        .merge(jobs::routes())
        .merge(dead_letters::routes())
        .merge(batches::routes())
        .merge(bulk::routes())
        .merge(events::routes())
        .merge(queues::routes())
        .merge(schedules::routes())
        .merge(workers::routes())
        .merge(creators::routes())
        .merge(onboarding::routes())
        .merge(verification::routes())
        .merge(tiers::routes())
        .merge(earnings::routes())
        .merge(payouts::routes())
        .merge(notes::routes())
        .merge(tasks::routes())
        .merge(tags::routes())
        .merge(custom_fields::routes())
        .merge(timeline::routes())
        .merge(privacy::routes())
        .merge(campaigns::routes())
        .merge(fx::routes())
        .merge(unsubscribe::routes())
        .merge(audit::routes())
        .merge(auth::routes())
        .merge(users::routes())
        .merge(api_keys::routes())
}

//! Pages on the queue as a whole.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use dashboard::{
    OverviewPage, QueueRow, QueuesPage, ScheduleRow, SchedulesPage, Section, WorkersPage,
};
use serde::Deserialize;
use shared::kernel::{Cursor, PageRequest};
use shared::queue::control::QueueControl;
use shared::queue::pace::Span;
use shared::queue::schedule;

use super::screen::{Refusal, Screen};
use super::viewer::Seen;
use crate::app::App;
use crate::extract::{ReadQueues, ReadSchedules, ReadWorkers};

/// What may be asked of the overview.
#[derive(Debug, Deserialize)]
pub(super) struct OverviewQuery {
    /// The span to look back on.
    span: Option<String>,
}

/// `GET /`
pub(super) async fn overview(
    seen: Seen<ReadQueues>,
    State(app): State<App>,
    Query(query): Query<OverviewQuery>,
) -> Result<Screen, Refusal> {
    let span = query
        .span
        .as_deref()
        .and_then(Span::from_name)
        .unwrap_or(Span::Live);
    let page = OverviewPage {
        sample: app.sampler.sample().await?,
        controls: BTreeMap::clone(&*app.looks.controls(&app.db).await?),
        running: app.looks.running(&app.db).await?.items.clone(),
        pace: app.looks.pace(&app.db, span).await?,
    };
    let markup = dashboard::overview(&seen.frame(Section::Overview), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// `GET /queues`
pub(super) async fn queues(
    seen: Seen<ReadQueues>,
    State(app): State<App>,
) -> Result<Screen, Refusal> {
    let sample = app.sampler.sample().await?;
    let mut controls = BTreeMap::clone(&*app.looks.controls(&app.db).await?);
    let queues = sample.queues.iter().map(|(name, depth)| QueueRow {
        control: controls
            .remove(name)
            .unwrap_or_else(|| QueueControl::untouched(name.clone())),
        depth: depth.clone(),
    });
    let page = QueuesPage {
        queues: queues.collect(),
        catalog: &app.catalog,
    };
    let markup = dashboard::queues(&seen.frame(Section::Queues), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// `GET /workers`
pub(super) async fn workers(
    seen: Seen<ReadWorkers>,
    State(app): State<App>,
) -> Result<Screen, Refusal> {
    let page = WorkersPage {
        workers: app.looks.workers(&app.db).await?.to_vec(),
        running: app.looks.running(&app.db).await?.items.clone(),
        led: app.sampler.sample().await?.led,
    };
    let markup = dashboard::workers(&seen.frame(Section::Workers), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// Which page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    pub(super) cursor: Option<String>,
}

impl ListQuery {
    pub(super) fn page(self) -> PageRequest {
        PageRequest {
            cursor: self
                .cursor
                .filter(|cursor| !cursor.is_empty())
                .map(Cursor::from),
            ..PageRequest::default()
        }
    }
}

/// `GET /schedules`
pub(super) async fn schedules(
    seen: Seen<ReadSchedules>,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Screen, Refusal> {
    let mut conn = app.db.pool().acquire().await?;
    let found = schedule::list(&mut conn, &query.page()).await?;
    let now = seen.ctx.now();
    let mut runs = schedule::last_runs(&mut conn, found.items.iter().map(|each| each.id)).await?;
    let rows = found.items.into_iter().map(|each| ScheduleRow {
        runs: runs.remove(&each.id).unwrap_or_default(),
        outlook: each.outlook(now),
        schedule: each,
    });
    let page = SchedulesPage {
        schedules: rows.collect(),
        next: found.next.map(|cursor| cursor.as_str().to_owned()),
        catalog: &app.catalog,
    };
    let markup = dashboard::schedules(&seen.frame(Section::Schedules), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

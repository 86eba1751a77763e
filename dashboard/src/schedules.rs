//! Schedules: what runs again and again, and when next.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use serde_json::json;
use shared::access::Permission;
use shared::queue::Catalog;
use shared::queue::schedule::{Outlook, Schedule, ScheduleRun};

use crate::frame::Frame;
use crate::parts::{Call, more, nothing, tree};
use crate::words::{exact, moment};

/// A schedule with what surrounds the present moment.
#[derive(Debug)]
pub struct ScheduleRow {
    /// The schedule.
    pub schedule: Schedule,
    /// What lies ahead of it.
    pub outlook: Outlook,
    /// Its last runs, newest first.
    pub runs: Vec<ScheduleRun>,
}

/// What the page shows.
#[derive(Debug)]
pub struct SchedulesPage<'a> {
    /// The schedules.
    pub schedules: Vec<ScheduleRow>,
    /// For the next page.
    pub next: Option<String>,
    /// Every kind of job.
    pub catalog: &'a Catalog,
}

/// The page.
pub fn schedules(frame: &Frame<'_>, page: &SchedulesPage<'_>) -> Markup {
    let head = html! {
        h1 { "Schedules" }
        @if frame.viewer.may(Permission::WriteSchedules) { (create(page)) }
    };
    let live = html! {
        @if page.schedules.is_empty() { (nothing("Nothing is scheduled.", &html! { "The form above makes a schedule." })) }
        @for row in &page.schedules { (one(frame, row)) }
        (more("/schedules", &[], page.next.as_deref()))
    };
    frame.page("Schedules", &head, &live)
}

fn create(page: &SchedulesPage<'_>) -> Markup {
    let fields = html! {
        label { "Name" input name="name" required maxlength="100"; }
        label { "Kind" select name="kind" required { @for kind in page.catalog.iter() { option value=(kind.spec.kind) { (kind.spec.kind) } } } }
        label { "When (cron)" input name="cron" required placeholder="0 3 * * *" spellcheck="false"; small.muted { "minute hour day month weekday" } }
        label { "Time zone" input name="timezone" required value="UTC" spellcheck="false" data-zone; }
        (preview())
        label { "Arguments" textarea name="args" data-type="json" rows="3" spellcheck="false" { "{}" } }
        label { "Missed occurrences" select name="misfire" { option value="once" { "run once" } option value="all" { "run all" } option value="skip" { "skip" } } }
    };
    html! {
        details.edit { summary { "New schedule" }
            (Call::new("POST /api/schedules", "Create", "The schedule is made.").with(&fields)) }
    }
}

fn one(frame: &Frame<'_>, row: &ScheduleRow) -> Markup {
    let (schedule, spec) = (&row.schedule, &row.schedule.spec);
    html! {
        article.schedule id=(schedule.id) {
            header {
                h2 { (spec.name) }
                @if let Some(at) = schedule.paused_at { span.badge { "paused " (moment(at, frame.now)) } }
                @if frame.viewer.may(Permission::WriteSchedules) { (steering(row)) }
            }
            p { a href={ "/queues#kind-" (spec.kind) } { (spec.kind) } " · " (row.outlook.description.trim_end_matches('.')) " · " (spec.timezone)
                " " code { (spec.cron) } }
            div.two {
                div { h3 { "Next" }
                    @if row.outlook.next.is_empty() { p.muted { @if schedule.paused_at.is_some() { "None while it is paused." } @else { "None." } } }
                    (ticks(frame, row)) }
                div { h3 { "Last" }
                    @if row.runs.is_empty() { p.muted { "It has not run yet." } }
                    ol.ticks { @for run in &row.runs { li { a href={ "/jobs/" (run.job) } { (moment(run.created_at, frame.now)) } @if run.manual { span.muted { " by hand" } } } } } }
            }
            details { summary { "Arguments" } (tree(&spec.args)) }
            @if frame.viewer.may(Permission::WriteSchedules) { (edit(schedule)) }
        }
    }
}

/// The next occurrences, the first few open.
fn ticks(frame: &Frame<'_>, row: &ScheduleRow) -> Markup {
    const OPEN: usize = 3;
    let (first, rest) = row.outlook.next.split_at(row.outlook.next.len().min(OPEN));
    let list = |ticks: &[DateTime<Utc>]| {
        html! { ol.ticks { @for at in ticks { li { (moment(*at, frame.now)) " " span.muted { (local(*at, row.outlook.zone)) } } } } }
    };
    html! { (list(first)) @if !rest.is_empty() { details { summary { (rest.len()) " more" } (list(rest)) } } }
}

/// The moment on the clocks of the schedule's zone.
fn local(at: DateTime<Utc>, zone: Option<Tz>) -> String {
    zone.map_or_else(
        || exact(at),
        |zone| {
            at.with_timezone(&zone)
                .format("%a %-d %b %H:%M %Z")
                .to_string()
        },
    )
}

fn steering(row: &ScheduleRow) -> Markup {
    let schedule = &row.schedule;
    let change = format!("PATCH /api/schedules/{}", schedule.id);
    let paused = schedule.paused_at.is_some();
    let (label, done) = if paused {
        ("Resume", "It runs again when it is due.")
    } else {
        ("Pause", "It does not run until it is resumed.")
    };
    html! {
        div.steer {
            (Call::new(&format!("POST /api/schedules/{}/run-now", schedule.id), "Run now", "A run is enqueued.").class("small").button())
            (Call::new(&change, label, done).class("small").version(schedule.version).body(json!({ "paused": !paused })).button())
            (Call::new(&format!("DELETE /api/schedules/{}", schedule.id), "Delete", "It is gone.").class("small danger").ask("Delete this schedule? Its past runs stay.").button())
        }
    }
}

fn edit(schedule: &Schedule) -> Markup {
    let spec = &schedule.spec;
    let api = format!("PATCH /api/schedules/{}", schedule.id);
    let args = serde_json::to_string_pretty(&spec.args).unwrap_or_default();
    let fields = html! {
        label { "Name" input name="name" required maxlength="100" value=(spec.name); }
        label { "When (cron)" input name="cron" required value=(spec.cron) spellcheck="false"; }
        label { "Time zone" input name="timezone" required value=(spec.timezone) spellcheck="false"; }
        (preview())
        label { "Arguments" textarea name="args" data-type="json" rows="3" spellcheck="false" { (args) } }
    };
    html! { details.edit { summary { "Edit" } (Call::new(&api, "Save", "It is changed.").version(schedule.version).with(&fields)) } }
}

/// Where the next ten ticks of the pattern beside it are shown while it is written.
fn preview() -> Markup {
    html! { div.preview data-preview="" role="status" aria-live="polite" hx-morph-skip-children="" {} }
}

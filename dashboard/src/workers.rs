//! Worker processes and what they run.

use maud::{Markup, html};
use shared::access::Permission;
use shared::queue::control::WorkerView;
use shared::queue::search::JobSummary;

use crate::frame::Frame;
use crate::parts::{Call, job_table, nothing, state};
use crate::words::{between, moment};

/// What the page shows.
#[derive(Debug)]
pub struct WorkersPage {
    /// The live ones, then those that ended last.
    pub workers: Vec<WorkerView>,
    /// Some of the jobs that run.
    pub running: Vec<JobSummary>,
    /// Whether one of them leads.
    pub led: bool,
}

/// The page.
pub fn workers(frame: &Frame<'_>, page: &WorkersPage) -> Markup {
    let live = html! {
        p.muted { @if page.led { "One of them leads: it fills the ready lists, rescues lost jobs and fires schedules." } @else { "None of them leads." } }
        @if page.workers.is_empty() {
            (nothing("No worker has ever been here.", &html! { "Start one: " code { "worker --queue campaigns=64" } "." }))
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Workers" { table {
                thead { tr { th { "State" } th { "Host" } th.n { "Process" } th { "Version" } th { "Queues and slots" } th.n { "Runs" } th { "Up" } th { "Heard" } th { span.visually-hidden { "Steer" } } } }
                tbody { @for worker in &page.workers { (row(frame, worker)) } }
            } }
        }
        @if frame.viewer.may(Permission::ReadJobs) { section aria-labelledby="running" {
            h2 #running { "What they run" }
            @if page.running.is_empty() { p.muted { "Nothing at this moment." } } @else { (job_table(frame, &page.running, false)) }
        } }
    };
    frame.page("Workers", &html! { h1 { "Workers" } }, &live)
}

fn row(frame: &Frame<'_>, worker: &WorkerView) -> Markup {
    let live = worker.ended_at.is_none();
    let queues = worker.queues.as_object();
    html! {
        tr id=(worker.id) {
            td { (state(&worker.state)) @if worker.drain_requested_at.is_some() && worker.state == "running" { " " span.muted { "asked to drain" } } }
            td { (worker.host) }
            td.n { (worker.pid) }
            td { (worker.version) }
            td { @for (name, slots) in queues.into_iter().flatten() { span.tag { (name) " " (slots) } " " } }
            td.n { (worker.running) }
            td { (between(worker.started_at, worker.ended_at.unwrap_or(frame.now))) }
            td { (moment(worker.seen_at, frame.now)) }
            td { @if live && worker.drain_requested_at.is_none() && frame.viewer.may(Permission::WriteWorkers) {
                (Call::new(&format!("POST /api/workers/{}/drain", worker.id), "Drain", "It finishes what it runs and stops.").class("small danger").ask("Let this worker finish what it runs, and stop?").button())
            } }
        }
    }
}

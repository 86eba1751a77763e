//! The overview: how the queue fares, and what is wrong right now.

use std::collections::BTreeMap;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::json;
use shared::access::Permission;
use shared::queue::control::QueueControl;
use shared::queue::depth::Depth;
use shared::queue::pace::{Pace, Span};
use shared::queue::sample::Sample;
use shared::queue::search::JobSummary;

use crate::frame::Frame;
use crate::parts::{Call, job_table, link, nothing, sparkline};
use crate::query::term;
use crate::words::{between, count, duration, rate};

/// A job that has been due for longer than this, in seconds, while there are workers, is worth a word.
const LATE_S: i64 = 60;
/// A transaction that has been open for longer than this, in seconds, holds back clean-up.
const OLD_TRANSACTION_S: f64 = 300.0;

/// What the overview shows.
#[derive(Debug)]
pub struct OverviewPage {
    /// What stands in the queues.
    pub sample: Arc<Sample>,
    /// What operators set.
    pub controls: BTreeMap<String, QueueControl>,
    /// Some of the jobs that run.
    pub running: Vec<JobSummary>,
    /// How fast it went, over the span that was asked for.
    pub pace: Arc<Pace>,
}

/// Something that an operator should know of.
#[derive(Debug, PartialEq, Eq)]
struct Concern {
    /// Whether work stands still because of it.
    grave: bool,
    text: String,
    link: String,
}

/// The page.
pub fn overview(frame: &Frame<'_>, page: &OverviewPage) -> Markup {
    let head = html! { h1.visually-hidden { "Overview" } };
    let live = html! {
        (concerns(page))
        (pace(frame, page))
        (queues(frame, page))
        @if frame.viewer.may(Permission::ReadJobs) { (running(frame, page)) }
    };
    frame.page("Overview", &head, &live)
}

fn concerns(page: &OverviewPage) -> Markup {
    let found = find_concerns(page);
    html! {
        section.concerns aria-label="What is wrong right now" {
            @if found.is_empty() {
                p.fine { span aria-hidden="true" { "✓ " } "Nothing is wrong: a worker leads, every queue is served, nothing is late." }
            } @else {
                ul { @for concern in &found {
                    li.grave[concern.grave] { span.sign aria-hidden="true" { @if concern.grave { "✕" } @else { "!" } } " "
                        a href=(concern.link) { (concern.text) } }
                } }
            }
        }
    }
}

fn find_concerns(page: &OverviewPage) -> Vec<Concern> {
    let sample = &page.sample;
    let mut found = Vec::new();
    let mut say = |grave, text: String, link: String| found.push(Concern { grave, text, link });
    if sample.workers_running == 0 {
        say(
            true,
            "No worker runs: jobs only gather.".to_owned(),
            "/workers".to_owned(),
        );
    } else if !sample.led {
        let text = "No worker leads: nothing is rescued and no schedule fires until one does.";
        say(true, text.to_owned(), "/workers".to_owned());
    }
    if sample.listed.is_none() {
        let text = "Redis does not answer: workers fetch from Postgres, more slowly.";
        say(true, text.to_owned(), "/health/redis".to_owned());
    }
    for (name, depth) in &sample.queues {
        let paused = page
            .controls
            .get(name)
            .is_some_and(|control| control.paused_at.is_some());
        let words = format!("{} {}", term("queue", name), term("state", "available"));
        for (grave, text) in of_waiting(sample, name, depth, paused) {
            say(grave, text, link("/jobs", &[("q", &words)]));
        }
        if depth.dead > 0 {
            let text = format!("{} dead jobs in {name} wait for a decision.", dead(depth));
            say(false, text, link("/dead-letters", &[("queue", name)]));
        }
    }
    if sample.oldest_transaction_s > OLD_TRANSACTION_S {
        let age = duration(sample.oldest_transaction_s);
        let text =
            format!("A transaction has been open for {age}: Postgres cannot clean up behind it.");
        say(false, text, "/health/database".to_owned());
    }
    found.sort_by_key(|concern| !concern.grave);
    found
}

/// What is wrong with the jobs of a queue that wait.
fn of_waiting(sample: &Sample, name: &str, depth: &Depth, paused: bool) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let late = depth
        .oldest_due
        .filter(|at| (sample.at - *at).num_seconds() > LATE_S);
    match late {
        Some(at) if paused => found.push((
            false,
            format!(
                "{name} is paused; its oldest job has been due for {}.",
                between(at, sample.at)
            ),
        )),
        Some(_) if depth.slots == 0 && sample.workers_running > 0 => {
            found.push((true, format!("No worker serves {name}, and jobs are due.")));
        }
        Some(at) => found.push((
            true,
            format!(
                "{name} is late: its oldest job has been due for {}.",
                between(at, sample.at)
            ),
        )),
        None => {}
    }
    if depth.stranded > 0 && depth.slots > 0 {
        let n = count(depth.stranded);
        found.push((
            true,
            format!("{n} jobs in {name} are of a kind that no live worker knows."),
        ));
    }
    found
}

/// Dead jobs of a queue, and a tilde if they were too many to count.
fn dead(depth: &Depth) -> String {
    let about = if depth.dead_estimated { "~" } else { "" };
    format!("{about}{}", count(depth.dead))
}

fn pace(frame: &Frame<'_>, page: &OverviewPage) -> Markup {
    let total = page.pace.total();
    let percentile = |at: f64| {
        total
            .pickup
            .percentile(at)
            .map_or_else(|| "–".to_owned(), duration)
    };
    html! {
        section.pace aria-labelledby="pace" {
            header {
                h2 #pace { "Throughput and pick-up" }
                nav.spans aria-label="Time" {
                    @for span in Span::ALL {
                        a href=(link("/", &[("span", span.as_str())])) aria-current=[(span == page.pace.span).then_some("true")] { (span.as_str()) }
                    }
                }
            }
            dl.figures {
                div { dt { "Completed" } dd { (count(total.completed)) } dd.muted { (rate(total.completed as f64 / page.pace.span.seconds())) " /s" } }
                div { dt { "Failed attempts" } dd { (count(total.failed)) } }
                div { dt { "Dead" } dd { (count(total.dead)) } }
                div { dt { "Pick-up p50" } dd { (percentile(0.5)) } }
                div { dt { "p95" } dd { (percentile(0.95)) } }
                div { dt { "p99" } dd { (percentile(0.99)) } }
            }
            div.chart hx-morph-skip-children="" data-chart=(chart(page)) role="img" aria-label={ "Jobs a second over the last " (page.pace.span.as_str()) } {}
            @if total.completed + total.failed + total.dead == 0 {
                p.muted { "No job has run in the last " (page.pace.span.as_str()) ". "
                    @if frame.viewer.may(Permission::WriteJobs) { a href="/queues#kinds" { "Enqueue one by hand." } } }
            }
        }
    }
}

/// What the chart draws, for the scripts: times in seconds, then a line each.
fn chart(page: &OverviewPage) -> String {
    // the present step is not over: what it has so far would look like a fall
    let points = page.pace.points();
    let points = &points[..points.len().saturating_sub(1)];
    let step = page.pace.span.step_seconds();
    let per_second = |n: u64| n as f64 / step;
    let at: Vec<i64> = points.iter().map(|(at, _)| at.timestamp()).collect();
    let line = |of: fn(&shared::queue::pace::Tally) -> u64| -> Vec<f64> {
        points
            .iter()
            .map(|(_, tally)| per_second(of(tally)))
            .collect()
    };
    json!({
        "at": at,
        "lines": [
            { "name": "completed /s", "tone": "good", "values": line(|tally| tally.completed) },
            { "name": "failed /s", "tone": "bad", "values": line(|tally| tally.failed + tally.dead) },
        ],
    })
    .to_string()
}

fn queues(frame: &Frame<'_>, page: &OverviewPage) -> Markup {
    html! {
        section aria-labelledby="queues" {
            h2 #queues { "Queues" }
            div.scroll tabindex="0" role="region" aria-label="Queues" { table {
                thead { tr {
                    th { "Queue" } th.n { "Waiting" } th.n { "Running" } th.n { "Slots" } th.n { "Oldest due" } th.n { "Done /s" }
                    th.n { "Failed" } th.n { "Dead" } th { "Pace" } th { "Limits" } th { span.visually-hidden { "Steer" } }
                } }
                tbody { @for (name, depth) in &page.sample.queues { (queue_row(frame, page, name, depth)) } }
            } }
        }
    }
}

fn queue_row(frame: &Frame<'_>, page: &OverviewPage, name: &str, depth: &Depth) -> Markup {
    let control = page
        .controls
        .get(name)
        .cloned()
        .unwrap_or_else(|| QueueControl::untouched(name.to_owned()));
    let jobs = |state: &str| {
        link(
            "/jobs",
            &[(
                "q",
                &format!("{} {}", term("queue", name), term("state", state)),
            )],
        )
    };
    let tally = page.pace.of_queue(name);
    html! {
        tr id={ "queue-" (name) } {
            th scope="row" { a href={ "/queues#" (name) } { (name) } @if control.paused_at.is_some() { " " span.badge { "paused" } } }
            td.n { a href=(jobs("available")) { @if depth.estimated { "~" } (count(depth.waiting)) } }
            td.n { a href=(jobs("running")) { (count(depth.running)) } }
            td.n { (depth.slots) }
            td.n { @match depth.oldest_due { Some(at) => (between(at, page.sample.at)), None => "–" } }
            td.n { (rate(tally.completed as f64 / page.pace.span.seconds())) }
            td.n { (count(tally.failed)) }
            td.n { @if depth.dead > 0 { a.bad href=(link("/dead-letters", &[("queue", name)])) { (dead(depth)) } } @else { "0" } }
            td { (sparkline(&page.pace.line_of_queue(name))) }
            td { (limits(frame, &control)) }
            td { @if frame.viewer.may(Permission::WriteQueues) { (pause_button(&control)) } }
        }
    }
}

/// The limits in a few words; for who may, they open into a form.
fn limits(frame: &Frame<'_>, control: &QueueControl) -> Markup {
    let at_once = control.concurrency_limit.map(|n| format!("{n} at once"));
    let begun = control.rate.map(|rate| {
        format!(
            "{} in {}",
            rate.limit,
            duration(f64::from(rate.period_ms) / 1000.0)
        )
    });
    let told: Vec<String> = at_once.into_iter().chain(begun).collect();
    let words = if told.is_empty() {
        "none".to_owned()
    } else {
        told.join(", ")
    };
    if !frame.viewer.may(Permission::WriteQueues) {
        return html! { (words) };
    }
    html! { details.edit.in-place { summary aria-label={ "Limits of " (control.name) ": " (words) } { (words) } (crate::queues::limits(control)) } }
}

/// Pauses or resumes a queue.
pub(crate) fn pause_button(control: &QueueControl) -> Markup {
    let api = format!("PATCH /api/queues/{}", control.name);
    let paused = control.paused_at.is_some();
    let (label, done) = if paused {
        ("Resume", "The queue goes on.")
    } else {
        ("Pause", "The queue is paused; what runs goes on.")
    };
    Call::new(&api, label, done)
        .class("small")
        .body(json!({ "paused": !paused }))
        .button()
}

fn running(frame: &Frame<'_>, page: &OverviewPage) -> Markup {
    html! {
        section aria-labelledby="running" {
            header { h2 #running { "Running now" }
                a href="/workers" { (page.sample.workers_running) " workers"
                    @if page.sample.workers_draining > 0 { ", " (page.sample.workers_draining) " draining" } } }
            @if page.running.is_empty() {
                (nothing("Nothing runs at this moment.", &html! { "Jobs that wait are under " a href="/jobs?q=state:available" { "Jobs" } "." }))
            } @else {
                (job_table(frame, &page.running, false))
            }
        }
    }
}

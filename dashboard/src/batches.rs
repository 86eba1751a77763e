//! Batches: jobs enqueued together, and how far they are.

use maud::{Markup, html};
use shared::queue::inspect::BatchView;
use shared::queue::search::JobSummary;

use crate::frame::Frame;
use crate::parts::{Part, job_table, link, more, nothing, parts_of, state};
use crate::query::term;
use crate::words::{between, count, moment};

/// What the list shows.
#[derive(Debug)]
pub struct BatchesPage {
    /// The batches, newest first.
    pub batches: Vec<BatchView>,
    /// Only those whose last job has not ended.
    pub unfinished: bool,
    /// For the next page.
    pub next: Option<String>,
}

/// The list.
pub fn batches(frame: &Frame<'_>, page: &BatchesPage) -> Markup {
    let head = html! {
        h1 { "Batches" }
        nav.spans.wide aria-label="Which" {
            a href="/batches" aria-current=[(!page.unfinished).then_some("true")] { "all" }
            a href="/batches?unfinished=true" aria-current=[page.unfinished.then_some("true")] { "unfinished" }
        }
    };
    let asked: &[(&str, &str)] = if page.unfinished {
        &[("unfinished", "true")]
    } else {
        &[]
    };
    let live = html! {
        @if page.batches.is_empty() {
            @if page.unfinished { (nothing("Every batch has finished.", &html! { a href="/batches" { "Look at all batches" } "." })) }
            @else { (nothing("There is no batch yet.", &html! { "Code that enqueues jobs together with " code { "queue::batch" } " makes one; it is then watched here." })) }
        } @else {
            div.scroll.sheet tabindex="0" role="region" aria-label="Batches" { table {
                thead { tr { th { "State" } th { "What" } th { "Progress" } th.n { "Jobs" } th.n { "Pending" } th.n { "Dead" } th.n { "Cancelled" } th { "Made" } th { "By" } } }
                tbody { @for batch in &page.batches { (row(frame, batch)) } }
            } }
        }
        (more("/batches", asked, page.next.as_deref()))
    };
    frame.page("Batches", &head, &live)
}

fn name(batch: &BatchView) -> &str {
    if batch.description.is_empty() {
        "a batch without a description"
    } else {
        &batch.description
    }
}

fn bar(batch: &BatchView) -> Markup {
    parts_of(
        batch.total,
        &[
            Part {
                name: "done",
                tone: "good",
                count: batch.succeeded,
            },
            Part {
                name: "cancelled",
                tone: "soft",
                count: batch.cancelled,
            },
            Part {
                name: "dead",
                tone: "bad",
                count: batch.dead,
            },
        ],
    )
}

fn row(frame: &Frame<'_>, batch: &BatchView) -> Markup {
    let number = |n: i64| count(n.unsigned_abs());
    html! {
        tr id=(batch.id) {
            td { (state(batch.state().as_str())) }
            td { a href={ "/batches/" (batch.id) } { (name(batch)) } }
            td.bar-cell { (bar(batch)) }
            td.n { (number(batch.total)) }
            td.n { (number(batch.pending())) }
            td.n { @if batch.dead > 0 { span.bad { (number(batch.dead)) } } @else { "0" } }
            td.n { (number(batch.cancelled)) }
            td { (moment(batch.created_at, frame.now)) }
            td { (batch.created_by) }
        }
    }
}

/// What the page of one batch shows.
#[derive(Debug)]
pub struct BatchPage {
    /// The batch.
    pub batch: BatchView,
    /// A page of its jobs, newest first.
    pub jobs: Vec<JobSummary>,
    /// For the next page of them.
    pub next: Option<String>,
}

/// The page of one batch.
pub fn batch(frame: &Frame<'_>, page: &BatchPage) -> Markup {
    let batch = &page.batch;
    let number = |n: i64| count(n.unsigned_abs());
    let its = link("/jobs", &[("q", &term("batch", &batch.id.to_string()))]);
    let head = html! { p.trail { a href="/batches" { "Batches" } " / " (batch.id) } };
    let live = html! {
        header.title { h1 { (name(batch)) } (state(batch.state().as_str())) }
        section aria-labelledby="progress" {
            header { h2 #progress { "Progress" } span.muted { (number(batch.total - batch.pending())) " of " (number(batch.total)) " have ended" } }
            (bar(batch))
            dl.figures {
                div { dt { "Jobs" } dd { (number(batch.total)) } }
                div { dt { "Done" } dd.good { (number(batch.succeeded)) } }
                div { dt { "Pending" } dd { (number(batch.pending())) } }
                div { dt { "Dead" } dd.bad[batch.dead > 0] { (number(batch.dead)) } }
                div { dt { "Cancelled" } dd { (number(batch.cancelled)) } }
                div { dt { "Time" } dd { (between(batch.created_at, batch.finished_at.unwrap_or(frame.now))) } }
            }
        }
        dl.facts {
            dt { "Made" } dd { (moment(batch.created_at, frame.now)) " by " (batch.created_by) }
            dt { "Closed to more jobs" } dd { @match batch.sealed_at { Some(at) => (moment(at, frame.now)), None => "not yet: jobs may still join" } }
            @if let Some(at) = batch.finished_at { dt { "Finished" } dd { (moment(at, frame.now)) } }
            @if let Some(job) = batch.callback { dt { "Then" } dd { a href={ "/jobs/" (job) } { (job) } } }
        }
        section aria-labelledby="jobs" {
            header { h2 #jobs { "Its jobs" } a href=(its) { "find among them" } }
            @if page.jobs.is_empty() { p.muted { "None is kept any more, or none has joined." } }
            @else { (job_table(frame, &page.jobs, false)) }
            (more(&format!("/batches/{}", batch.id), &[], page.next.as_deref()))
        }
    };
    frame.page(name(batch), &head, &live)
}

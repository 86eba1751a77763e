//! One job with everything that is known of it.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use shared::access::{Permission, PersonalField};
use shared::queue::inspect::{Attempt, BatchView, JobDetail};
use shared::queue::search::{JobStatus, JobSummary};

use crate::frame::Frame;
use crate::parts::{Call, job_table, link, progress, state, tree};
use crate::query::term;
use crate::words::{between, count, moment};

/// What the page shows.
#[derive(Debug)]
pub struct JobPage {
    /// The job, with people's data masked.
    pub detail: JobDetail,
    /// What is masked in it.
    pub hidden: Vec<PersonalField>,
    /// The batch it counts in.
    pub batch: Option<BatchView>,
    /// The newest other jobs of that batch.
    pub siblings: Vec<JobSummary>,
    /// Where its trace is shown.
    pub trace_url: Option<String>,
}

/// The page.
pub fn job(frame: &Frame<'_>, page: &JobPage) -> Markup {
    let detail = &page.detail;
    let job = &detail.summary;
    let head = html! { p.trail { a href="/jobs" { "Jobs" } " / " a href=(link("/jobs", &[("q", &term("kind", &job.kind))])) { (job.kind) } } };
    let live = html! {
        header.title { h1 { (job.kind) } (state(job.status.as_str())) code.id { (job.id) } }
        (steering(frame, page))
        @if let Some(done) = job.progress { p { (progress(f64::from(done), "Progress")) " " @if let Some(note) = &job.progress_note { (note) } } }
        (facts(frame, page))
        (drawing(frame, detail))
        (attempts(frame, detail))
        section aria-labelledby="args" {
            header { h2 #args { "Arguments" } (reveal(frame, page)) }
            div data-shown="args" { (tree(&detail.args)) } }
        @if let Some(output) = &detail.output { section aria-labelledby="output" { h2 #output { "Output" } div data-shown="output" { (tree(output)) } } }
        @if let Some(parent) = &detail.parent {
            section aria-labelledby="parent" { h2 #parent { "What enqueued it, or what it repeats" } (job_table(frame, std::slice::from_ref(parent), false)) }
        }
        @if let Some(batch) = &page.batch { (its_batch(frame, batch, &page.siblings)) }
        @if !detail.children.is_empty() {
            section aria-labelledby="children" {
                header { h2 #children { "What it enqueued, or what repeats it" }
                    a href=(link("/jobs", &[("q", &term("parent", &job.id.to_string()))])) { "all" } }
                (job_table(frame, &detail.children, false))
            }
        }
    };
    frame.page(&job.kind, &head, &live)
}

/// The batch with some of its other jobs.
fn its_batch(frame: &Frame<'_>, batch: &BatchView, siblings: &[JobSummary]) -> Markup {
    let name = Some(batch.description.as_str()).filter(|text| !text.is_empty());
    html! {
        section aria-labelledby="batch" {
            header { h2 #batch { "Its batch: " a href={ "/batches/" (batch.id) } { (name.unwrap_or("a batch without a description")) } }
                span.muted { (count((batch.total - batch.pending()).unsigned_abs())) " of " (count(batch.total.unsigned_abs())) " have ended" } }
            @if siblings.is_empty() { p.muted { "No other job of it is kept." } } @else { (job_table(frame, siblings, false)) }
        }
    }
}

/// What is masked, and for who may, the way to see it.
fn reveal(frame: &Frame<'_>, page: &JobPage) -> Markup {
    if page.hidden.is_empty() {
        return html! {};
    }
    let names: Vec<&str> = page.hidden.iter().map(|field| field.as_str()).collect();
    let may = page
        .hidden
        .iter()
        .all(|field| frame.viewer.may(field.permission()));
    let api = format!("POST /api/jobs/{}/reveal", page.detail.summary.id);
    let reason = html! { label.inline { "Why" input name="reason" required maxlength="500"; } };
    html! {
        span.muted { "masked: " (names.join(", ")) }
        @if may { div data-reveals="" { (Call::new(&api, "Show in clear", "It is shown in clear, and recorded that you saw it.").class("small").with(&reason)) } }
    }
}

fn facts(frame: &Frame<'_>, page: &JobPage) -> Markup {
    let detail = &page.detail;
    let job = &detail.summary;
    let find = |name: &str, value: &str| link("/jobs", &[("q", &term(name, value))]);
    html! {
        dl.facts {
            dt { "Queue" } dd { a href=(find("queue", &job.queue)) { (job.queue) } " · " (job.priority.as_str()) }
            dt { "Attempts" } dd { (job.attempt) " of " (job.max_attempts)
                @if detail.crashes > 0 { " · " span.bad { (detail.crashes) " workers died while it ran" } } }
            dt { "Enqueued" } dd { (moment(job.created_at, frame.now)) " by " (job.created_by) }
            dt { "Due" } dd { (moment(job.run_at, frame.now)) }
            @if let Some(at) = job.finished_at { dt { "Ended" } dd { (moment(at, frame.now)) } }
            @if let Some(group) = &job.group { dt { "Group" } dd { a href=(find("group", group)) { (group) } } }
            @if !job.tags.is_empty() { dt { "Tags" } dd { @for tag in &job.tags { a.tag href=(find("tag", tag)) { (tag) } " " } } }
            @if let Some(key) = &detail.unique_key { dt { "Unique key" } dd { code { (key) } } }
            @if let Some(parent) = job.parent { dt { "Enqueued by" } dd { a href={ "/jobs/" (parent) } { (parent) } } }
            @if let Some(batch) = job.batch { dt { "Batch" } dd { a href={ "/batches/" (batch) } { (batch) } } }
            @if let Some(trace) = &detail.trace { dt { "Trace" } dd { @match &page.trace_url {
                Some(url) => a href=(url) rel="noreferrer" { code { (trace_id(trace)) } },
                None => code { (trace_id(trace)) } } } }
            @if let Some(why) = &detail.cancel_reason { dt { "Cancelled because" } dd { (why) } }
        }
    }
}

/// The trace's id within a W3C trace context; all of it, if it is none.
pub fn trace_id(trace: &str) -> &str {
    let mut parts = trace.split('-');
    match (parts.next(), parts.next()) {
        (Some(_), Some(id)) if id.len() == 32 => id,
        _ => trace,
    }
}

fn steering(frame: &Frame<'_>, page: &JobPage) -> Markup {
    if !frame.viewer.may(Permission::WriteJobs) {
        return html! {};
    }
    let detail = &page.detail;
    let job = &detail.summary;
    let api = |verb: &str| format!("POST /api/jobs/{}/{verb}", job.id);
    let over = job.status.is_over();
    let waits = matches!(job.status, JobStatus::Scheduled | JobStatus::Retryable);
    let reason = html! { label.inline { "Why" input name="reason" maxlength="500"; } };
    html! {
        div.steer {
            @if waits { (Call::new(&api("run-now"), "Run now", "It is due now.").button()) }
            @if over || job.status == JobStatus::Dead { (Call::new(&api("retry"), "Run again", "It waits to run again.").button()) (edit(job, page)) }
            @if job.status == JobStatus::Dead {
                (Call::new(&format!("POST /api/dead-letters/{}/discard", job.id), "Discard", "It is left for good.").ask("Leave this job for good?").class("danger").button())
            }
            @if !over && job.status != JobStatus::Dead { (Call::new(&api("cancel"), "Cancel", "It is cancelled, or asked to stop.").class("danger").with(&reason)) }
            button.quiet type="button" data-copy=(curl(job)) { "Copy as curl" }
        }
    }
}

/// The same job with other arguments. Masked ones must never be sent back, so they are edited only once they are revealed.
fn edit(job: &JobSummary, page: &JobPage) -> Markup {
    let masked = !page.hidden.is_empty();
    let args = serde_json::to_string_pretty(&page.detail.args).unwrap_or_default();
    let args = if masked { String::new() } else { args };
    let api = format!("POST /api/jobs/{}/retry", job.id);
    let fields = html! {
        label { "Arguments" textarea name="args" data-type="json" rows="10" spellcheck="false" required { (args) } }
        label { "Queue" input name="queue" value=(job.queue); }
        label { "Attempts" input name="maxAttempts" data-type="number" type="number" min="1" max="100" value=(job.max_attempts); }
    };
    html! { details.edit hidden[masked] data-when-revealed[masked] { summary { "Edit and run again" } (Call::new(&api, "Run again with these", "It waits to run again.").with(&fields)) } }
}

fn curl(job: &JobSummary) -> String {
    format!(
        "curl -sS -H \"Authorization: Bearer $TOKEN\" \"$API/api/jobs/{}\"",
        job.id
    )
}

/// The job's life as bars from its enqueueing to its end, one for each time it waited or ran.
fn drawing(frame: &Frame<'_>, detail: &JobDetail) -> Markup {
    const WIDTH: f64 = 1000.0;
    const LANE: f64 = 22.0;
    /// What takes no time is still seen.
    const LEAST: f64 = 3.0;
    let from = detail.summary.created_at;
    let until = detail.summary.finished_at.unwrap_or(frame.now);
    let whole = (until - from).as_seconds_f64().max(0.001);
    let x = |at: DateTime<Utc>| ((at - from).as_seconds_f64() / whole).clamp(0.0, 1.0) * WIDTH;
    let ran: Vec<(&Attempt, DateTime<Utc>)> = detail
        .attempts
        .iter()
        .filter_map(|a| Some((a, a.started_at?)))
        .collect();
    let height = LANE * (ran.len() + 1) as f64;
    // what happened at the very end still lies within the drawing
    let bar = |class: &str, lane: usize, from: DateTime<Utc>, until: DateTime<Utc>, told: &str| {
        let width = (x(until) - x(from)).max(LEAST);
        let (left, top) = (x(from).min(WIDTH - width), LANE * lane as f64 + 2.0);
        html! { rect class=(class) x=(left) y=(top) width=(width) height=(LANE - 4.0) { title { (told) " " (between(from, until)) } } }
    };
    let first = ran.first().map_or(until, |(_, at)| *at);
    let mut waits_since = None;
    html! {
        section aria-labelledby="life" {
            header { h2 #life { "Its life" } span.muted { (between(from, until)) " in all" } }
            svg.life viewBox={ "0 0 " (WIDTH) " " (height) } preserveAspectRatio="none" role="img" aria-label={ (ran.len()) " attempts in " (between(from, until)) } {
                (bar("waited", 0, from, first, "waited"))
                @for (lane, (attempt, start)) in ran.iter().enumerate() {
                    @let end = attempt.ended_at.unwrap_or(frame.now);
                    @if let Some(since) = waits_since.replace(end) { (bar("waited", lane + 1, since, *start, "waited")) }
                    (bar(&format!("ran ran-{}", attempt.outcome), lane + 1, *start, end, &format!("{} after", attempt.outcome)))
                }
            }
        }
    }
}

fn attempts(frame: &Frame<'_>, detail: &JobDetail) -> Markup {
    html! {
        section aria-labelledby="attempts" {
            h2 #attempts { "Attempts" }
            @if detail.attempts.is_empty() { p.muted { "None yet." } }
            ol.attempts reversed {
                @for attempt in detail.attempts.iter().rev() { li { (one_attempt(frame, attempt)) } }
            }
        }
    }
}

fn one_attempt(frame: &Frame<'_>, attempt: &Attempt) -> Markup {
    html! {
        header {
            strong { "Attempt " (attempt.number) } " " (state(&attempt.outcome)) " "
            @if let Some(at) = attempt.started_at { (moment(at, frame.now)) }
            @if let (Some(from), Some(until)) = (attempt.started_at, attempt.ended_at) { span.muted { " took " (between(from, until)) } }
            @if let Some(host) = &attempt.host { span.muted { " on " (host) } }
        }
        @if let Some((error, causes)) = attempt.errors.split_first() {
            div.errors { p { (error) } @if !causes.is_empty() { ul { @for cause in causes { li { (cause) } } } } }
        }
        @if !attempt.logs.is_empty() {
            details open[attempt.logs.len() < 20] {
                summary { (attempt.logs.len()) " log lines" }
                ol.logs { @for line in &attempt.logs { li { span.muted { (line.at) } " " span class={ "level level-" (line.level) } { (line.level) } " " (line.message) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_known_by_its_id() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), id);
        assert_eq!(trace_id("something-else"), "something-else");
    }
}

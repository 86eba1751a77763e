//! Finding jobs, and steering all that were found.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::json;
use shared::access::Permission;
use shared::queue::search::{JobStatus, JobSummary};
use shared::queue::{Catalog, Kind, Priority};

use crate::frame::Frame;
use crate::parts::{job_table, link, more, nothing};
use crate::query::{NAMES, Term, term, write};
use crate::words::count;

/// What the page shows.
#[derive(Debug)]
pub struct JobsPage<'a> {
    /// The words of the filter bar.
    pub terms: Vec<Term>,
    /// The same filter as the HTTP API takes it; none if it cannot be used.
    pub filter: Option<serde_json::Value>,
    /// What is wrong with the filter.
    pub refusals: Vec<String>,
    /// How many jobs are in each state, where that is known.
    pub counts: Vec<(JobStatus, Option<u64>)>,
    /// The page of jobs.
    pub jobs: Vec<JobSummary>,
    /// For the next page.
    pub next: Option<String>,
    /// Every kind, for the completion.
    pub catalog: &'a Catalog,
    /// Every queue, for the completion.
    pub queues: Vec<String>,
}

/// The page.
pub fn jobs(frame: &Frame<'_>, page: &JobsPage<'_>) -> Markup {
    let text = write(&page.terms);
    let head = html! {
        h1 { "Jobs" }
        form.filter role="search" action="/jobs" {
            label.visually-hidden for="q" { "Filter" }
            input #q name="q" type="search" value=(text) data-complete="words" autocomplete="off" spellcheck="false" maxlength="2000"
                placeholder="kind:campaign.send state:dead args.campaignId:… or words of an error";
            datalist #words { (completion(page)) }
            ul #completions .completions role="listbox" aria-label="Words of the filter" hidden {}
            button type="submit" { "Find" }
        }
        (chips(page))
    };
    let live = html! {
        @for refusal in &page.refusals { p.refusal role="alert" { (refusal) } }
        div.with-side {
            (states(page))
            div {
                @if page.jobs.is_empty() && page.refusals.is_empty() { (none(page)) }
                @else { (bulk_bar(frame, page)) (job_table(frame, &page.jobs, frame.viewer.may(Permission::WriteJobs))) }
                (more("/jobs", &[("q", &text)], page.next.as_deref()))
            }
        }
    };
    frame.page("Jobs", &head, &live)
}

fn completion(page: &JobsPage<'_>) -> Markup {
    let searchable = page
        .catalog
        .iter()
        .flat_map(|kind: &Kind| kind.spec.searchable.iter());
    html! {
        @for state in JobStatus::ALL { option value={ "state:" (state.as_str()) } {} }
        @for kind in page.catalog.iter() { option value={ "kind:" (kind.spec.kind) } { (kind.spec.description) } }
        @for queue in &page.queues { option value={ "queue:" (queue) } {} }
        @for name in searchable { option value={ "args." (name) ":" } {} }
        @for (name, value) in seen(page) { option value=(term(name, value)) {} }
        @for name in NAMES { option value={ (name) ":" } {} }
    }
}

/// Tags, groups and fingerprints of the jobs that are shown: words to narrow the search by.
fn seen<'a>(page: &'a JobsPage<'_>) -> BTreeSet<(&'static str, &'a str)> {
    let of = |job: &'a JobSummary| {
        let tags = job.tags.iter().map(|tag| ("tag", tag.as_str()));
        let group = job.group.iter().map(|group| ("group", group.as_str()));
        let fingerprint = job
            .fingerprint
            .iter()
            .map(|print| ("fingerprint", print.as_str()));
        tags.chain(group).chain(fingerprint)
    };
    page.jobs.iter().flat_map(of).collect()
}

/// Each word of the filter, with a link to the same search without it.
fn chips(page: &JobsPage<'_>) -> Markup {
    html! {
        @if !page.terms.is_empty() {
            ul.chips aria-label="Filter" {
                @for (place, term) in page.terms.iter().enumerate() {
                    @let others = page.terms.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, term)| term);
                    li { span.muted { (term.name) } " " (term.value) " "
                        a href=(link("/jobs", &[("q", &write(others))])) aria-label={ "Without " (term.name) " " (term.value) } { "×" } }
                }
                li.plain { a href="/jobs" { "Clear" } }
            }
        }
    }
}

fn states(page: &JobsPage<'_>) -> Markup {
    let chosen = |state: JobStatus| {
        page.terms.iter().any(|term| {
            term.name == "state" && term.value.split(',').any(|word| word == state.as_str())
        })
    };
    let others = || {
        page.terms
            .iter()
            .filter(|term| term.name != "state")
            .cloned()
    };
    html! {
        nav.states aria-label="States" {
            a href=(link("/jobs", &[("q", &write(&others().collect::<Vec<_>>()))])) aria-current=[(!page.terms.iter().any(|t| t.name == "state")).then_some("true")] { "all" }
            @for (state, n) in &page.counts {
                @let word = Term { name: "state".to_owned(), value: state.as_str().to_owned() };
                @let with: Vec<Term> = others().chain([word]).collect();
                a href=(link("/jobs", &[("q", &write(&with))])) aria-current=[chosen(*state).then_some("true")] {
                    (crate::parts::state(state.as_str())) @if let Some(n) = n { span.n { (count(*n)) } }
                }
            }
        }
    }
}

fn none(page: &JobsPage<'_>) -> Markup {
    if page.terms.is_empty() {
        return nothing(
            "There are no jobs yet.",
            &html! { "Launch a campaign, or " a href="/queues#kinds" { "enqueue one by hand" } "." },
        );
    }
    let next = if page.next.is_some() {
        html! { "None among those that were looked at; go on with older ones." }
    } else {
        html! { "Take a word away, or " a href="/jobs" { "look at all" } "." }
    };
    nothing("No job matches.", &next)
}

/// What can be done with those chosen, or with all that match.
fn bulk_bar(frame: &Frame<'_>, page: &JobsPage<'_>) -> Markup {
    let Some(filter) = page
        .filter
        .as_ref()
        .filter(|_| frame.viewer.may(Permission::WriteJobs))
    else {
        return html! {};
    };
    html! {
        div.bulk-bar data-filter=(filter) {
            span data-chosen { "None chosen" }
            button.small type="button" data-each="POST /api/jobs/{id}/retry" disabled { "Retry chosen" }
            button.small type="button" data-each="POST /api/jobs/{id}/cancel" disabled { "Cancel chosen" }
            span.gap {}
            @if !page.terms.is_empty() { (to_all(page, filter)) }
        }
    }
}

/// What can be done to all that match: a menu, so that the table stays at the eye.
fn to_all(page: &JobsPage<'_>, filter: &serde_json::Value) -> Markup {
    let plain = [
        ("replay", "Replay all dead that match"),
        ("cancel", "Cancel all that match"),
        ("discard", "Discard all dead that match"),
    ];
    let with = |extra: serde_json::Value| {
        let mut body = json!({ "filter": filter });
        if let (Some(body), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
            body.extend(extra.clone());
        }
        body
    };
    html! {
        details.menu {
            summary.button.small { "All that match" }
            div.menu-items {
                @for (action, label) in plain { button.small type="button" data-bulk=(with(json!({ "action": action }))) { (label) } }
                label.inline { "Priority"
                    select.small data-bulk-choice="priority" { @for priority in Priority::ALL { option value=(priority.as_str()) { (priority.as_str()) } } }
                    button.small type="button" data-bulk=(with(json!({ "action": "prioritise" }))) { "Change priority of all that match" } }
                label.inline { "Queue"
                    select.small data-bulk-choice="queue" { @for queue in &page.queues { option value=(queue) { (queue) } } }
                    button.small type="button" data-bulk=(with(json!({ "action": "move" }))) { "Move all that match" } }
            }
        }
    }
}

//! Bulk operations and how far they are.

use maud::{Markup, html};
use serde_json::json;
use shared::access::Permission;
use shared::queue::bulk::{Action, BulkOperation, BulkState};

use crate::frame::Frame;
use crate::parts::{Call, link, more, nothing, progress, state};
use crate::query::words_of;
use crate::words::{count, moment};

/// What the page shows.
#[derive(Debug)]
pub struct BulkPage {
    /// The operations, newest first.
    pub operations: Vec<BulkOperation>,
    /// For the next page.
    pub next: Option<String>,
}

/// The page.
pub fn bulk(frame: &Frame<'_>, page: &BulkPage) -> Markup {
    let live = html! {
        @if page.operations.is_empty() {
            (nothing("There was none yet.", &html! { "One begins when you replay, cancel, move or reorder all " a href="/jobs" { "jobs that match a filter" } "." }))
        } @else {
            div.scroll.sheet tabindex="0" role="region" aria-label="Bulk operations" { table {
                thead { tr { th { "State" } th { "What" } th { "Which" } th { "Progress" } th.n { "Done" } th.n { "Skipped" } th { "By" } th { "Why" } th { span.visually-hidden { "Steer" } } } }
                tbody { @for operation in &page.operations { (row(frame, operation)) } }
            } }
        }
        (more("/bulk", &[], page.next.as_deref()))
    };
    frame.page(
        "Bulk operations",
        &html! { h1 { "Bulk operations" } },
        &live,
    )
}

/// The action in words.
fn what(action: &Action) -> Markup {
    html! {
        @match action {
            Action::Prioritise(priority) => { "make " strong { (priority.as_str()) } }
            Action::Move(queue) => { "move to " strong { (queue) } }
            Action::Undo(other) => { "take back " a href={ "#" (other) } { "an operation" } }
            Action::Replay | Action::Discard | Action::Cancel => { (action.as_str()) }
        }
    }
}

/// What taking an operation back would do, as a question.
const fn question(action: &Action) -> &'static str {
    match action {
        Action::Cancel => "Take it back? New jobs like the cancelled ones are enqueued.",
        Action::Discard => "Take it back? New jobs like the discarded ones are enqueued, and run.",
        Action::Prioritise(_) | Action::Move(_) | Action::Replay | Action::Undo(_) => {
            "Take it back? Jobs that still wait get back what they had; those that ran or were changed since are left."
        }
    }
}

fn row(frame: &Frame<'_>, operation: &BulkOperation) -> Markup {
    let visited = operation.done + operation.skipped;
    let known = operation.matched > 0 && !operation.at_least;
    let filter = words_of(&operation.filter);
    let api = |verb: &str| format!("POST /api/bulk-operations/{}/{verb}", operation.id);
    let goes_on = matches!(operation.state, BulkState::Running | BulkState::Paused);
    html! {
        tr id=(operation.id) {
            td { (state(operation.state.as_str())) }
            td { (what(&operation.action)) }
            td { a.words href=(link("/jobs", &[("q", &filter)])) { code { (filter) } } }
            td { @if known { (progress((visited as f64 / operation.matched as f64).min(1.0), "Progress")) }
                 @else { (count(visited.unsigned_abs())) " of " @if operation.at_least { "more than " } (count(operation.matched.unsigned_abs())) } }
            td.n { (count(operation.done.unsigned_abs())) }
            td.n { (count(operation.skipped.unsigned_abs())) }
            td { (operation.created_by) " " (moment(operation.created_at, frame.now)) }
            td { (operation.reason) @if let Some(error) = &operation.error { p.bad { (error) } } }
            td.steer {
                @if goes_on && frame.viewer.may(Permission::WriteJobs) {
                    @if operation.state == BulkState::Paused { (Call::new(&api("resume"), "Resume", "It goes on.").class("small").button()) }
                    @else { (Call::new(&api("pause"), "Pause", "It pauses after its present step.").class("small").button()) }
                    (Call::new(&api("cancel"), "Stop", "It stops; what it did stays done.").class("small danger").ask("Stop it? What it did stays done.").button())
                }
                @if operation.can_be_undone() && frame.viewer.may(Permission::WriteJobs) {
                    (Call::new(&api("undo"), "Undo", "It is being taken back.").class("small").ask(question(&operation.action)).body(json!({ "reason": "" })).button())
                }
                @if let Some(by) = operation.undone_by { a.muted href={ "#" (by) } { "taken back" } }
            }
        }
    }
}

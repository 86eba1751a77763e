//! Dead jobs, grouped by what went wrong.

use maud::{Markup, html};
use serde_json::json;
use shared::access::Permission;
use shared::queue::dead_letters::DeadGroup;

use crate::frame::Frame;
use crate::parts::{beginning, link, more, nothing, sparkline};
use crate::query::term;
use crate::words::{count, moment};

/// Characters of an error that a group shows.
const ERROR_SHOWN_CHARS: usize = 400;

/// What the page shows.
#[derive(Debug)]
pub struct DeadLettersPage {
    /// The groups, the largest first.
    pub groups: Vec<DeadGroup>,
    /// Only this queue.
    pub queue: Option<String>,
    /// For the next page.
    pub next: Option<String>,
}

/// The page.
pub fn dead_letters(frame: &Frame<'_>, page: &DeadLettersPage) -> Markup {
    let head = html! {
        h1 { "Dead letters" }
        @if let Some(queue) = &page.queue { ul.chips { li { span.muted { "queue" } " " (queue) " " a href="/dead-letters" aria-label="All queues" { "×" } } } }
    };
    let live = html! {
        @if page.groups.is_empty() {
            (nothing("No job is dead.", &html! { "What fails for good gathers here, grouped by its error, until somebody replays or discards it. What is tried again meanwhile is under " a href="/jobs?q=state:retryable" { "retryable jobs" } "." }))
        }
        @for group in &page.groups { (of_one_error(frame, group)) }
        (more("/dead-letters", &page.queue.iter().map(|name| ("queue", name.as_str())).collect::<Vec<_>>(), page.next.as_deref()))
    };
    frame.page("Dead letters", &head, &live)
}

fn of_one_error(frame: &Frame<'_>, group: &DeadGroup) -> Markup {
    let words = format!(
        "{} {} {}",
        term("state", "dead"),
        term("kind", &group.kind),
        term("fingerprint", &group.fingerprint)
    );
    let filter = json!({ "state": ["dead"], "kind": group.kind, "fingerprint": group.fingerprint });
    html! {
        article.group id={ "group-" (group.fingerprint) "-" (group.kind) } {
            header {
                h2 { a href=(link("/jobs", &[("q", &words)])) { (count(group.count.unsigned_abs())) " × " (group.kind) } }
                span.muted { "in " (group.queue) " · first " (moment(group.first_at, frame.now)) " · last " (moment(group.last_at, frame.now)) }
            }
            div.with-line {
                p.errors { (beginning(&group.error, ERROR_SHOWN_CHARS)) }
                (over_time(group))
            }
            p.steer {
                a.button.small href={ "/jobs/" (group.sample) } { "Look at the newest" }
                @if frame.viewer.may(Permission::WriteJobs) {
                    button.small type="button" data-bulk=(json!({ "action": "replay", "filter": filter })) { "Replay these" }
                    button.small.danger type="button" data-bulk=(json!({ "action": "discard", "filter": filter })) { "Discard these" }
                }
            }
        }
    }
}

/// How many died in each hour of the last day.
fn over_time(group: &DeadGroup) -> Markup {
    let hours: Vec<u64> = group.by_hour.iter().map(|n| n.unsigned_abs()).collect();
    let day: u64 = hours.iter().sum();
    let last = hours.last().copied().unwrap_or(0);
    html! {
        figure.over-time {
            (sparkline(&hours))
            figcaption { (count(day)) " in a day, " (count(last)) " in the last hour" }
        }
    }
}

//! Queues with their limits, and the kinds of jobs.

use chrono::TimeDelta;
use maud::{Markup, html};
use serde_json::Value;
use shared::access::Permission;
use shared::queue::control::QueueControl;
use shared::queue::depth::Depth;
use shared::queue::{Catalog, Kind};

use crate::frame::Frame;
use crate::overview::pause_button;
use crate::parts::{Call, tree};
use crate::words::{count, duration, moment};

/// A queue.
#[derive(Debug)]
pub struct QueueRow {
    /// What operators set.
    pub control: QueueControl,
    /// What stands in it.
    pub depth: Depth,
}

/// What the page shows.
#[derive(Debug)]
pub struct QueuesPage<'a> {
    /// By name.
    pub queues: Vec<QueueRow>,
    /// Every kind of job.
    pub catalog: &'a Catalog,
}

/// The page.
pub fn queues(frame: &Frame<'_>, page: &QueuesPage<'_>) -> Markup {
    let live = html! {
        @for row in &page.queues { (queue(frame, row)) }
        section aria-labelledby="kinds" {
            h2 #kinds { "Kinds of jobs" }
            @for kind in page.catalog.iter() { (one_kind(frame, kind)) }
        }
    };
    frame.page(
        "Queues and kinds",
        &html! { h1 { "Queues and kinds" } },
        &live,
    )
}

fn queue(frame: &Frame<'_>, row: &QueueRow) -> Markup {
    let (control, depth) = (&row.control, &row.depth);
    html! {
        article.queue id=(control.name) {
            header {
                h2 { (control.name) }
                @if let Some(at) = control.paused_at { span.badge { "paused " (moment(at, frame.now)) } }
                @if frame.viewer.may(Permission::WriteQueues) { (pause_button(control)) }
            }
            dl.figures {
                div { dt { "Waiting" } dd { @if depth.estimated { "~" } (count(depth.waiting)) } }
                div { dt { "Due" } dd { (known(depth.due)) } }
                div { dt { "Scheduled" } dd { (known(depth.scheduled)) } }
                div { dt { "To be retried" } dd { (known(depth.retryable)) } }
                div { dt { "Running" } dd { (count(depth.running)) " of " (count(depth.slots)) } }
                div { dt { "Dead" } dd { @if depth.dead_estimated { "~" } (count(depth.dead)) } }
            }
            @if frame.viewer.may(Permission::WriteQueues) { (limits(control)) } @else { (limits_in_words(control)) }
        }
    }
}

fn known(n: Option<u64>) -> String {
    n.map_or_else(|| "–".to_owned(), count)
}

fn limits_in_words(control: &QueueControl) -> Markup {
    html! {
        p.muted {
            @match control.concurrency_limit { Some(n) => { "At most " (n) " at once. " }, None => "As many at once as there are slots. " }
            @if let Some(rate) = control.rate { "At most " (rate.limit) " begin in " (duration(f64::from(rate.period_ms) / 1000.0)) "." }
        }
    }
}

/// Sets the limits of a queue.
pub(crate) fn limits(control: &QueueControl) -> Markup {
    let api = format!("PATCH /api/queues/{}", control.name);
    let fields = html! {
        label.inline { "At once, in the whole fleet" input name="concurrencyLimit" data-type="number-or-null" type="number" min="1" max="100000" placeholder="no limit" value=[control.concurrency_limit]; }
        label.inline { "Begin at most" input name="rateLimit.limit" data-type="number-or-null" type="number" min="1" placeholder="no limit" value=[control.rate.map(|rate| rate.limit)]; }
        label.inline { "in milliseconds" input name="rateLimit.periodMs" data-type="number" type="number" min="1" value=(control.rate.map_or(1000, |rate| rate.period_ms)); }
    };
    Call::new(&api, "Set limits", "The limits hold for the whole fleet.")
        .class("small")
        .version(control.version)
        .with(&fields)
}

fn one_kind(frame: &Frame<'_>, kind: &Kind) -> Markup {
    let (spec, policy) = (&kind.spec, &kind.spec.policy);
    let seconds = |delta: std::time::Duration| duration(delta.as_secs_f64());
    let days = TimeDelta::days(i64::from(policy.retention_days)).as_seconds_f64();
    html! {
        details.kind id={ "kind-" (spec.kind) } {
            summary { strong { (spec.kind) } " " span.muted { (spec.description) } }
            dl.facts {
                dt { "Queue" } dd { (spec.queue) " · " (policy.priority.as_str()) }
                dt { "Attempts" } dd { (policy.max_attempts) ", waiting up to " (seconds(policy.backoff.base)) " after the first and " (seconds(policy.backoff.cap)) " at the most" }
                dt { "Time for one" } dd { (seconds(policy.timeout)) }
                dt { "Kept" } dd { (duration(days)) " after its end" }
                @if !spec.searchable.is_empty() { dt { "Found by" } dd { @for name in spec.searchable { code { "args." (name) } " " } } }
            }
            details { summary { "Schema of its arguments" } (tree(kind.schema.as_value())) }
            @if frame.viewer.may(Permission::WriteJobs) { (enqueue_by_hand(kind)) }
        }
    }
}

/// A form made from the kind's schema: a field for each property that is a plain value, JSON for the others.
fn enqueue_by_hand(kind: &Kind) -> Markup {
    let schema = kind.schema.as_value();
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|each| each == name))
    };
    let fields = html! {
        @for (name, property) in properties.into_iter().flatten() { (field(name, property, required(name))) }
        label.inline { "Not before" input name="runAt" data-type="time" type="datetime-local"; }
    };
    let body = serde_json::json!({ "kind": kind.spec.kind, "args": {} });
    html! {
        details.edit { summary { "Enqueue one by hand" }
            (Call::new("POST /api/jobs", "Enqueue", "It is enqueued.").body(body).with(&fields)) }
    }
}

fn field(name: &str, property: &Value, required: bool) -> Markup {
    let path = format!("args.{name}");
    let description = property
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (data_type, input) = match type_of(property) {
        "integer" | "number" => ("number", "number"),
        "boolean" => ("boolean", "checkbox"),
        "string" => ("text", "text"),
        _ => ("json", "text"),
    };
    html! {
        label { (name) @if !required { span.muted { " (may be left out)" } }
            input name=(path) data-type=(data_type) type=(input) required[required && data_type != "boolean"];
            @if !description.is_empty() { small.muted { (description) } } }
    }
}

/// The one type that a value must have beside null; nothing if there are several.
fn type_of(property: &Value) -> &str {
    match property.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            let mut others = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null");
            match (others.next(), others.next()) {
                (Some(name), None) => name,
                _ => "",
            }
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_knows_its_type() {
        assert_eq!(type_of(&json!({ "type": "integer" })), "integer");
        assert_eq!(type_of(&json!({ "type": ["string", "null"] })), "string");
        assert_eq!(type_of(&json!({ "type": ["string", "integer"] })), "");
        assert_eq!(type_of(&json!({ "$ref": "#/$defs/x" })), "");
    }
}

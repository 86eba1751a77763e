//! Small pieces that several pages are made of.

use maud::{Markup, html};
use serde_json::Value;
use shared::queue::search::{JobStatus, JobSummary};
use url::form_urlencoded::Serializer;

use crate::frame::Frame;
use crate::words::{between, count, moment};

/// Levels of a JSON tree that are open at first.
const TREE_OPEN_LEVELS: usize = 2;
/// Characters of an error that a table shows.
const ERROR_SHOWN_CHARS: usize = 160;

/// `path?name=value&…` with everything encoded.
pub(crate) fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in pairs {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// A state as a word with its colour and, for those who do not see colours, its sign.
pub(crate) fn state(name: &str) -> Markup {
    let sign = match name {
        "completed" | "running" | "succeeded" | "active" | "sent" | "finished" => "●",
        "dead" | "failed" | "lost" => "✕",
        "retryable" | "retry" => "↻",
        "scheduled" | "snoozed" => "◷",
        "cancelled" | "discarded" | "stopped" | "paused" => "–",
        _ => "○",
    };
    html! { span class={ "state state-" (name) } { span.sign aria-hidden="true" { (sign) } " " (name) } }
}

/// The beginning of a text, on a whole character.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        format!("{head}…")
    } else {
        head
    }
}

/// A progress bar; `done` of 0 to 1.
pub(crate) fn progress(done: f64, label: &str) -> Markup {
    html! { progress max="1" value=(format!("{done:.4}")) aria-label=(label) { (format!("{:.0} %", done * 100.0)) } }
}

/// A share of a whole, as [`parts_of`] draws it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// What it is.
    pub(crate) name: &'static str,
    /// Its colour, as the styles name it.
    pub(crate) tone: &'static str,
    /// How many of the whole.
    pub(crate) count: i64,
}

/// A bar of shares, one beside the other; what is left of the whole stays empty.
pub(crate) fn parts_of(whole: i64, parts: &[Part]) -> Markup {
    const WIDTH: f64 = 1000.0;
    let scale = WIDTH / whole.max(1) as f64;
    let said: Vec<String> = parts
        .iter()
        .filter(|part| part.count > 0)
        .map(|part| format!("{} {}", count(part.count.unsigned_abs()), part.name))
        .collect();
    let label = format!("{} of {}", said.join(", "), count(whole.unsigned_abs()));
    let mut end = 0.0;
    let shares = parts.iter().filter(|part| part.count > 0).map(|part| {
        let (from, width) = (end, part.count as f64 * scale);
        end += width;
        (part, from, width)
    });
    html! {
        svg.parts viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (part, from, width) in shares {
                rect class={ "tone-" (part.tone) } x=(format!("{from:.1}")) y="0" height="10" width=(format!("{width:.1}")) {
                    title { (count(part.count.unsigned_abs())) " " (part.name) } }
            }
        }
    }
}

/// A JSON value as a tree that folds.
pub(crate) fn tree(value: &Value) -> Markup {
    html! { div.tree { (node(None, value, 0)) } }
}

fn node(name: Option<&str>, value: &Value, level: usize) -> Markup {
    let label = html! { @if let Some(name) = name { span.key { (name) } ": " } };
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return html! { div.leaf { (label) span class={ "json-" (kind_of(value)) } { (value.to_string()) } } };
        }
    };
    let (open, close) = if value.is_array() {
        ("[", "]")
    } else {
        ("{", "}")
    };
    if entries.is_empty() {
        return html! { div.leaf { (label) (open) (close) } };
    }
    html! {
        details open[level < TREE_OPEN_LEVELS] {
            summary { (label) (open) span.muted { " " (entries.len()) " " } (close) }
            @for (name, value) in entries { (node(Some(&name), value, level + 1)) }
        }
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) => "tree",
    }
}

/// Jobs as the rows of a table. With `select`, each can be chosen.
pub(crate) fn job_table(frame: &Frame<'_>, jobs: &[JobSummary], select: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Jobs" {
            table.jobs {
                thead { tr {
                    @if select { th.check { input type="checkbox" data-check-all aria-label="Choose all on this page"; } }
                    th { "State" } th { "Kind" } th { "Queue" } th.n { "Attempt" } th { "When" } th.n { "Took" } th { "Error or note" }
                } }
                tbody {
                    @for job in jobs { (job_row(frame, job, select)) }
                }
            }
        }
    }
}

fn job_row(frame: &Frame<'_>, job: &JobSummary, select: bool) -> Markup {
    let id = job.id.to_string();
    let when = match job.status {
        JobStatus::Running => job.started_at.unwrap_or(job.created_at),
        JobStatus::Available | JobStatus::Scheduled | JobStatus::Retryable => job.run_at,
        JobStatus::Completed | JobStatus::Dead | JobStatus::Cancelled | JobStatus::Discarded => {
            job.finished_at.unwrap_or(job.created_at)
        }
    };
    let took = job
        .started_at
        .map(|from| between(from, job.finished_at.unwrap_or(frame.now)));
    html! {
        tr id=(id) {
            @if select { td.check { input type="checkbox" name="job" value=(id) aria-label={ "Choose " (id) }; } }
            td { (state(job.status.as_str())) @if job.cancel_requested { " " span.muted { "stopping" } } }
            td { a href={ "/jobs/" (id) } { (job.kind) }
                @for tag in &job.tags { " " a.tag href=(link("/jobs", &[("q", &crate::query::term("tag", tag))])) { (tag) } } }
            td.queue { (job.queue) @if let Some(group) = &job.group { span.muted { " · " (group) } } }
            td.n { (job.attempt) span.muted { "/" (job.max_attempts) } }
            td { (moment(when, frame.now)) }
            td.n { @if let Some(took) = took { (took) } }
            td.error {
                @if let Some(done) = job.progress { (progress(f64::from(done), "Progress")) }
                @if let Some(note) = &job.progress_note { span.muted { (note) } }
                @if let Some(error) = &job.last_error { (beginning(error, ERROR_SHOWN_CHARS)) }
            }
        }
    }
}

/// A small line of how much there was, the newest at the right.
pub(crate) fn sparkline(values: &[u64]) -> Markup {
    const WIDTH: f64 = 100.0;
    const HEIGHT: f64 = 20.0;
    let most = values.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = WIDTH / (values.len().max(2) - 1) as f64;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(i, n)| {
            format!(
                "{:.1},{:.1}",
                i as f64 * step,
                HEIGHT - *n as f64 / most * (HEIGHT - 1.0)
            )
        })
        .collect();
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
            polyline points=(points.join(" ")) fill="none" vector-effect="non-scaling-stroke" {}
        }
    }
}

/// What a page shows when there is nothing, and what to do next.
pub(crate) fn nothing(what: &str, next: &Markup) -> Markup {
    html! { div.empty { p { strong { (what) } } p { (next) } } }
}

/// The link to the next page of a list, keeping what else is asked for.
pub(crate) fn more(path: &str, pairs: &[(&str, &str)], cursor: Option<&str>) -> Markup {
    html! {
        @if let Some(cursor) = cursor {
            @let all: Vec<_> = pairs.iter().copied().chain([("cursor", cursor)]).collect();
            p.more { a.button href=(link(path, &all)) rel="next" { "Older ones" } }
        }
    }
}

/// A form that calls the HTTP API: `"POST /api/…"`.
pub(crate) struct Call<'a> {
    /// Method and path.
    pub(crate) api: &'a str,
    /// What its button says.
    pub(crate) label: &'a str,
    /// What is said when it is done.
    pub(crate) done: &'a str,
    /// What is asked before; none to do it at once.
    pub(crate) ask: Option<&'a str>,
    /// The class of the button.
    pub(crate) class: &'a str,
    /// The version it is for.
    pub(crate) version: Option<i64>,
    /// Fields of the body that are given.
    pub(crate) body: Option<Value>,
}

impl<'a> Call<'a> {
    /// A call without a body that is made at once.
    pub(crate) const fn new(api: &'a str, label: &'a str, done: &'a str) -> Self {
        Self {
            api,
            label,
            done,
            ask: None,
            class: "",
            version: None,
            body: None,
        }
    }

    /// Asks before it is done.
    pub(crate) const fn ask(mut self, question: &'a str) -> Self {
        self.ask = Some(question);
        self
    }

    pub(crate) const fn class(mut self, class: &'a str) -> Self {
        self.class = class;
        self
    }

    pub(crate) const fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The form, with `fields` before its button.
    pub(crate) fn with(&self, fields: &Markup) -> Markup {
        html! {
            form.call data-api=(self.api) data-done=(self.done) data-ask=[self.ask] data-version=[self.version]
                data-body=[self.body.as_ref().map(Value::to_string)] {
                (fields)
                button class=(self.class) type="submit" { (self.label) }
                p.refusal role="alert" hidden {}
            }
        }
    }

    /// The form: its button alone.
    pub(crate) fn button(&self) -> Markup {
        self.with(&html! {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let bad = "<script>alert(1)</script>\" onload=\"x";
        let drawn =
            tree(&json!({ bad: [bad, { "a": bad }] })).into_string() + &state(bad).into_string();
        assert!(!drawn.contains("<script>"), "{drawn}");
        assert!(!drawn.contains("\" onload"), "{drawn}");
        assert!(drawn.contains("&lt;script&gt;"), "{drawn}");
    }

    #[test]
    fn links_encode_what_they_carry() {
        assert_eq!(
            link("/jobs", &[("q", "error:\"a & b\"")]),
            "/jobs?q=error%3A%22a+%26+b%22"
        );
        assert_eq!(link("/jobs", &[]), "/jobs");
    }

    #[test]
    fn a_beginning_ends_between_characters() {
        assert_eq!(beginning("äöü", 2), "äö…");
        assert_eq!(beginning("äö", 2), "äö");
    }
}

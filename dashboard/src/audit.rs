//! Who did what.

use maud::{Markup, html};
use shared::audit::Recorded;

use crate::frame::Frame;
use crate::parts::{link, more, nothing, tree};
use crate::words::moment;

/// What the page shows.
#[derive(Debug)]
pub struct AuditPage {
    /// What was done, newest first.
    pub entries: Vec<Recorded>,
    /// The filter as it was asked for: `actor`, `action`, `subject`.
    pub filter: [(&'static str, String); 3],
    /// What is wrong with it.
    pub refusal: Option<String>,
    /// For the next page.
    pub next: Option<String>,
}

/// The page.
pub fn audit(frame: &Frame<'_>, page: &AuditPage) -> Markup {
    let head = html! {
        h1 { "Audit" }
        form.filter action="/audit" {
            @for (name, value) in &page.filter { label.inline { (name) input name=(name) value=(value) maxlength="200"; } }
            button type="submit" { "Find" }
        }
    };
    let asked: Vec<(&str, &str)> = page
        .filter
        .iter()
        .filter(|(_, v)| !v.is_empty())
        .map(|(n, v)| (*n, v.as_str()))
        .collect();
    let live = html! {
        @if let Some(refusal) = &page.refusal { p.refusal role="alert" { (refusal) } }
        @else if page.entries.is_empty() { (nothing("Nothing was recorded.", &html! { a href="/audit" { "Look at everything" } "." })) }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Audit trail" { table {
                thead { tr { th { "When" } th { "Who" } th { "What" } th { "On what" } th { "Why" } th { "Change" } } }
                tbody { @for entry in &page.entries { (row(frame, entry)) } }
            } }
        }
        (more("/audit", &asked, page.next.as_deref()))
    };
    frame.page("Audit", &head, &live)
}

fn row(frame: &Frame<'_>, entry: &Recorded) -> Markup {
    let subject = format!("{}:{}", entry.subject.kind, entry.subject.id);
    html! {
        tr id=(entry.id) {
            td { (moment(entry.at, frame.now)) }
            td { a href=(link("/audit", &[("actor", &entry.actor)])) { (entry.actor) } @if let Some(ip) = &entry.ip { " " span.muted { (ip) } } }
            td { a href=(link("/audit", &[("action", &entry.action)])) { (entry.action) } }
            td { a href=(link("/audit", &[("subject", &subject)])) { (entry.subject.id) } }
            td { @if let Some(reason) = &entry.reason { (reason) } @else if entry.erased { span.muted { "erased" } } }
            td { @if entry.before.is_some() || entry.after.is_some() {
                details { summary { "before and after" }
                    @if let Some(before) = &entry.before { (tree(before)) }
                    @if let Some(after) = &entry.after { (tree(after)) } }
            } }
        }
    }
}

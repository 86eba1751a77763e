//! What is shown instead of a page.

use maud::{DOCTYPE, Markup, html};

use crate::frame::document_head;

/// A page that says what is wrong and where to go.
pub fn problem(title: &str, detail: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (document_head(title, None, None))
            body.door { main #main { h1 { (title) } p { (detail) } p { a href="/" { "To the overview" } " · " a href="/login" { "Log in as somebody else" } } } }
        }
    }
}

//! The page to log in with.

use maud::{DOCTYPE, Markup, html};

use crate::frame::document_head;

/// What the page shows.
#[derive(Debug, Default)]
pub struct LoginPage<'a> {
    /// The address that was tried.
    pub email: &'a str,
    /// Where to go afterwards: a path of ours.
    pub next: &'a str,
    /// Why it was refused.
    pub refusal: Option<&'a str>,
    /// Whether a code of the second factor is wanted.
    pub code_wanted: bool,
}

/// The page. It works without scripts.
pub fn login(page: &LoginPage<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (document_head("Log in", None, None))
            body.door {
                main #main {
                    h1.brand { "CreatorCRM" span { "operations" } }
                    form method="post" action="/login" {
                        input type="hidden" name="next" value=(page.next);
                        @if let Some(refusal) = page.refusal { p.refusal role="alert" { (refusal) } }
                        label { "E-mail" input name="email" type="email" autocomplete="username" required maxlength="320" value=(page.email) autofocus[page.email.is_empty()]; }
                        label { "Password" input name="password" type="password" autocomplete="current-password" required maxlength="128" autofocus[!page.email.is_empty()]; }
                        label { "Code of the second factor" @if !page.code_wanted { span.muted { " (if you have one)" } }
                            input name="code" inputmode="text" autocomplete="one-time-code" maxlength="40" required[page.code_wanted]; }
                        button.main type="submit" { "Log in" }
                    }
                }
            }
        }
    }
}

//! The mailbox page and the page of one message. Everything shown comes from
//! strangers: templates escape it, and HTML mail is shut into a sandbox.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, Error, context};

use crate::mailbox::{Entry, Summary};
use crate::message::content;

/// Escapes by the name's ending, so the names end in `.html`.
const TEMPLATES: [(&str, &str); 3] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("mailbox.html", include_str!("templates/mailbox.html")),
    ("message.html", include_str!("templates/message.html")),
];

static ENVIRONMENT: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
});

/// The list, newest first.
pub(crate) fn mailbox(summary: &Summary, entries: &[Entry]) -> Result<String, Error> {
    let older = entries
        .last()
        .map(|entry| entry.number)
        .filter(|number| *number > 1);
    render(
        "mailbox.html",
        context! { summary => Serde(summary), entries => Serde(entries), older },
    )
}

/// One message; `raw` is `None` when its text is no longer kept.
pub(crate) fn message(entry: &Entry, raw: Option<&[u8]>) -> Result<String, Error> {
    let content = raw.map(content).unwrap_or_default();
    render(
        "message.html",
        context! {
            entry => Serde(entry),
            kept => raw.is_some(),
            headers => content.headers,
            text => content.text,
            html => content.html,
        },
    )
}

fn render(name: &str, values: minijinja::Value) -> Result<String, Error> {
    match &*ENVIRONMENT {
        Ok(environment) => environment.get_template(name)?.render(values),
        Err(error) => Err(Error::new(error.kind(), error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn entry() -> Entry {
        Entry {
            number: 7,
            message_id: Some("<b>@x".into()),
            from: "<i>from</i>@a.example".into(),
            to: vec!["to@b.example".into()],
            subject: "<script>alert(1)</script>".into(),
            received_at: DateTime::UNIX_EPOCH,
            size: 12,
        }
    }

    #[test]
    fn strangers_words_are_escaped_in_the_list() {
        let page = mailbox(&Summary::default(), &[entry()]).unwrap();
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains("<script>") && !page.contains("<i>from"));
    }

    #[test]
    fn html_mail_stays_inside_its_sandbox() {
        let raw = b"Subject: x\r\nX-Odd: <u>\r\nContent-Type: text/html\r\n\r\n\"><script>alert(1)</script>";
        let page = message(&entry(), Some(raw)).unwrap();
        assert!(page.contains("sandbox=\"\""));
        assert!(!page.contains("<script>") && !page.contains("<u>"));
    }

    #[test]
    fn a_message_whose_text_is_gone_says_so() {
        assert!(message(&entry(), None).unwrap().contains("no longer kept"));
    }
}

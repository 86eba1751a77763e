//! The frame around every message: text and HTML from the same words, the footer under both.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::{RenderError, Rendered, Variables};

const HTML: &str = "mail.html";

/// Lines of the layout are ours, so it may loop; values are escaped for HTML wherever they stand.
static LAYOUT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.add_template(HTML, include_str!("mail.html"))
        .expect("the layout is a template; a test renders it");
    env
});

/// The HTML part.
pub(super) fn html(message: &Rendered, variables: &Variables) -> Result<String, RenderError> {
    let page = context! {
        subject => message.subject.as_str(),
        paragraphs => paragraphs(&message.message),
        action => message.action.as_ref().map(|(text, url)| context! { text => text.as_str(), url => url.as_str() }),
        cluster => variables.cluster_name.as_str(),
        unsubscribe_url => variables.unsubscribe_url.as_str(),
        postal_address => variables.postal_address.as_str(),
    };
    let render = || LAYOUT.get_template(HTML)?.render(page);
    render().map_err(|source| RenderError::Template {
        part: "layout",
        source,
    })
}

/// The text part.
pub(super) fn text(message: &Rendered, variables: &Variables) -> String {
    let mut text = message.message.trim_end().to_owned();
    if let Some((label, url)) = &message.action {
        text.push_str(&format!("\n\n{label}: {url}"));
    }
    text.push_str(&format!(
        "\n\n-- \nYou get this mail as a creator on {}.\nStop these mails: {}\n{}\n",
        variables.cluster_name, variables.unsubscribe_url, variables.postal_address,
    ));
    text
}

/// Paragraphs are divided by empty lines; line breaks within them stay.
fn paragraphs(message: &str) -> Vec<Vec<Value>> {
    let lines: Vec<&str> = message.lines().map(str::trim_end).collect();
    let divided = lines
        .split(|line| line.is_empty())
        .filter(|lines| !lines.is_empty());
    divided
        .map(|lines| lines.iter().copied().map(Value::from).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            first_name: "Ada".into(),
            display_name: "Ada".into(),
            username: "ada".into(),
            cluster_name: "Girl<Fanz".into(),
            tier: "rising".into(),
            postal_address: "1 Example Street".into(),
            unsubscribe_url: "https://crm.example/u/x".into(),
            custom: Default::default(),
        }
    }

    fn message() -> Rendered {
        Rendered {
            subject: "A <b>".into(),
            message: "one\ntwo <script>alert(1)</script>\n\n\nthree".into(),
            action: Some(("\"Go\"".into(), "https://fanz.example/?a=1&b=\"2\"".into())),
        }
    }

    #[test]
    fn everything_in_the_html_part_is_escaped_where_it_stands() {
        let html = html(&message(), &variables()).expect("rendered");
        assert!(
            html.contains("<p>one<br>two &lt;script&gt;alert(1)&lt;&#x2f;script&gt;</p>"),
            "{html}"
        );
        assert!(html.contains("<p>three</p>"), "{html}");
        assert!(html.contains("<title>A &lt;b&gt;</title>"), "{html}");
        assert!(
            html.contains("&quot;Go&quot;</a>") && !html.contains("b=\"2\""),
            "{html}"
        );
        assert!(html.contains("creator on Girl&lt;Fanz."), "{html}");
    }

    #[test]
    fn both_parts_carry_the_link_that_stops_the_mails_and_the_postal_address() {
        let text = text(&message(), &variables());
        let html = html(&message(), &variables())
            .expect("rendered")
            .replace("&#x2f;", "/");
        for part in [text, html] {
            assert!(
                part.contains("https://crm.example/u/x") && part.contains("1 Example Street"),
                "{part}"
            );
        }
    }
}

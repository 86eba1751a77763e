//! Reading what a message says about itself.

use mail_parser::{HeaderName, MessageParser, PartType};

/// Longest subject remembered, in characters.
const SUBJECT_MAX: usize = 200;
/// Longest Message-ID remembered, in characters; RFC 5322 lines end at 998.
const MESSAGE_ID_MAX: usize = 998;

/// The headers by which messages are listed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Headline {
    /// Without the angle brackets.
    pub(crate) message_id: Option<String>,
    pub(crate) subject: String,
}

/// A message taken apart for showing.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

/// Reads the two headers that lists need, and no more: every message passes
/// here, most are never looked at.
pub(crate) fn headline(raw: &[u8]) -> Headline {
    let parser = MessageParser::new()
        .header_id(HeaderName::MessageId)
        .header_text(HeaderName::Subject)
        .default_header_ignore();
    let Some(message) = parser.parse_headers(raw) else {
        return Headline::default();
    };
    Headline {
        message_id: message.message_id().map(|id| shortened(id, MESSAGE_ID_MAX)),
        subject: shortened(message.subject().unwrap_or_default(), SUBJECT_MAX),
    }
}

/// Reads the whole message. Of the bodies only what was really sent is shown:
/// the library itself would make text out of HTML and the other way round.
pub(crate) fn content(raw: &[u8]) -> Content {
    let Some(message) = MessageParser::default().parse(raw) else {
        return Content::default();
    };
    Content {
        headers: message
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        text: message.text_bodies().find_map(|part| {
            if let PartType::Text(text) = &part.body {
                Some(text.to_string())
            } else {
                None
            }
        }),
        html: message.html_bodies().find_map(|part| {
            if let PartType::Html(html) = &part.body {
                Some(html.to_string())
            } else {
                None
            }
        }),
    }
}

fn shortened(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] =
        b"Message-ID: <one@sender.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nplain words\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<p>rich words</p>\r\n--b--\r\n";

    #[test]
    fn the_headline_is_decoded() {
        let expected = Headline {
            message_id: Some("one@sender.example".into()),
            subject: "Grüße".into(),
        };
        assert_eq!(headline(RAW), expected);
    }

    #[test]
    fn a_message_without_headers_has_an_empty_headline() {
        assert_eq!(headline(b""), Headline::default());
        assert_eq!(headline(b"just words\r\n").message_id, None);
    }

    #[test]
    fn both_bodies_are_found_and_neither_is_made_up() {
        let both = content(RAW);
        assert_eq!(both.text.as_deref().map(str::trim), Some("plain words"));
        assert_eq!(
            both.html.as_deref().map(str::trim),
            Some("<p>rich words</p>")
        );

        let plain = content(b"Subject: x\r\nContent-Type: text/plain\r\n\r\nonly words\r\n");
        assert_eq!(plain.text.as_deref().map(str::trim), Some("only words"));
        assert_eq!(plain.html, None);
    }
}

//! From a rendered message to the bytes that a mail server gets.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use url::Url;

use super::{RenderError, Rendered, Variables, layout};
use crate::kernel::EmailAddress;
use crate::providers::email::OutgoingMail;

/// Who sends.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The address that mail comes from.
    pub from: EmailAddress,
    /// The name beside it.
    pub from_name: String,
    /// Where the sender can be reached by post; the law wants it in marketing mail.
    pub postal_address: String,
    /// What links in mails begin with.
    pub public_url: Url,
}

/// One marketing mail about to be put together.
#[derive(Debug)]
pub struct MarketingMail<'a, I> {
    /// Names this delivery, for ever: the same row always has the same Message-ID, so that a receiver that gets it twice
    /// can see so.
    pub id: I,
    /// Whom it is for.
    pub to: &'a EmailAddress,
    /// What it says.
    pub message: &'a Rendered,
    /// What the footer needs.
    pub variables: &'a Variables,
    /// When it is sent.
    pub now: DateTime<Utc>,
}

impl Identity {
    /// The Message-ID of a delivery, in angle brackets.
    pub fn message_id(&self, id: impl Display) -> String {
        let domain = self.from.as_str().rsplit('@').next().unwrap_or_default();
        format!("<{id}@{domain}>")
    }

    /// Puts a mail together: text and HTML, and the headers that let a mail program stop the mails.
    ///
    /// `List-Unsubscribe-Post` (RFC 8058) promises that one POST is enough, which mail programs only believe over https;
    /// so it appears only when the public URL is https.
    ///
    /// # Errors
    /// If an address cannot be written in a header or the parts do not make a message.
    pub fn compose<I: Display>(
        &self,
        mail: &MarketingMail<'_, I>,
    ) -> Result<OutgoingMail, RenderError> {
        let html = layout::html(mail.message, mail.variables)?;
        let text = layout::text(mail.message, mail.variables);
        let mut builder = Message::builder()
            .from(Mailbox::new(
                Some(self.from_name.clone()),
                address(&self.from, "the sender's address")?,
            ))
            .to(Mailbox::new(
                None,
                address(mail.to, "the recipient's address")?,
            ))
            .subject(mail.message.subject.as_str())
            .date(mail.now.into())
            .message_id(Some(self.message_id(&mail.id)))
            .raw_header(header(
                "List-Unsubscribe",
                format!("<{}>", mail.variables.unsubscribe_url),
            ));
        if self.public_url.scheme() == "https" {
            builder = builder.raw_header(header(
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click".into(),
            ));
        }
        let message = builder
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(RenderError::Mime)?;
        Ok(OutgoingMail {
            from: self.from.clone(),
            to: mail.to.clone(),
            // headers are encoded words and bodies quoted-printable or base64: all ASCII
            message: String::from_utf8_lossy(&message.formatted()).into_owned(),
        })
    }
}

fn address(email: &EmailAddress, whose: &'static str) -> Result<Address, RenderError> {
    email
        .as_str()
        .parse()
        .map_err(|_| RenderError::Address(whose))
}

/// A header of plain ASCII that must not be folded in the middle: a link.
fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        value.clone(),
        value,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(public_url: &str) -> Identity {
        Identity {
            from: "noreply@crm.example".parse().expect("an address"),
            from_name: "Creator \"CRM\"".into(),
            postal_address: "1 Example Street".into(),
            public_url: public_url.parse().expect("a URL"),
        }
    }

    fn composed(public_url: &str, subject: &str) -> String {
        let variables = Variables {
            first_name: "Ada".into(),
            display_name: "Ada".into(),
            username: "ada".into(),
            cluster_name: "GirlFanz".into(),
            tier: "rising".into(),
            postal_address: "1 Example Street".into(),
            unsubscribe_url: format!("{public_url}/u/{}", "t".repeat(90)),
            custom: Default::default(),
        };
        let message = Rendered {
            subject: subject.into(),
            message: "Grüße 💕\n.\nlast".into(),
            action: None,
        };
        let mail = MarketingMail {
            id: "delivery_1",
            to: &"ada@reader.example".parse().expect("an address"),
            message: &message,
            variables: &variables,
            now: DateTime::UNIX_EPOCH,
        };
        identity(public_url).compose(&mail).expect("a mail").message
    }

    #[test]
    fn the_message_id_is_that_of_the_delivery() {
        assert!(
            composed("https://crm.example", "Hi")
                .contains("Message-ID: <delivery_1@crm.example>\r\n")
        );
    }

    #[test]
    fn the_one_click_header_appears_only_over_https() {
        let link = format!(
            "List-Unsubscribe: <https://crm.example/u/{}>\r\n",
            "t".repeat(90)
        );
        let mail = composed("https://crm.example", "Hi");
        assert!(mail.contains(&link), "{mail}");
        assert!(mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
        let mail = composed("http://localhost:3004", "Hi");
        assert!(
            mail.contains("List-Unsubscribe: <http://localhost:3004/u/")
                && !mail.contains("List-Unsubscribe-Post")
        );
    }

    #[test]
    fn what_is_not_ascii_is_encoded() {
        let mail = composed("https://crm.example", "Wir vermissen dich 💕");
        assert!(mail.is_ascii());
        assert!(
            mail.contains("Subject: Wir vermissen dich =?utf-8?b?"),
            "{mail}"
        );
        assert!(mail.contains("Content-Type: multipart/alternative;"));
    }

    #[test]
    fn no_line_ends_without_its_carriage_return() {
        let mail = composed("https://crm.example", "Hi");
        assert!(
            mail.split("\r\n")
                .all(|line| !line.contains(['\r', '\n']) && line.len() <= 998)
        );
    }
}

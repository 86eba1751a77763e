//! A short mail of plain text, about somebody's own account.

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{Address, Message};
use uuid::Uuid;

use super::OutgoingMail;
use crate::kernel::EmailAddress;

/// What is said to whom.
#[derive(Debug, Clone, Copy)]
pub struct PlainMail<'a> {
    /// Where it comes from, and where bounces go to.
    pub from: &'a EmailAddress,
    /// The name beside that address.
    pub from_name: &'a str,
    /// Whom it is for.
    pub to: &'a EmailAddress,
    /// One line.
    pub subject: &'a str,
    /// The text, lines ended by CR LF.
    pub text: &'a str,
    /// When it is written.
    pub now: DateTime<Utc>,
}

impl PlainMail<'_> {
    /// The message as it leaves; none if it cannot be put together with these values.
    pub fn compose(&self) -> Option<OutgoingMail> {
        let mailbox = |name: Option<String>, address: &EmailAddress| {
            let address: Address = address.as_str().parse().ok()?;
            Some(Mailbox::new(name, address))
        };
        let id = format!("<{}@{}>", Uuid::new_v4(), self.from.domain());
        let message = Message::builder()
            .from(mailbox(Some(self.from_name.to_owned()), self.from)?)
            .to(mailbox(None, self.to)?)
            .subject(self.subject)
            .date(self.now.into())
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .body(self.text.to_owned())
            .ok()?;
        Some(OutgoingMail {
            from: self.from.clone(),
            to: self.to.clone(),
            // headers are encoded words, and lettre encodes a body that is not ASCII
            message: String::from_utf8_lossy(&message.formatted()).into_owned(),
        })
    }
}

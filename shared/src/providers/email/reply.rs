//! What a server's answer means.

use std::error::Error as _;

use lettre::transport::smtp::Error;

use super::Handover;

/// Characters of an answer that are kept.
const REPLY_MAX_CHARS: usize = 300;
/// "Service not available, closing transmission channel": about the session, not about the message.
pub(super) const CLOSING: u16 = 421;

/// A negative answer of the server: its code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) text: String,
}

impl Refusal {
    /// The answer inside an error; none if the server gave none, so that nothing is known.
    pub(super) fn of(error: &Error) -> Option<Self> {
        let code = error.status().map(u16::from)?;
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        Some(Self {
            code,
            text: plain(&text),
        })
    }

    pub(super) fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// What it means for the message that it was given to, once a recipient had been named.
    pub(super) fn about_message(&self) -> Handover {
        if self.code == CLOSING {
            Handover::Unreachable {
                why: self.to_string(),
            }
        } else if self.is_permanent() {
            Handover::Refused {
                reply: self.to_string(),
                dead_mailbox: self.says_dead_mailbox(),
            }
        } else {
            Handover::Deferred {
                reply: self.to_string(),
            }
        }
    }

    /// Whether there is no such mailbox. The enhanced code (RFC 3463) decides where there is one: 5.1.1, 5.1.2, 5.1.3,
    /// 5.1.6, 5.1.10 and 5.2.1 are about the mailbox, while 550 alone is also said to senders who are not trusted.
    fn says_dead_mailbox(&self) -> bool {
        match enhanced_code(&self.text) {
            Some(code) => matches!(
                code,
                "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" | "5.2.1"
            ),
            None => matches!(self.code, 550 | 551 | 553),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// The enhanced status code that the text begins with.
fn enhanced_code(text: &str) -> Option<&str> {
    let word = text.split_whitespace().next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let numeric = parts.iter().all(|part| {
        !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit())
    });
    (parts.len() == 3 && numeric).then_some(word)
}

/// What another program said, made fit for a log and a database: no control characters, not too long.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(REPLY_MAX_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, text: &str) -> Handover {
        Refusal {
            code,
            text: text.to_owned(),
        }
        .about_message()
    }

    #[test]
    fn only_a_word_about_the_mailbox_makes_it_dead() {
        for (code, text, dead) in [
            (550, "5.1.1 no such user", true),
            (550, "no such user", true),
            (550, "5.7.26 this mail is unauthenticated", false),
            (552, "5.2.2 mailbox full", false),
            (554, "refused", false),
            (550, "5.2.1 mailbox disabled", true),
        ] {
            let expected = Handover::Refused {
                reply: format!("{code} {text}"),
                dead_mailbox: dead,
            };
            assert_eq!(refusal(code, text), expected);
        }
    }

    #[test]
    fn a_temporary_answer_defers_and_a_closing_one_is_about_the_server() {
        assert_eq!(
            refusal(451, "4.7.1 later"),
            Handover::Deferred {
                reply: "451 4.7.1 later".into()
            }
        );
        assert_eq!(
            refusal(421, "going down"),
            Handover::Unreachable {
                why: "421 going down".into()
            }
        );
    }

    #[test]
    fn an_answer_is_kept_short_and_on_one_line() {
        assert_eq!(plain("a\r\nb\0c"), "a  b c");
        assert_eq!(plain(&"x".repeat(1000)).len(), REPLY_MAX_CHARS);
    }
}

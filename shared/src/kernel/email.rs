//! E-mail addresses, parsed once at the border.

use std::fmt;
use std::str::FromStr;

/// An address that a mail can be sent to. Trimmed, and its domain in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address; use the form name@domain.example")]
pub struct InvalidEmail;

impl EmailAddress {
    /// The address as it is written into a mail.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form under which two spellings of one mailbox are the same: all in lower case.
    pub fn normalised(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // lettre's grammar (RFC 5321 with UTF-8); it also keeps line breaks out, so no header can be injected.
        let parsed: lettre::Address = text.parse().map_err(|_| InvalidEmail)?;
        if text.len() > 254 || !parsed.domain().contains('.') {
            return Err(InvalidEmail);
        }
        Ok(Self(format!(
            "{}@{}",
            parsed.user(),
            parsed.domain().to_lowercase()
        )))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_are_the_same() {
        let a: EmailAddress = " Ada@Example.COM ".parse().expect("an address");
        let b: EmailAddress = "ada@example.com".parse().expect("an address");
        assert_eq!(a.normalised(), b.normalised());
    }

    #[test]
    fn line_breaks_and_missing_parts_are_refused() {
        for text in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@localhost",
            "ada@example.com\r\nBcc: x@example.com",
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(InvalidEmail), "{text:?}");
        }
    }
}

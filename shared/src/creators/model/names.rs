//! Names, numbers and handles, parsed at the border.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::kernel::FieldError;

/// Characters in a display, first or legal name, or an alias, at the most.
pub const NAME_MAX_CHARS: usize = 100;
/// Aliases of a creator at the most.
pub const ALIASES_MAX: usize = 20;
/// Platforms that a creator has handles on at the most.
pub const HANDLES_MAX: usize = 20;
/// Characters in a handle or a platform's name at the most.
const HANDLE_MAX_CHARS: usize = 60;

/// A name on a cluster: 3 to 30 letters, digits, dots, dashes or underscores of ASCII, so that no two look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// Names under which somebody would be taken for the platform itself. Dots, dashes and underscores in between, and digits
/// at the end, do not make them anything else.
const RESERVED: [&str; 24] = [
    "abuse",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "billing",
    "compliance",
    "creatorcrm",
    "erased",
    "help",
    "info",
    "legal",
    "moderator",
    "noreply",
    "null",
    "official",
    "postmaster",
    "root",
    "security",
    "staff",
    "support",
    "system",
    "team",
    "webmaster",
];

/// The text is no username.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsername {
    /// It is not written as one.
    #[error(
        "use 3 to 30 letters (a-z), digits, dots, dashes or underscores, beginning with a letter or digit"
    )]
    Form,
    /// It is kept for the platform.
    #[error("this name is kept for the platform; take another one")]
    Reserved,
}

/// Whether somebody with this name would be taken for the platform.
fn is_reserved(name: &str) -> bool {
    let letters: String = name
        .chars()
        .filter(|c| !matches!(c, '.' | '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    RESERVED.contains(&letters.trim_end_matches(|c: char| c.is_ascii_digit()))
}

impl Username {
    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which two spellings are the same name.
    pub fn normalised(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Username {
    type Err = InvalidUsername;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let begins_well = text
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric());
        if !(3..=30).contains(&text.len()) || !begins_well || !text.chars().all(allowed) {
            return Err(InvalidUsername::Form);
        }
        if is_reserved(text) {
            return Err(InvalidUsername::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A telephone number in E.164 form: `+` and 7 to 15 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

/// The text is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use the international form: + and 7 to 15 digits, such as +15550100123")]
pub struct InvalidPhone;

impl Phone {
    /// The number, `+` first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = InvalidPhone;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // people write spaces, dashes, dots and brackets between the digits
        let plain: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
            .collect();
        let digits = plain.strip_prefix('+').ok_or(InvalidPhone)?;
        let numeric = digits.bytes().all(|b| b.is_ascii_digit());
        if numeric && (7..=15).contains(&digits.len()) && !digits.starts_with('0') {
            Ok(Self(plain))
        } else {
            Err(InvalidPhone)
        }
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` can be a name: 1 to [`NAME_MAX_CHARS`] characters, without line breaks, which would end a mail's header.
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= NAME_MAX_CHARS
        && !text.chars().any(char::is_control)
}

/// Notes `name` as wrong unless it is absent or a name.
pub(crate) fn check_name(field: &'static str, name: Option<&str>, wrong: &mut Vec<FieldError>) {
    if name.is_some_and(|name| !is_name(name)) {
        wrong.push(FieldError::new(
            field,
            "use 1 to 100 characters, without line breaks or control characters",
        ));
    }
}

/// Notes aliases that are no names, or too many.
pub(crate) fn check_aliases(aliases: &[String], wrong: &mut Vec<FieldError>) {
    if aliases.len() > ALIASES_MAX {
        wrong.push(FieldError::new(
            "/aliases",
            format!("at most {ALIASES_MAX} aliases"),
        ));
    }
    let names = aliases
        .iter()
        .enumerate()
        .filter(|(_, name)| !is_name(name));
    wrong.extend(names.map(|(at, _)| {
        FieldError::new(
            format!("/aliases/{at}"),
            "use 1 to 100 characters, without line breaks or control characters",
        )
    }));
}

/// Notes handles that cannot be any, or too many. A platform is written in small letters and digits.
pub(crate) fn check_handles(handles: &BTreeMap<String, String>, wrong: &mut Vec<FieldError>) {
    if handles.len() > HANDLES_MAX {
        wrong.push(FieldError::new(
            "/handles",
            format!("at most {HANDLES_MAX} platforms"),
        ));
    }
    let is_platform = |name: &str| {
        (1..=HANDLE_MAX_CHARS).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_'))
    };
    let is_handle = |name: &str| {
        (1..=HANDLE_MAX_CHARS).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    for (platform, handle) in handles {
        if !is_platform(platform) {
            wrong.push(FieldError::new(
                "/handles",
                "write platforms in 1 to 60 small letters, digits, dots or underscores",
            ));
        } else if !is_handle(handle) {
            wrong.push(FieldError::new(
                format!("/handles/{platform}"),
                "use 1 to 60 characters without spaces",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_one_or_refused() {
        let name: Username = "Test.Creator".parse().expect("a username");
        assert_eq!(name.normalised(), "test.creator");
        for wrong in ["ab", "-abc", "tëst", "a b c", "x\r\ny", &"a".repeat(31)] {
            let refused = Err(InvalidUsername::Form);
            assert_eq!(wrong.parse::<Username>(), refused, "{wrong:?}");
        }
    }

    #[test]
    fn nobody_is_called_as_the_platform_is() {
        for wrong in [
            "admin",
            "Support",
            "s.u.p.p.o.r.t",
            "moderator_7",
            "CREATOR-CRM",
        ] {
            let refused = Err(InvalidUsername::Reserved);
            assert_eq!(wrong.parse::<Username>(), refused, "{wrong:?}");
        }
        for right in ["admina", "supporter", "4711", "ada.legal.eve"] {
            assert!(right.parse::<Username>().is_ok(), "{right:?}");
        }
    }

    #[test]
    fn a_number_is_kept_in_its_international_form() {
        assert_eq!(
            "+1 (555) 010-0123"
                .parse::<Phone>()
                .expect("a number")
                .as_str(),
            "+15550100123"
        );
        for wrong in [
            "5550100",
            "+0123456789",
            "+12",
            "+1555010012345678",
            "+1555x",
        ] {
            assert_eq!(wrong.parse::<Phone>(), Err(InvalidPhone), "{wrong:?}");
        }
    }

    #[test]
    fn a_handle_is_one_word_on_a_platform_in_small_letters() {
        let wrong = |platform: &str, handle: &str| {
            let mut wrong = Vec::new();
            check_handles(
                &[(platform.to_owned(), handle.to_owned())].into(),
                &mut wrong,
            );
            wrong.len()
        };
        assert_eq!(wrong("instagram", "@ada"), 0);
        assert_eq!(wrong("Insta gram", "ada"), 1);
        assert_eq!(wrong("instagram", "a da"), 1);
        assert_eq!(wrong("instagram", ""), 1);
    }
}

//! Fields of fixed width.

use sepa::{Transliteration, transliterate};

/// Digits, with zeros before them.
///
/// # Errors
/// If there are more of them than the field is wide.
pub(super) fn number(value: u64, width: usize) -> Result<String, String> {
    let text = format!("{value:0width$}");
    if text.len() > width {
        return Err(format!("{value} has more than {width} digits"));
    }
    Ok(text)
}

/// Capital letters, digits and signs of ASCII, with blanks after them. Letters with marks lose these; what has no letter
/// near it cannot be written.
///
/// # Errors
/// If the text is empty, too long, or of other letters. Nothing is cut.
pub(super) fn text(name: &str, value: &str, width: usize) -> Result<String, String> {
    let plain = if value.is_ascii() {
        value.into()
    } else {
        transliterate(value.trim(), Transliteration::Epc)
    };
    let plain = plain.trim().to_ascii_uppercase();
    if value.contains(char::is_alphabetic) && !plain.contains(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("the {name} has no letters that can be written"));
    }
    padded(name, &plain, width)
}

/// A text as it is, such as an account number, with blanks after it.
///
/// # Errors
/// As [`text`], and if it is not of printable ASCII.
pub(super) fn padded(name: &str, value: &str, width: usize) -> Result<String, String> {
    let chars = value.chars().count();
    if chars == 0 || chars > width {
        return Err(format!(
            "the {name} has {chars} characters; 1 to {width} fit"
        ));
    }
    if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(format!("the {name} has characters that cannot be written"));
    }
    Ok(format!("{value:<width$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_as_wide_as_they_are_and_nothing_is_cut() {
        assert_eq!(number(42, 5), Ok("00042".into()));
        assert!(number(100_000, 5).is_err());
        assert_eq!(text("name", "Zoë Ä.", 8), Ok("ZOE A.  ".into()));
        assert!(text("name", "123456789", 8).is_err());
        assert!(text("name", "", 8).is_err());
        assert!(text("name", "山田", 8).is_err());
        assert!(padded("account", "12\n34", 8).is_err());
    }
}

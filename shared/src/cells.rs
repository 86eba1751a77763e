//! How values stand in the cells of CSV files, so that what was exported is imported as it was.
//!
//! Programs that open CSV files take a cell that begins with certain characters for a formula, and run it (OWASP, "CSV
//! Injection"). Such a cell gets an apostrophe before it when it is written, and loses it when it is read.

/// What a formula may begin with, in any program that reads CSV; the last four are the wide forms of the first four.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// What makes a program take a cell for text.
const GUARD: char = '\'';
/// What stands between the items of a list.
const SEPARATOR: char = ';';
/// Takes its meaning from the separator, and from itself.
const ESCAPE: char = '\\';

/// A text as it can be written into a cell.
pub fn guarded(text: &str) -> String {
    if needs_guard(text) {
        format!("{GUARD}{text}")
    } else {
        text.to_owned()
    }
}

/// The text of a cell; [`guarded`] undone, and what nobody guarded as it is.
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix(GUARD) {
        Some(text) if needs_guard(text) => text,
        Some(_) | None => cell,
    }
}

/// Whether a text could be taken for a formula, or for a guarded one.
fn needs_guard(text: &str) -> bool {
    text.starts_with(|first| first == GUARD || FORMULA.contains(&first))
}

/// Several texts as one: `a; b`. A separator within one of them is escaped.
pub fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str("; ");
        }
        for c in item.chars() {
            if matches!(c, SEPARATOR | ESCAPE) {
                text.push(ESCAPE);
            }
            text.push(c);
        }
    }
    text
}

/// The items of a list, without the spaces around them; empty ones are left out.
pub fn items(text: &str) -> Vec<String> {
    let (mut all, mut item, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            c if escaped => {
                item.push(c);
                escaped = false;
            }
            ESCAPE => escaped = true,
            SEPARATOR => all.push(std::mem::take(&mut item)),
            c => item.push(c),
        }
    }
    all.push(item);
    all.iter()
        .map(|item| item.trim())
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_program_takes_a_guarded_cell_for_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1"] {
            assert_eq!(guarded(text), format!("'{text}"), "{text:?}");
        }
        for text in ["ada", "", "1-1", "O'Neil", " =1"] {
            assert_eq!(guarded(text), text, "{text:?}");
        }
    }

    #[test]
    fn what_nobody_guarded_is_read_as_it_is() {
        for cell in ["+15550100123", "'t Hooft", "=x", "'"] {
            assert_eq!(unguarded(cell), cell);
        }
        assert_eq!(unguarded("'+15550100123"), "+15550100123");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(text in "['=+@\\-\t]{0,3}.{0,20}") {
            let cell = guarded(&text);
            prop_assert_eq!(unguarded(&cell), text);
        }

        #[test]
        fn every_list_comes_back_as_it_was(texts in prop::collection::vec("[a-z;\\\\]{1,4}", 0..5)) {
            let text = list(texts.iter().map(String::as_str));
            prop_assert_eq!(items(&text), texts);
        }
    }
}

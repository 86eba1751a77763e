//! Gathers what is wrong with a body, so that the caller is told everything at once.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use shared::kernel::FieldError;

use crate::error::{Problem, Result};

/// The wrong fields of one body.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes that the field at a JSON pointer is wrong.
    pub fn wrong(
        &mut self,
        pointer: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(FieldError::new(pointer, message));
    }

    /// Notes a part of the specification that is not built yet, if the body uses it.
    pub fn not_built_yet(&mut self, pointer: &'static str, used: bool) {
        if used {
            self.wrong(pointer, "this is not built yet; leave it out");
        }
    }

    /// The text as a `T`; none, and a note, if it is not one.
    pub fn parsed<T: FromStr>(
        &mut self,
        pointer: impl Into<Cow<'static, str>>,
        text: &str,
    ) -> Option<T>
    where
        T::Err: Display,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(pointer, error.to_string());
                None
            }
        }
    }

    /// As [`Fields::parsed`], for a field that may be left out.
    pub fn parsed_if<T: FromStr>(&mut self, pointer: &'static str, text: Option<&str>) -> Option<T>
    where
        T::Err: Display,
    {
        text.and_then(|text| self.parsed(pointer, text))
    }

    /// Each text of a list as a `T`.
    pub fn parsed_all<T: FromStr>(&mut self, pointer: &str, texts: &[String]) -> Vec<T>
    where
        T::Err: Display,
    {
        let items = texts.iter().enumerate();
        items
            .filter_map(|(at, text)| self.parsed(format!("{pointer}/{at}"), text))
            .collect()
    }

    /// Notes a text that is empty, too long, or contains control characters.
    pub fn text(&mut self, pointer: impl Into<Cow<'static, str>>, text: &str, max_chars: usize) {
        let fits = !text.trim().is_empty() && text.chars().count() <= max_chars;
        if !fits || text.chars().any(char::is_control) {
            self.wrong(
                pointer,
                format!("use 1 to {max_chars} characters, without line breaks"),
            );
        }
    }

    /// Adds what somebody else found.
    pub fn extend(&mut self, errors: Vec<FieldError>) {
        self.0.extend(errors);
    }

    /// # Errors
    /// 422 with every note, if there is any.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }
}

//! Reads variables one by one and gathers what is wrong with them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

/// One variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The variable.
    pub variable: Cow<'static, str>,
    /// What is wrong with it, and the remedy.
    pub message: Cow<'static, str>,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for ConfigProblem { variable, message } in &self.0 {
            write!(f, "\n  {variable} {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblems {}

/// Reads variables; what is wrong is gathered until [`Reader::finish`].
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<ConfigProblem>,
    /// Whether the variables that matter have no default.
    pub(super) strict: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
            strict: false,
        }
    }

    /// The value, if it is set to anything.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Notes a problem.
    pub(super) fn note(&mut self, variable: &'static str, message: impl Into<Cow<'static, str>>) {
        self.problems.push(ConfigProblem {
            variable: variable.into(),
            message: message.into(),
        });
    }

    /// Notes a problem and answers none, for the value that there is not.
    pub(super) fn refuse<T>(
        &mut self,
        variable: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.note(variable, message);
        None
    }

    /// The value, or `default`; in strict mode there is no default.
    pub(super) fn required(
        &mut self,
        name: &'static str,
        default: &str,
        remedy: &str,
    ) -> Option<String> {
        match self.get(name) {
            Some(value) => Some(value),
            None if self.strict => self.refuse(name, format!("is not set: {remedy}")),
            None => Some(default.to_owned()),
        }
    }

    /// The value as a `T`, or `default`.
    pub(super) fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        default: &str,
        wanted: &str,
    ) -> Option<T> {
        let text = self.get(name).unwrap_or_else(|| default.to_owned());
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.refuse(name, format!("`{text}` is not {wanted}")),
        }
    }

    /// A whole number in `range`; `default` when unset or wrong.
    pub(super) fn number<N>(
        &mut self,
        name: &'static str,
        default: N,
        range: RangeInclusive<N>,
    ) -> N
    where
        N: FromStr + PartialOrd + Copy + fmt::Display,
    {
        let Some(text) = self.get(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            Ok(_) | Err(_) => {
                let (low, high) = (range.start(), range.end());
                self.note(
                    name,
                    format!("`{text}` is not a whole number from {low} to {high}"),
                );
                default
            }
        }
    }

    /// `true` or `false`; `default` when unset or wrong.
    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        match self.get(name).as_deref() {
            None => default,
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            Some(text) => {
                self.note(name, format!("`{text}` is neither true nor false"));
                default
            }
        }
    }

    /// # Errors
    /// With the problems, if there are any.
    pub(super) fn finish(self) -> Result<(), ConfigProblems> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigProblems(self.problems))
        }
    }
}

/// The values of a file in the form of `.env`; none if there is no such file.
///
/// # Errors
/// If it cannot be read or a line is not of that form.
pub(super) fn dotenv_values(path: &Path) -> Result<HashMap<String, String>, ConfigProblems> {
    let problem = |error: dotenvy::Error| {
        let message = format!("cannot be read: {error}");
        ConfigProblems(vec![ConfigProblem {
            variable: path.display().to_string().into(),
            message: message.into(),
        }])
    };
    match dotenvy::from_path_iter(path) {
        Ok(lines) => lines.collect::<Result<_, _>>().map_err(problem),
        Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(HashMap::new())
        }
        Err(error) => Err(problem(error)),
    }
}

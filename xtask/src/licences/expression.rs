//! SPDX licence expressions, as far as packages use them: `AND`, `OR`,
//! parentheses, `WITH`, and the old `/` for `OR`.

/// Whether `expression` can be satisfied with licences of `allowed` alone; a
/// text that is no expression cannot.
pub(super) fn allows(allowed: &[String], expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut parser = Parser {
        words: spaced.split_whitespace().peekable(),
        allowed,
    };
    // Everything has to be read: a tail would go unchecked.
    parser
        .any()
        .is_some_and(|satisfied| satisfied && parser.words.next().is_none())
}

struct Parser<'a, I: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<I>,
    allowed: &'a [String],
}

impl<'a, I: Iterator<Item = &'a str>> Parser<'a, I> {
    fn any(&mut self) -> Option<bool> {
        let mut satisfied = self.all()?;
        while self.words.next_if_eq(&"OR").is_some() {
            satisfied |= self.all()?;
        }
        Some(satisfied)
    }

    fn all(&mut self) -> Option<bool> {
        let mut satisfied = self.one()?;
        while self.words.next_if_eq(&"AND").is_some() {
            satisfied &= self.one()?;
        }
        Some(satisfied)
    }

    fn one(&mut self) -> Option<bool> {
        let word = self.words.next()?;
        if word == "(" {
            let satisfied = self.any()?;
            return self.words.next_if_eq(&")").map(|_| satisfied);
        }
        let licence = if self.words.next_if_eq(&"WITH").is_some() {
            format!("{word} WITH {}", self.words.next()?)
        } else {
            word.to_owned()
        };
        Some(self.allowed.contains(&licence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(allowed: &[&str], expression: &str) -> bool {
        let allowed: Vec<String> = allowed.iter().map(|&licence| licence.to_owned()).collect();
        allows(&allowed, expression)
    }

    #[test]
    fn one_of_several_is_enough_for_or_and_all_are_needed_for_and() {
        assert!(with(&["MIT"], "GPL-2.0-only OR MIT"));
        assert!(with(&["MIT"], "MIT/Apache-2.0"));
        assert!(!with(&["MIT"], "MIT AND GPL-2.0-only"));
        assert!(with(
            &["MIT", "Unicode-3.0"],
            "(MIT OR Apache-2.0) AND Unicode-3.0"
        ));
        assert!(!with(
            &["Unicode-3.0"],
            "(MIT OR Apache-2.0) AND Unicode-3.0"
        ));
    }

    #[test]
    fn an_exception_is_a_licence_of_its_own() {
        assert!(!with(&["Apache-2.0"], "Apache-2.0 WITH LLVM-exception"));
        assert!(with(
            &["Apache-2.0 WITH LLVM-exception"],
            "Apache-2.0 WITH LLVM-exception"
        ));
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in ["", "MIT OR", "(MIT", "MIT MIT", "MIT )", "MIT WITH"] {
            assert!(!with(&["MIT"], expression), "{expression}");
        }
    }
}

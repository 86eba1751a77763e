//! Closed sets of words, written the same on the wire and in the database.

/// Declares an enum of wire words: parse, print, serde, schema.
///
/// `words!(/** doc */ Tier { /** doc */ Newcomer => "newcomer", … } unknown: "tier");`
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(unreachable_pub, reason = "as visible as the module it is declared in")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        #[allow(unreachable_pub, reason = "as visible as the module it is declared in")]
        impl $name {
            /// Every word there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::kernel::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| $crate::kernel::UnknownWord {
                    given: text.chars().take(40).collect(),
                    known: &[$($word),+],
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub use words;

/// The text is none of the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What was given, cut short.
    pub given: String,
    /// What would have been right.
    pub known: &'static [&'static str],
}

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` is not known; use one of: {}",
            self.given,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownWord {}

/// Reads a word, or anything else with a text form, that the database holds.
///
/// # Errors
/// If the database holds something that this version does not know.
pub fn stored<T>(column: &'static str, text: &str) -> sqlx::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error: T::Err| sqlx::Error::ColumnDecode {
            index: column.into(),
            source: Box::new(error),
        })
}

#[cfg(test)]
mod tests {
    words!(
        /// Words for these tests.
        Colour {
            /// Red.
            Red => "red",
            /// Dark blue.
            DarkBlue => "dark_blue",
        }
    );

    #[test]
    fn every_word_is_known_by_its_text() {
        for colour in Colour::ALL {
            assert_eq!(colour.as_str().parse(), Ok(*colour));
        }
    }

    #[test]
    fn an_unknown_word_is_told_the_known_ones() {
        let error = "green".parse::<Colour>().expect_err("no such colour");
        assert_eq!(
            error.to_string(),
            "`green` is not known; use one of: red, dark_blue"
        );
    }
}

//! Ids with names: a `CreatorId` cannot be handed where a `CampaignId` is wanted.
//!
//! On the wire an id is its prefix, an underscore and 32 hexadecimal digits (`creator_0192f…`); in the database it is
//! the bare UUID. New ids are UUIDv7, so they sort by the time they were made and index inserts stay at the right edge.

use thiserror::Error;

/// Why a text is not an id of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected an id such as `{prefix}_` followed by 32 hexadecimal digits")]
pub struct ParseIdError {
    /// The prefix that was wanted, without the underscore.
    pub prefix: &'static str,
}

/// What all typed ids have in common.
pub trait TypedId: Copy {
    /// The word before the underscore on the wire.
    const PREFIX: &'static str;
    /// The bare UUID, as the database stores it.
    fn uuid(self) -> uuid::Uuid;
}

/// Declares an id type: `typed_id!(/** doc */ CreatorId, "creator");`
#[macro_export]
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A fresh id, greater than every id this process made before.
            #[allow(clippy::new_without_default, reason = "a default id would be a different one each time")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl $crate::kernel::TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::kernel::ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| rest.len() == 32)
                    .and_then(|rest| uuid::Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or($crate::kernel::ParseIdError { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-9a-f]{32}$"),
                })
            }
        }
    };
}
pub use typed_id;

#[cfg(test)]
mod tests {
    typed_id!(
        /// An id for these tests.
        ThingId,
        "thing"
    );

    #[test]
    fn an_id_survives_its_own_text() {
        let id = ThingId::new();
        assert_eq!(id.to_string().parse::<ThingId>(), Ok(id));
    }

    #[test]
    fn another_types_id_is_refused() {
        let text = ThingId::new().to_string().replace("thing", "other");
        assert!(text.parse::<ThingId>().is_err());
    }

    #[test]
    fn ids_made_later_sort_later() {
        let (a, b) = (ThingId::new(), ThingId::new());
        assert!(a < b);
    }
}

//! Keyset paging: a page ends with a cursor that names the last row seen, so that deep pages cost no more than the first.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Rows a page has when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;
/// Rows a page has at the most.
pub const PAGE_LIMIT_MAX: u32 = 200;

/// An opaque place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

/// The cursor was not made by the same list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this cursor does not belong to this list; take it unchanged from `nextCursor` of the page before"
)]
pub struct InvalidCursor;

impl Cursor {
    /// A cursor for a row's sort key.
    ///
    /// # Panics
    /// If `key` cannot be written as JSON, which holds for no plain struct or tuple.
    pub fn encode(key: &impl Serialize) -> Self {
        let json = serde_json::to_vec(key).expect("a sort key is plain data");
        Self(URL_SAFE_NO_PAD.encode(json))
    }

    /// The sort key inside.
    ///
    /// # Errors
    /// If this is not a cursor for a key of type `K`.
    pub fn decode<K: DeserializeOwned>(&self) -> Result<K, InvalidCursor> {
        let json = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| InvalidCursor)?;
        serde_json::from_slice(&json).map_err(|_| InvalidCursor)
    }

    /// The text that goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Rows wanted on a page: from 1 to [`PAGE_LIMIT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct PageLimit(u32);

/// The number is no limit of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to {PAGE_LIMIT_MAX}")]
pub struct InvalidPageLimit;

impl TryFrom<u32> for PageLimit {
    type Error = InvalidPageLimit;
    fn try_from(rows: u32) -> Result<Self, Self::Error> {
        if (1..=PAGE_LIMIT_MAX).contains(&rows) {
            Ok(Self(rows))
        } else {
            Err(InvalidPageLimit)
        }
    }
}

impl FromStr for PageLimit {
    type Err = InvalidPageLimit;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rows: u32 = text.parse().map_err(|_| InvalidPageLimit)?;
        rows.try_into()
    }
}

/// Which page is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Where the page before ended; none for the first.
    pub cursor: Option<Cursor>,
    /// Rows wanted; none for [`PAGE_LIMIT_DEFAULT`].
    pub limit: Option<PageLimit>,
}

impl PageRequest {
    /// Rows to return.
    pub fn limit(&self) -> i64 {
        i64::from(self.limit.map_or(PAGE_LIMIT_DEFAULT, |limit| limit.0))
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, in order.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page out of `limit + 1` rows or fewer: the extra row only tells that there is a next page.
    pub fn of<K: Serialize>(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| Cursor::encode(&key(row)));
        Self { items: rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_wire() {
        let cursor = Cursor::encode(&(3, "x"));
        assert_eq!(
            Cursor::from(cursor.as_str().to_owned()).decode::<(i32, String)>(),
            Ok((3, "x".to_owned()))
        );
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        assert_eq!(
            Cursor::from("%%%".to_owned()).decode::<i32>(),
            Err(InvalidCursor)
        );
        assert_eq!(Cursor::encode(&"text").decode::<i32>(), Err(InvalidCursor));
    }

    #[test]
    fn the_extra_row_becomes_a_cursor_and_is_not_shown() {
        let page = Page::of(vec![1, 2, 3], 2, |n| *n);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next.map(|c| c.decode::<i32>()), Some(Ok(2)));
        assert!(Page::of(vec![1, 2], 2, |n| *n).next.is_none());
    }
}

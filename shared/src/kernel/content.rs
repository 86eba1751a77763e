//! Versions of what has no counter: a number that follows from the content.

use sha2::{Digest, Sha256};

/// A number that another content would not have.
pub fn content_version<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        // with its length, so that two lists of parts never read as one
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    // without the sign, as versions are written
    i64::from_be_bytes(first) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_has_another_version() {
        let of = |parts: &[&str]| content_version(parts);
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        for other in [&["ab"][..], &["b", "a"], &["a", "b", ""], &[]] {
            assert_ne!(of(&["a", "b"]), of(other), "{other:?}");
        }
        assert!(of(&["a"]) >= 0);
    }
}

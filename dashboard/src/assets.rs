//! Styles and scripts, embedded in the program.
//!
//! Their addresses carry a digest of what they hold, so a browser may keep them for ever and never shows an old one.

/// A file that pages load.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its name under `/assets/`, with the digest.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub content: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file of that name, if there is one.
pub fn find(name: &str) -> Option<Asset> {
    [Some(STYLES), SCRIPTS]
        .into_iter()
        .flatten()
        .find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_styles_are_found_by_their_name_only() {
        assert!(find(STYLES.name).is_some_and(|asset| !asset.content.is_empty()));
        assert!(find("app.css").is_none());
        assert!(find("../Cargo.toml").is_none());
    }
}

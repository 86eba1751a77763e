//! Embeds the styles, and the scripts if they were bundled (`cargo xtask build` does, given Node).

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let styles = embed(
        &root.join("styles/app.css"),
        "css",
        "text/css; charset=utf-8",
    )?;
    let bundle = root.join("dist/app.js");
    // the folder, not the file: a file that is not there would count as changed with every build
    println!("cargo::rerun-if-changed={}", root.join("dist").display());
    let scripts = if bundle.exists() {
        let asset = embed(&bundle, "js", "text/javascript; charset=utf-8")?;
        format!("Some({asset})")
    } else {
        "None".to_owned()
    };
    let text = format!(
        "/// The styles.\npub const STYLES: Asset = {styles};\n\
         /// The scripts; none if they were not bundled when this was built.\npub const SCRIPTS: Option<Asset> = {scripts};\n"
    );
    fs::write(out.join("assets.rs"), text)
}

/// An `Asset` as Rust text.
fn embed(path: &Path, extension: &str, media_type: &str) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", path.display());
    let digest = hex::encode(Sha256::digest(fs::read(path)?));
    let name = format!("app-{}.{extension}", &digest[..16]);
    Ok(format!(
        "Asset {{ name: {name:?}, media_type: {media_type:?}, content: include_bytes!({path:?}) }}"
    ))
}

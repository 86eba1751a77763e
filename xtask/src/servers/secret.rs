//! Random secrets for private servers.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

/// `bytes` random bytes from the operating system, as lower-case hex.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn secret_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("cannot read /dev/urandom")?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

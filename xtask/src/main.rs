//! `cargo xtask`: runs, checks and measures the project.

fn main() {}

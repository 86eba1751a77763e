//! One file for each command that is more than a line.

pub(crate) mod browser;
pub(crate) mod database;
pub(crate) mod demo;
pub(crate) mod fuzz;
pub(crate) mod lab;
pub(crate) mod payment_files;
pub(crate) mod test;
pub(crate) mod up;

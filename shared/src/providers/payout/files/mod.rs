//! Files with many payments, and the files that tell what became of them.
//!
//! What cannot be in a file is refused before any of the file exists, naming the payment. Nothing of an amount, a name or
//! an account is ever cut to make it fit.

pub mod cheque;
pub mod nacha;
pub mod sepa;
pub mod statement;

use thiserror::Error;

/// Payments in one file at the most: files are made and read in one piece, and stay within tens of megabytes.
pub const FILE_PAYMENTS_MAX: usize = 25_000;

/// Why a file cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// There is nothing to put in it.
    #[error("a file has at least one payment")]
    Empty,
    /// There is too much.
    #[error("a file has at most {FILE_PAYMENTS_MAX} payments: make several")]
    TooMany,
    /// What all of it shares cannot be written.
    #[error("the file cannot be made: {0}")]
    Whole(String),
    /// One payment cannot be written.
    #[error("payment {at} cannot be in this file: {why}")]
    Payment {
        /// Which, counted from 0.
        at: usize,
        /// What is wrong with it, without saying whose it is.
        why: String,
    },
}

/// # Errors
/// If there are none or too many.
fn counted<T>(payments: &[T]) -> Result<(), FileError> {
    match payments.len() {
        0 => Err(FileError::Empty),
        1..=FILE_PAYMENTS_MAX => Ok(()),
        _ => Err(FileError::TooMany),
    }
}

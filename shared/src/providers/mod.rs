//! The outside world: for each foreign service a small trait, a real client and a fake, and one contract suite that both pass.

pub mod email;
pub mod fx;
pub mod http;
pub mod payout;

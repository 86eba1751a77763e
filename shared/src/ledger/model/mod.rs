//! Accounts, transfers and balances; pure.

mod account;
mod balance;
mod movement;
mod transfer;

pub use account::{Account, AccountCode, HOT_SHARDS};
pub use balance::Balance;
pub(super) use balance::{Move, Purse};
pub use movement::{Funds, Movement, Movements};
pub use transfer::{
    ID_AGE_MAX_DAYS, LEGS_MAX, Leg, NewTransfer, Outcome, Side, Step, TransferId, TransferKind,
};

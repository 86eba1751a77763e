//! Compliance: what has to hold before something is done with a creator.
//!
//! Promises: whoever may be paid is told from facts that are recorded and hold today, all that keeps somebody from it is
//! named at once, and what is not known keeps from it, too. Owns: nothing. Emits: nothing. Calls: `verification`,
//! `creators`, by the views that they own.
//!
//! The rules that there are: the creator is active, nothing stands against paying them, the age of their person is
//! proven, and so is the identity. Rules that are not built are not here, and nobody may take them for passed: no
//! sanctions list is asked, no record after 18 U.S.C. 2257 is looked for, and neither training nor violations count.

mod error;
mod model;
mod pay;
mod store;
#[cfg(test)]
mod tests;

pub use error::{ComplianceError, NotPayable};
pub use model::{PayBlock, PayFacts, Reason, reasons};
pub use pay::{PAYABLE_MAX, ensure_payable, payability, payable_many};

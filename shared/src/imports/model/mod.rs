//! What imports are; pure.

mod import;
mod row;
mod target;

pub use import::{
    Counts, Existing, Import, ImportId, ImportState, MatchBy, NewStart, Settings, UNDO_DAYS,
};
pub(super) use row::{Plan, Problem, Row, custom};
pub use target::{Target, suggested};

//! The SQL of imports, a file a subject.

mod imports;
mod rows;

pub(super) use imports::{
    Checkpoint, NewImport, advance, begin, begin_undo, end, find, insert, list, lock, purge,
    set_report,
};
pub(super) use rows::{
    DoneRow, add_rows, archived_by_undo, claim, forget, note_undone, rows_behind, touched,
    wrote_something,
};

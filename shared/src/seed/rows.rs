//! Rows in the text format of `COPY`, gathered table by table.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::ledger::NewTransfer;

/// Declares the tables that are filled, in the order that foreign keys ask for.
macro_rules! tables {
    ($($table:ident => $name:literal, $columns:literal;)+) => {
        /// A table that is filled.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Table { $($table),+ }

        impl Table {
            /// All of them, those that others refer to first.
            pub(super) const ALL: &'static [Self] = &[$(Self::$table),+];

            /// What it is called.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$table => $name),+ }
            }

            /// The statement that fills it.
            pub(super) const fn copy(self) -> &'static str {
                match self {
                    $(Self::$table => concat!("copy ", $name, " (", $columns, ") from stdin")),+
                }
            }
        }
    };
}

tables! {
    People => "people", "id, legal_name, birth_date, residence_country, tax_country, created_by, created_at, updated_at";
    AgeDecisions => "person_age_decisions", "id, person_id, decision, birth_date, evidence, decided_by, decided_at";
    Creators => "creators", "id, person_id, cluster_id, email, email_key, username, username_key, phone, display_name, first_name, \
        aliases, handles, status, time_zone, owner, last_active_at, created_by, created_at, updated_at, status_since";
    StatusHistory => "creator_status_history", "id, creator_id, from_status, to_status, reason, actor, effective_from, recorded_at";
    TierHistory => "creator_tier_history", "id, creator_id, from_tier, to_tier, reason, actor, effective_from, recorded_at";
    TierStates => "creator_tier_states", "creator_id, organic, below_since, below_best";
    Blocks => "creator_blocks", "id, creator_id, source, reason, blocks, starts_at, ends_at, created_by, created_at, lifted_by, lift_reason";
    Earnings => "creator_earnings_daily", "creator_id, day, share_minor";
    Payments => "earnings", "id, creator_id, gross_minor, fee_minor, reserve_minor, reversed_minor, occurred_at, recorded_at, \
        matures_on, reserve_until, currency, source, recorded_by, fan";
    Reversals => "earning_reversals", "id, earning_id, creator_id, kind, currency, gross_minor, fee_minor, reserve_minor, \
        occurred_at, recorded_at, recorded_by, reason";
    Dues => "earning_dues", "kind, due_on, creator_id, currency, amount_minor";
    Months => "creator_earnings_monthly", "creator_id, month, currency, source, gross_minor, share_minor";
    Consents => "creator_consents", "id, creator_id, channel, state, source, proof, recorded_by, recorded_at, contact";
    Runs => "onboarding_runs", "id, creator_id, cluster_id, flow_version, state, started_at, last_activity_at, stalls_at, abandons_at, \
        stalled_at, ended_at";
    Steps => "onboarding_steps", "run_id, step, state, started_at, due_at, ended_at, ended_by, data";
    Events => "onboarding_events", "id, run_id, creator_id, kind, step, minutes, reason, data, caused_by, at";
    Notes => "notes", "id, creator_id, type, priority, text, visibility, pinned, follow_up_on, author, created_at, updated_at";
    Tasks => "tasks", "id, creator_id, title, assignee, due_at, state, done_at, done_by, created_by, created_at, updated_at";
    TaskEvents => "task_events", "id, task_id, creator_id, kind, caused_by, at";
    Tags => "creator_tags", "creator_id, tag, added_by, added_at";
    TagEvents => "creator_tag_events", "id, creator_id, tag, kind, caused_by, at";
    FieldValues => "custom_field_values", "creator_id, field, type, text_value, number_value, date_value, bool_value, list_value, set_by, set_at";
}

/// Rows of every table that belong together.
#[derive(Debug)]
pub(super) struct Sheets {
    texts: Vec<String>,
    /// What the ledger has of them.
    pub(super) transfers: Vec<NewTransfer>,
    /// Creators among them.
    pub(super) creators: u32,
}

impl Sheets {
    pub(super) fn new() -> Self {
        Self {
            texts: vec![String::new(); Table::ALL.len()],
            transfers: Vec::new(),
            creators: 0,
        }
    }

    /// The rows of a table.
    pub(super) fn text(&self, table: Table) -> &str {
        &self.texts[table as usize]
    }

    /// Begins a row.
    pub(super) fn row(&mut self, table: Table) -> Row<'_> {
        Row {
            text: &mut self.texts[table as usize],
            first: true,
        }
    }
}

/// A row, filled column by column.
#[derive(Debug)]
pub(super) struct Row<'a> {
    text: &'a mut String,
    first: bool,
}

impl Row<'_> {
    fn next(&mut self) {
        if !self.first {
            self.text.push('\t');
        }
        self.first = false;
    }

    /// A value whose characters mean nothing to `COPY`: ids, words, numbers, dates.
    pub(super) fn plain(mut self, value: &str) -> Self {
        self.next();
        self.text.push_str(value);
        self
    }

    /// Any text.
    pub(super) fn text(mut self, value: &str) -> Self {
        self.next();
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '\t' => self.text.push_str("\\t"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                other => self.text.push(other),
            }
        }
        self
    }

    pub(super) fn null(self) -> Self {
        self.plain("\\N")
    }

    pub(super) fn id(self, value: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        self.plain(value.hyphenated().encode_lower(&mut buffer))
    }

    pub(super) fn time(self, value: DateTime<Utc>) -> Self {
        self.plain(&value.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    pub(super) fn number(self, value: i64) -> Self {
        self.plain(&value.to_string())
    }

    /// A value that may be missing, as `fill` writes it.
    pub(super) fn maybe<T>(self, value: Option<T>, fill: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => fill(self, value),
            None => self.null(),
        }
    }

    /// Ends the row.
    pub(super) fn end(self) {
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_copy_is_escaped() {
        let mut sheets = Sheets::new();
        sheets
            .row(Table::Tags)
            .text("a\tb\\c\nd\re")
            .null()
            .number(-7)
            .end();
        assert_eq!(sheets.text(Table::Tags), "a\\tb\\\\c\\nd\\re\t\\N\t-7\n");
    }
}

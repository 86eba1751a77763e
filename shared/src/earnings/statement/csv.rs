//! A statement as CSV.

use chrono::SecondsFormat;
use csv::Writer;

use super::{Line, Section, Statement};
use crate::cells;
use crate::kernel::money::Money;
use crate::ledger::Funds;

/// The names of the columns. Amounts are in the currency's major unit, digit for digit; gross and fee make up the change,
/// and so do pending, reserved and available.
const COLUMNS: [&str; 15] = [
    "month",
    "provisional",
    "currency",
    "line",
    "at",
    "kind",
    "source",
    "transfers",
    "transferId",
    "gross",
    "fee",
    "change",
    "pending",
    "reserved",
    "available",
];

impl Statement {
    /// The statement as CSV, UTF-8 with a line of names: for each currency a line `opening`, each movement, and a line
    /// `closing`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        for section in &self.sections {
            writer.write_record(self.balance(section, "opening", &section.opening))?;
            for line in &section.lines {
                writer.write_record(self.line(section, line))?;
            }
            writer.write_record(self.balance(section, "closing", &section.closing))?;
        }
        writer
            .into_inner()
            .map_err(|error| error.into_error().into())
    }

    fn balance(&self, section: &Section, line: &str, funds: &Funds) -> Vec<String> {
        let empty = std::iter::repeat_n("", 7);
        let mut cells = self.begin(section, line, empty);
        cells.push(Money::new(section.currency, funds.total()).decimal());
        cells.extend(amounts(section, funds));
        cells
    }

    fn line(&self, section: &Section, line: &Line) -> Vec<String> {
        let moved = &line.moved;
        let at = moved.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let name = if section.by_day { "day" } else { "movement" };
        let transfer = moved.transfer.map(|id| id.to_string()).unwrap_or_default();
        let count = moved.count.to_string();
        let words = [
            at.as_str(),
            moved.kind.as_str(),
            line.source.map_or("", |source| source.as_str()),
            &count,
            &transfer,
        ];
        let mut cells = self.begin(section, name, words);
        let money = |minor| Money::new(section.currency, minor).decimal();
        cells.extend([line.gross(), moved.fee, moved.change.total()].map(money));
        cells.extend(amounts(section, &moved.change));
        cells
    }

    /// The cells that hold words: a program could take one for a formula. Amounts are digits of our own, which none can be.
    fn begin<'a>(
        &self,
        section: &Section,
        line: &str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Vec<String> {
        let first = [
            self.month.to_string(),
            self.provisional.to_string(),
            section.currency.to_string(),
            line.to_owned(),
        ];
        let mut row: Vec<String> = first.iter().map(|cell| cells::guarded(cell)).collect();
        row.extend(words.into_iter().map(cells::guarded));
        row
    }
}

fn amounts(section: &Section, funds: &Funds) -> [String; 3] {
    [funds.pending, funds.reserved, funds.available]
        .map(|minor| Money::new(section.currency, minor).decimal())
}

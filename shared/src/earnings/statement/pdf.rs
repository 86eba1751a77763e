//! A statement as PDF.

use super::print::{Text, Weight};
use super::{Line, Section, Statement};
use crate::kernel::money::Money;
use crate::ledger::Funds;

impl Statement {
    /// The statement as PDF, in English. It names the creator by the id only, so that every name can be printed.
    pub fn pdf(&self) -> Vec<u8> {
        let mut text = Text::default();
        text.line(
            Weight::Bold,
            format!("Statement of earnings, {} (UTC)", self.month),
        );
        text.line(Weight::Plain, format!("Creator {}", self.creator));
        let made = self.made_at.format("%Y-%m-%d %H:%M:%S UTC");
        text.line(Weight::Plain, format!("Made {made}"));
        if self.provisional {
            let told = "PROVISIONAL: the month is under way, and more may come.";
            text.line(Weight::Bold, told);
        }
        for section in &self.sections {
            section.print(&mut text);
        }
        text.pdf(
            &format!("Statement {} {}", self.month, self.creator),
            self.made_at,
        )
    }
}

impl Section {
    fn print(&self, text: &mut Text) {
        text.line(Weight::Plain, "");
        text.line(Weight::Bold, format!("{}", self.currency));
        let names = ["Gross", "Fee", "Change", "Pending", "Reserved", "Available"];
        let names = names.map(str::to_owned);
        text.line(Weight::Bold, row(["Recorded", "What", "For"], &names));
        text.line(
            Weight::Plain,
            self.balance("Opening balance", &self.opening),
        );
        for line in &self.lines {
            text.line(Weight::Plain, self.movement(line));
        }
        text.line(Weight::Bold, self.balance("Closing balance", &self.closing));
        if self.by_day {
            let told = "There were too many movements for a line each: these are sums by day.";
            text.line(Weight::Plain, told);
        }
    }

    fn balance(&self, name: &str, funds: &Funds) -> String {
        let empty = String::new();
        let money = |minor| Money::new(self.currency, minor).decimal();
        let amounts = [
            funds.total(),
            funds.pending,
            funds.reserved,
            funds.available,
        ]
        .map(money);
        let [total, pending, reserved, available] = amounts;
        row(
            ["", name, ""],
            &[empty.clone(), empty, total, pending, reserved, available],
        )
    }

    fn movement(&self, line: &Line) -> String {
        let moved = &line.moved;
        let funds = &moved.change;
        let amounts = [
            line.gross(),
            moved.fee,
            funds.total(),
            funds.pending,
            funds.reserved,
            funds.available,
        ];
        let amounts = amounts.map(|minor| Money::new(self.currency, minor).decimal());
        let at = moved.at.format("%Y-%m-%d").to_string();
        let what = moved.kind.as_str().replace('_', " ");
        let about = match line.source {
            Some(source) => source.as_str().replace('_', " "),
            None if moved.count > 1 => format!("{} movements", moved.count),
            None => String::new(),
        };
        row([&at, &what, &about], &amounts)
    }
}

/// Words to the left, amounts to the right, each in its column.
fn row([at, what, about]: [&str; 3], amounts: &[String; 6]) -> String {
    let [gross, fee, change, pending, reserved, available] = amounts;
    format!(
        "{at:<11}{what:<17}{about:<16}{gross:>21}{fee:>21}{change:>21}{pending:>21}{reserved:>21}{available:>21}"
    )
}

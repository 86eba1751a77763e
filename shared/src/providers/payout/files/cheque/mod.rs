//! Cheques, as a PDF to be printed on cheque paper: one a page, the cheque in the upper third, its counterfoil below it.
//!
//! The line for machines (bank, account and number in magnetic ink) is on the paper already; this prints what differs from
//! cheque to cheque. Words are in English. The fonts are those that every PDF reader has, so names are of Western European
//! letters; a cheque for another name is refused and not printed wrong.

mod words;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::{FileError, counted};
use crate::kernel::money::Money;
use words::amount_in_words;

/// A page of US Letter, in points.
const PAGE: (f32, f32) = (612.0, 792.0);
/// The left margin, in points.
const LEFT: f32 = 48.0;
/// Characters of a line at the most: what fits the page.
const LINE_MAX_CHARS: usize = 80;
/// Lines of an address at the most.
const ADDRESS_MAX_LINES: usize = 5;

/// One cheque.
#[derive(Clone)]
pub struct Cheque {
    /// Its number on the paper.
    pub number: u32,
    /// To whom.
    pub payee: String,
    /// Where it is sent, for the window of the envelope.
    pub address: Vec<String>,
    /// How much.
    pub amount: Money,
    /// What it is for; shown on cheque and counterfoil.
    pub memo: String,
}

impl std::fmt::Debug for Cheque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // names and addresses are not for logs
        f.debug_struct("Cheque")
            .field("number", &self.number)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// Cheques to be printed at once.
#[derive(Debug, Clone)]
pub struct ChequeRun {
    /// Who pays.
    pub drawer: String,
    /// The day on the cheques.
    pub day: NaiveDate,
    /// When the file is made.
    pub made_at: DateTime<Utc>,
    /// The cheques, in the order of the paper.
    pub cheques: Vec<Cheque>,
}

impl ChequeRun {
    /// The PDF.
    ///
    /// # Errors
    /// If a cheque cannot be printed; then there is no file.
    pub fn write(&self) -> Result<Vec<u8>, FileError> {
        counted(&self.cheques)?;
        let drawer = letters("drawer", &self.drawer).map_err(FileError::Whole)?;
        let mut pdf = Pdf::new();
        let [catalog, tree, info, plain, bold] = [1, 2, 3, 4, 5].map(Ref::new);
        let mut next = 6..;
        let mut pages = Vec::with_capacity(self.cheques.len());
        for (at, cheque) in self.cheques.iter().enumerate() {
            let content = self
                .content(&drawer, cheque)
                .map_err(|why| FileError::Payment { at, why })?;
            let (Some(page), Some(stream)) = (next.next().map(Ref::new), next.next().map(Ref::new))
            else {
                return Err(FileError::TooMany);
            };
            let mut written = pdf.page(page);
            written
                .media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1))
                .parent(tree)
                .contents(stream);
            written
                .resources()
                .fonts()
                .pair(Name(b"F"), plain)
                .pair(Name(b"B"), bold);
            written.finish();
            pdf.stream(stream, &content);
            pages.push(page);
        }
        pdf.catalog(catalog).pages(tree);
        let count = i32::try_from(pages.len()).map_err(|_| FileError::TooMany)?;
        pdf.pages(tree).kids(pages).count(count);
        for (font, name) in [(plain, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(font)
                .base_font(Name(name))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        pdf.document_info(info)
            .title(TextStr("Cheques"))
            .creation_date(stamp(self.made_at));
        Ok(pdf.finish())
    }

    fn content(&self, drawer: &[u8], cheque: &Cheque) -> Result<Vec<u8>, String> {
        if cheque.amount.minor <= 0 {
            return Err("a cheque is about more than nothing".into());
        }
        if cheque.address.len() > ADDRESS_MAX_LINES {
            return Err(format!("an address has at most {ADDRESS_MAX_LINES} lines"));
        }
        let payee = letters("payee", &cheque.payee)?;
        let memo = letters("memo", &cheque.memo)?;
        let address = cheque.address.iter().map(|line| letters("address", line));
        let address = address.collect::<Result<Vec<_>, _>>()?;
        // what stands before and after an amount leaves no room for another digit
        let figures = letters("amount", &format!("**{}", cheque.amount))?;
        let words = letters(
            "amount in words",
            &format!("{}****", amount_in_words(cheque.amount)),
        )?;
        let number = cheque.number.to_string().into_bytes();
        let day = self.day.format("%B %-d, %Y").to_string().into_bytes();
        let mut sheet = Sheet(Content::new());
        sheet.bold(LEFT, 752.0, drawer);
        sheet.bold(500.0, 752.0, &number);
        sheet.text(430.0, 728.0, &day);
        sheet.text(LEFT, 690.0, b"Pay to the order of");
        sheet.bold(150.0, 690.0, &payee);
        sheet.bold(440.0, 690.0, &figures);
        sheet.text(LEFT, 664.0, &words);
        for (line, at) in address.iter().zip(0_u8..) {
            sheet.text(LEFT + 24.0, 636.0 - 13.0 * f32::from(at), line);
        }
        sheet.text(LEFT, 556.0, b"Memo");
        sheet.text(90.0, 556.0, &memo);
        // the counterfoil
        for (at, line) in (0_u8..).zip([&number, &day, &payee, &figures, &memo]) {
            sheet.text(LEFT, 480.0 - 16.0 * f32::from(at), line);
        }
        Ok(sheet.0.finish().as_slice().to_vec())
    }
}

/// A page being written.
struct Sheet(Content);

impl Sheet {
    fn text(&mut self, x: f32, y: f32, text: &[u8]) {
        self.write(Name(b"F"), x, y, text);
    }

    fn bold(&mut self, x: f32, y: f32, text: &[u8]) {
        self.write(Name(b"B"), x, y, text);
    }

    fn write(&mut self, font: Name<'_>, x: f32, y: f32, text: &[u8]) {
        self.0
            .begin_text()
            .set_font(font, 11.0)
            .next_line(x, y)
            .show(Str(text))
            .end_text();
    }
}

/// A text in the letters of the fonts, a byte each.
///
/// # Errors
/// If it is empty, too long for its line, or of other letters.
fn letters(name: &str, text: &str) -> Result<Vec<u8>, String> {
    let chars = text.chars().count();
    if text.trim().is_empty() || chars > LINE_MAX_CHARS {
        return Err(format!(
            "the {name} has {chars} characters; 1 to {LINE_MAX_CHARS} fit its line"
        ));
    }
    let bytes = text.chars().map(|c| match u8::try_from(c) {
        // the printable ones of Latin-1, which are the same in the fonts' encoding
        Ok(byte @ (0x20..=0x7e | 0xa0..=0xff)) => Ok(byte),
        Ok(_) | Err(_) => Err(format!(
            "the {name} has letters that cannot be printed on a cheque"
        )),
    });
    bytes.collect()
}

fn stamp(at: DateTime<Utc>) -> Date {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::money::Currency;

    fn cheque(number: u32, payee: &str, minor: i64) -> Cheque {
        Cheque {
            number,
            payee: payee.into(),
            address: vec![
                payee.into(),
                "1 Example Street".into(),
                "Springfield".into(),
            ],
            amount: Money::new(Currency::USD, minor),
            memo: "Payout 0192f0c1".into(),
        }
    }

    fn run(cheques: Vec<Cheque>) -> ChequeRun {
        ChequeRun {
            drawer: "Platform Inc".into(),
            day: NaiveDate::from_ymd_opt(2026, 3, 9).expect("a day"),
            made_at: DateTime::from_timestamp(1_772_712_000, 0).expect("a time"),
            cheques,
        }
    }

    fn has(pdf: &[u8], text: &[u8]) -> bool {
        pdf.windows(text.len()).any(|window| window == text)
    }

    #[test]
    fn each_cheque_is_a_page_with_its_amount_in_figures_and_words() {
        let pdf = run(vec![
            cheque(1_001, "Zoë Doe", 245_050),
            cheque(1_002, "Ada (II) \\ Co", 1),
        ])
        .write()
        .expect("a file");
        assert!(pdf.starts_with(b"%PDF-"));
        for text in [
            &b"/Count 2"[..],
            b"(**2450.50 USD)",
            b"(Two thousand four hundred fifty and 50/100 USD****)",
            b"(Zero and 01/100 USD****)",
            b"(March 9, 2026)",
            b"(1001)",
            b"WinAnsiEncoding",
        ] {
            assert!(has(&pdf, text), "{}", String::from_utf8_lossy(text));
        }
        // parentheses and backslashes are the PDF's own signs
        assert!(!has(&pdf, b"(Ada (II) \\ Co)"));
    }

    #[test]
    fn what_cannot_be_printed_is_refused_with_its_place() {
        let crowded = Cheque {
            address: vec!["x".into(); 6],
            ..cheque(2, "Ada", 1)
        };
        for wrong in [
            cheque(2, "山田", 1),
            cheque(2, "", 1),
            cheque(2, "Ada\n", 1),
            cheque(2, &"x".repeat(81), 1),
            cheque(2, "Ada", 0),
            cheque(2, "Ada", -1),
            crowded,
        ] {
            let shown = format!("{wrong:?}");
            let refused = run(vec![cheque(1, "Ada", 1), wrong]).write();
            assert!(
                matches!(refused, Err(FileError::Payment { at: 1, .. })),
                "{shown}: {refused:?}"
            );
        }
        assert_eq!(run(Vec::new()).write(), Err(FileError::Empty));
    }
}

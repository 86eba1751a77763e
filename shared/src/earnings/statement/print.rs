//! Lines of text on pages of a PDF.

use chrono::{DateTime, Datelike, Timelike, Utc};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// A page of A4 (ISO 216) on its side, in points.
const PAGE: (f32, f32) = (842.0, 595.0);
/// The margin on the left and above, in points.
const MARGIN: f32 = 36.0;
/// From line to line, in points.
const LEADING: f32 = 11.0;
/// The size of the letters, in points; each is six tenths of it wide (Courier).
const LETTERS: f32 = 7.2;
/// Lines of a page at the most.
const PAGE_LINES: usize = 47;
/// Characters of a line at the most.
const LINE_CHARS: usize = 178;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Bold,
}

/// Text that becomes pages.
#[derive(Debug, Default)]
pub(super) struct Text {
    lines: Vec<(Weight, String)>,
}

impl Text {
    /// Adds a line of at most [`LINE_CHARS`] characters; letters that the fonts do not have become question marks.
    pub(super) fn line(&mut self, weight: Weight, text: impl Into<String>) {
        let text = text.into();
        debug_assert!(text.chars().count() <= LINE_CHARS, "{text}");
        self.lines.push((weight, text));
    }

    /// The PDF, each page with a footer that says which of how many it is. The fonts are those that every reader has.
    pub(super) fn pdf(&self, title: &str, made_at: DateTime<Utc>) -> Vec<u8> {
        let mut pdf = Pdf::new();
        let [catalog, tree, info, plain, bold] = [1, 2, 3, 4, 5].map(Ref::new);
        let pages: Vec<&[(Weight, String)]> = self.lines.chunks(PAGE_LINES).collect();
        let mut kids = Vec::with_capacity(pages.len());
        for (at, (lines, id)) in pages.iter().zip((6..).step_by(2)).enumerate() {
            let (page, stream) = (Ref::new(id), Ref::new(id + 1));
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
            let footer = format!("{title} - page {} of {}", at + 1, pages.len());
            pdf.stream(stream, &content(lines, &footer));
            kids.push(page);
        }
        pdf.catalog(catalog).pages(tree);
        let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
        pdf.pages(tree).kids(kids).count(count);
        for (font, name) in [(plain, &b"Courier"[..]), (bold, b"Courier-Bold")] {
            pdf.type1_font(font)
                .base_font(Name(name))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        pdf.document_info(info)
            .title(TextStr(title))
            .creation_date(stamp(made_at));
        pdf.finish()
    }
}

fn content(lines: &[(Weight, String)], footer: &str) -> Vec<u8> {
    let mut content = Content::new();
    let mut y = PAGE.1 - MARGIN;
    for (weight, text) in lines {
        show(&mut content, *weight, y, text);
        y -= LEADING;
    }
    show(&mut content, Weight::Plain, MARGIN / 2.0, footer);
    content.finish().as_slice().to_vec()
}

fn show(content: &mut Content, weight: Weight, y: f32, text: &str) {
    let font = match weight {
        Weight::Plain => Name(b"F"),
        Weight::Bold => Name(b"B"),
    };
    content
        .begin_text()
        .set_font(font, LETTERS)
        .next_line(MARGIN, y)
        .show(Str(&letters(text)))
        .end_text();
}

/// A text in the letters of the fonts, a byte each.
fn letters(text: &str) -> Vec<u8> {
    let byte = |c| match u8::try_from(c) {
        // the printable ones of Latin-1, which are the same in the fonts' encoding
        Ok(byte @ (0x20..=0x7e | 0xa0..=0xff)) => byte,
        Ok(_) | Err(_) => b'?',
    };
    text.chars().map(byte).collect()
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

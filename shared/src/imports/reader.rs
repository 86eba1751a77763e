//! Reading a CSV file (RFC 4180) piece by piece, from any record's beginning.

use csv::{ByteRecord, ReaderBuilder};

/// Rows of one step at the most.
pub const STEP_ROWS: usize = 1_000;
/// Columns of a file at the most.
pub(super) const COLUMNS_MAX: usize = 300;
/// Bytes that a step reads before it looks for whole records; a record that is longer ends nowhere.
pub(super) const STEP_BYTES: usize = 256 * 1024;
/// What may stand between cells.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) cells: ByteRecord,
    /// Where the next one may begin, in bytes behind the beginning of the piece.
    pub(super) ends_at: usize,
}

/// The whole records at the beginning of a piece of a file, `most` of them at the most. The piece is not the file's `last`
/// one: then a record that goes up to its end may go on behind it, and is left for the next time.
pub(super) fn records(piece: &[u8], last: bool, delimiter: u8, most: usize) -> Vec<Record> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(piece);
    let (mut found, mut cells) = (Vec::new(), ByteRecord::new());
    // reading bytes from memory with any number of cells cannot fail
    while found.len() < most && matches!(reader.read_byte_record(&mut cells), Ok(true)) {
        let ends_at = usize::try_from(reader.position().byte()).unwrap_or(piece.len());
        if !last && ends_at >= piece.len() {
            break;
        }
        found.push(Record {
            cells: cells.clone(),
            ends_at,
        });
    }
    found
}

/// What stands between the cells of a file that begins so: what the header has most of outside of quotation marks.
pub(super) fn delimiter(head: &[u8]) -> u8 {
    let mut counts = [0; DELIMITERS.len()];
    let mut quoted = false;
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            byte if !quoted => {
                if let Some(at) = DELIMITERS.iter().position(|known| known == byte) {
                    counts[at] += 1;
                }
            }
            _ => {}
        }
    }
    // the first of those that are as many
    let best = (0..DELIMITERS.len()).rev().max_by_key(|at| counts[*at]);
    best.map_or(b',', |at| DELIMITERS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All cells, read in pieces of at most `size` bytes as steps do it.
    fn in_pieces(file: &[u8], size: usize, most: usize) -> Vec<Vec<String>> {
        let (mut at, mut all) = (0, Vec::new());
        loop {
            let end = file.len().min(at + size);
            let found = records(&file[at..end], end == file.len(), b',', most);
            let Some(last) = found.last() else { break };
            at += last.ends_at;
            all.extend(found.iter().map(|record| {
                let text = |cell| String::from_utf8_lossy(cell).into_owned();
                record.cells.iter().map(text).collect::<Vec<_>>()
            }));
        }
        all
    }

    #[test]
    fn a_file_read_in_pieces_is_the_file() {
        let file = "a,b\r\n\"line\r\nbreak\",\"say \"\"hi\"\"\"\r\n\r\n1,2,3\r\nlast,";
        let whole = in_pieces(file.as_bytes(), file.len(), usize::MAX);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[1], ["line\r\nbreak", "say \"hi\""]);
        for (size, most) in [(29, 1), (29, 2), (31, 100), (40, 3)] {
            assert_eq!(
                in_pieces(file.as_bytes(), size, most),
                whole,
                "{size}, {most}"
            );
        }
    }

    #[test]
    fn a_record_without_an_end_is_not_found() {
        assert_eq!(records(b"a,\"b\nc,d\n", false, b',', 10), []);
    }

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of() {
        assert_eq!(delimiter(b"a;b;c\n1,2,3,4,5"), b';');
        assert_eq!(delimiter(b"\"a;b;c\",d\n"), b',');
        assert_eq!(delimiter(b"a\tb\n"), b'\t');
        assert_eq!(delimiter(b"a\n"), b',');
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_header() {
        let found = records(b"\xef\xbb\xbfemail,x\n", true, b',', 1);
        assert_eq!(found[0].cells.get(0), Some(b"email".as_slice()));
        assert_eq!(found[0].ends_at, 11);
    }
}

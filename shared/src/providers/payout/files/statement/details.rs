//! What the crate that reads camt messages leaves out of entries' details: the numbers of cheques (`Refs/ChqNb`), and how
//! many details there are in all, as of an entry with several `NtryDtls` it reads the first.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::Event;

/// What stands in a message's details.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    /// How many `TxDtls` there are.
    pub(super) count: usize,
    /// The numbers of cheques, by the entry and its detail, both counted from 0 through the whole message.
    pub(super) cheques: HashMap<(usize, usize), String>,
}

/// Finds all of it. Entities are not resolved: a number has none.
///
/// # Errors
/// If the text is no XML.
pub(super) fn find(text: &str) -> Result<Details, String> {
    let mut found = Details::default();
    let mut reader = Reader::from_str(text);
    // so that details without anything in them count
    reader.config_mut().expand_empty_elements = true;
    let (mut entries, mut details) = (0_usize, 0_usize);
    let mut within = false;
    loop {
        let event = reader.read_event();
        match event.map_err(|error| format!("byte {}: {error}", reader.error_position()))? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                b"Ntry" => (entries, details) = (entries + 1, 0),
                b"TxDtls" => (found.count, details) = (found.count + 1, details + 1),
                b"ChqNb" => within = true,
                _ => {}
            },
            Event::Text(number) if within => {
                let at = entries.checked_sub(1).zip(details.checked_sub(1));
                if let Some(at) = at {
                    let number = String::from_utf8_lossy(&number).trim().to_owned();
                    found.cheques.insert(at, number);
                }
            }
            Event::End(_) => within = false,
            Event::Eof => return Ok(found),
            // what else there is says nothing of them
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

//! What arrived. Everything is counted; how much is remembered is bounded:
//! the text of the newest messages ([`crate::Options::keep`], each up to
//! [`TEXT_MAX_BYTES`]), the envelope and subject of the newest
//! [`ENVELOPES_MAX`], and how often each of the first [`IDS_MAX`] Message-IDs
//! came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::message::headline;

/// Bytes kept of one message's text.
pub const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Messages whose envelope and subject are kept.
pub const ENVELOPES_MAX: usize = 200_000;
/// Message-IDs that are counted one by one.
pub const IDS_MAX: usize = 5_000_000;

/// A message as lists show it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts from 1 in the order of arrival.
    pub number: u64,
    /// Without the angle brackets; `None` when the message had none.
    #[serde(serialize_with = "shared_text")]
    pub message_id: Option<Arc<str>>,
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Decoded, shortened.
    pub subject: String,
    /// When its last byte arrived.
    pub received_at: DateTime<Utc>,
    /// Bytes, without dot-stuffing.
    pub size: usize,
}

/// What was counted since the start or the last [`Mailbox::clear`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Messages stored, those sent twice counted twice.
    pub messages: u64,
    /// Different Message-IDs.
    pub unique: u64,
    /// Messages whose Message-ID had come before.
    pub duplicates: u64,
    /// Messages without a Message-ID, which are in neither number.
    pub without_message_id: u64,
    /// Messages that came after [`IDS_MAX`] different Message-IDs and whose
    /// own is therefore in neither number.
    pub uncounted_ids: u64,
    /// Bytes of all messages.
    pub bytes: u64,
    /// Recipients answered with 4xx or 5xx.
    pub refused_recipients: u64,
    /// Messages answered with 4xx or 5xx after DATA, and not stored.
    pub refused_messages: u64,
    /// Connections cut after DATA with the message stored.
    pub cut_after_storing: u64,
    /// Connections cut after DATA without storing the message.
    pub cut_before_storing: u64,
    /// When the first message was stored.
    pub first_at: Option<DateTime<Utc>>,
    /// When the last message was stored.
    pub last_at: Option<DateTime<Utc>>,
}

/// What happened to mail that was not simply stored and acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// A recipient was refused.
    RecipientRefused,
    /// A message was refused after DATA.
    MessageRefused,
    /// The connection was cut although the message is stored.
    CutAfterStoring,
    /// The connection was cut and the message thrown away.
    CutBeforeStoring,
}

/// Everything that arrived; shared by all sessions.
#[derive(Debug)]
pub struct Mailbox {
    keep: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Entry>,
    /// The texts of the last entries, as many as are kept.
    texts: VecDeque<Box<[u8]>>,
    ids: HashMap<Arc<str>, u32>,
    summary: Summary,
    next: u64,
}

impl Mailbox {
    /// An empty mailbox that keeps the text of the newest `keep` messages.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self {
            keep,
            inner: Mutex::default(),
        }
    }

    /// Stores a message.
    pub(crate) fn store(
        &self,
        from: String,
        to: Vec<String>,
        mut raw: Vec<u8>,
        now: DateTime<Utc>,
    ) {
        let headline = headline(&raw);
        let size = raw.len();
        raw.truncate(TEXT_MAX_BYTES);

        let mut inner = self.lock();
        let message_id = inner.count_id(headline.message_id);
        inner.count_message(size, now);
        inner.next += 1;
        let number = inner.next;
        inner.entries.push_back(Entry {
            number,
            message_id,
            from,
            to,
            subject: headline.subject,
            received_at: now,
            size,
        });
        inner.texts.push_back(raw.into_boxed_slice());
        if inner.entries.len() > ENVELOPES_MAX {
            inner.entries.pop_front();
        }
        if inner.texts.len() > self.keep.min(ENVELOPES_MAX) {
            inner.texts.pop_front();
        }
    }

    /// Counts what was not simply stored.
    pub(crate) fn count(&self, mishap: Mishap) {
        let mut inner = self.lock();
        let summary = &mut inner.summary;
        match mishap {
            Mishap::RecipientRefused => summary.refused_recipients += 1,
            Mishap::MessageRefused => summary.refused_messages += 1,
            Mishap::CutAfterStoring => summary.cut_after_storing += 1,
            Mishap::CutBeforeStoring => summary.cut_before_storing += 1,
        }
    }

    /// The counts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.lock().summary.clone()
    }

    /// Up to `limit` remembered messages whose number is greater than `after`,
    /// oldest first.
    #[must_use]
    pub fn after(&self, after: u64, limit: usize) -> Vec<Entry> {
        let inner = self.lock();
        let start = inner.entries.partition_point(|entry| entry.number <= after);
        inner
            .entries
            .iter()
            .skip(start)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Up to `limit` remembered messages whose number is less than `before`,
    /// newest first.
    #[must_use]
    pub fn before(&self, before: u64, limit: usize) -> Vec<Entry> {
        let inner = self.lock();
        let end = inner.entries.partition_point(|entry| entry.number < before);
        inner
            .entries
            .range(..end)
            .rev()
            .take(limit)
            .cloned()
            .collect()
    }

    /// A remembered message, with its text if that is kept.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<(Entry, Option<Vec<u8>>)> {
        let inner = self.lock();
        let index = inner
            .entries
            .binary_search_by_key(&number, |entry| entry.number)
            .ok()?;
        let without_text = inner.entries.len() - inner.texts.len();
        let text = index
            .checked_sub(without_text)
            .and_then(|index| inner.texts.get(index));
        Some((
            inner.entries.get(index)?.clone(),
            text.map(|text| text.to_vec()),
        ))
    }

    /// How often each Message-ID came, in no order.
    #[must_use]
    pub fn ids(&self) -> Vec<(Arc<str>, u32)> {
        self.lock()
            .ids
            .iter()
            .map(|(id, times)| (Arc::clone(id), *times))
            .collect()
    }

    /// Forgets everything, numbers included.
    pub fn clear(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counts may be one off after a panic inside; the sink goes on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count_message(&mut self, size: usize, now: DateTime<Utc>) {
        self.summary.messages += 1;
        self.summary.bytes += size as u64;
        self.summary.first_at.get_or_insert(now);
        self.summary.last_at = Some(now);
    }

    /// Counts an id and answers its shared copy.
    fn count_id(&mut self, id: Option<String>) -> Option<Arc<str>> {
        let Some(id) = id else {
            self.summary.without_message_id += 1;
            return None;
        };
        let id: Arc<str> = match self.ids.get_key_value(id.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => id.into(),
        };
        if let Some(times) = self.ids.get_mut(&id) {
            *times = times.saturating_add(1);
            self.summary.duplicates += 1;
        } else if self.ids.len() < IDS_MAX {
            self.ids.insert(Arc::clone(&id), 1);
            self.summary.unique += 1;
        } else {
            self.summary.uncounted_ids += 1;
        }
        Some(id)
    }
}

/// serde serialises `Arc` only with a feature that would hold for the whole
/// workspace.
fn shared_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(mailbox: &Mailbox, id: &str) {
        let raw = format!("Message-ID: <{id}>\r\nSubject: about {id}\r\n\r\nwords\r\n");
        let (from, to) = ("from@a.example".to_owned(), vec!["to@b.example".to_owned()]);
        mailbox.store(from, to, raw.into_bytes(), DateTime::UNIX_EPOCH);
    }

    #[test]
    fn a_message_sent_twice_is_one_duplicate() {
        let mailbox = Mailbox::new(10);
        for id in ["a", "b", "a"] {
            deliver(&mailbox, id);
        }
        let summary = mailbox.summary();
        assert_eq!(
            (summary.messages, summary.unique, summary.duplicates),
            (3, 2, 1)
        );
        let mut ids = mailbox.ids();
        ids.sort();
        assert_eq!(ids, [("a".into(), 2), ("b".into(), 1)]);
    }

    #[test]
    fn only_the_newest_texts_are_kept_and_all_envelopes() {
        let mailbox = Mailbox::new(2);
        for id in ["a", "b", "c"] {
            deliver(&mailbox, id);
        }
        let texts: Vec<bool> = (1..=3)
            .map(|number| mailbox.get(number).unwrap().1.is_some())
            .collect();
        assert_eq!(texts, [false, true, true]);
        assert!(mailbox.get(4).is_none());
        assert_eq!(mailbox.get(1).unwrap().0.subject, "about a");
    }

    #[test]
    fn pages_go_both_ways_without_gaps() {
        let mailbox = Mailbox::new(10);
        for id in ["a", "b", "c", "d"] {
            deliver(&mailbox, id);
        }
        let numbers = |entries: Vec<Entry>| -> Vec<u64> {
            entries.iter().map(|entry| entry.number).collect()
        };
        assert_eq!(numbers(mailbox.after(1, 2)), [2, 3]);
        assert_eq!(numbers(mailbox.before(4, 2)), [3, 2]);
        assert_eq!(numbers(mailbox.before(u64::MAX, 10)), [4, 3, 2, 1]);
    }

    #[test]
    fn clearing_forgets_everything() {
        let mailbox = Mailbox::new(10);
        deliver(&mailbox, "a");
        mailbox.clear();
        assert_eq!(mailbox.summary(), Summary::default());
        assert!(mailbox.after(0, 10).is_empty());
    }
}

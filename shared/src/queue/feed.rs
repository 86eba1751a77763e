//! Reading the events: one reader of the Redis stream for each process, and as many who watch as like to.
//!
//! Whoever watches gets entries in order, each once. One who reconnects goes on behind the last entry seen, as long as
//! the stream still has what came since; otherwise, and when somebody watches too slowly, the answer is a
//! [`FeedItem::Reset`]: look at the state itself and go on from now. Memory is bounded by the one buffer that all share.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::{OnceCell, broadcast};

use super::ready_list::REDIS_TIMEOUT;
use super::{EVENTS_KEY, EventBatch, ReadyLists};
use crate::kernel::{Classify, ErrorKind};

/// Entries that those who watch may be behind.
const BUFFER_ENTRIES: usize = 1_024;
/// How long one can be away and go on where one was.
pub const RESUME_MAX: Duration = Duration::from_secs(300);
/// How long one read waits for entries.
const READ_WAIT: Duration = Duration::from_secs(2);
/// Entries of one read.
const READ_COUNT: usize = 200;
/// Older entries that one who comes back is read at once.
const REPLAY_COUNT: usize = 50;
/// The wait before another try after Redis failed.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The place of an entry in the stream: milliseconds and a number within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    ms: u64,
    seq: u64,
}

impl EventId {
    /// Before every entry.
    pub const ZERO: Self = Self { ms: 0, seq: 0 };
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text is no place in the stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event id: expected two numbers such as 1763820000000-0")]
pub struct InvalidEventId;

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let (ms, seq) = text.split_once('-').ok_or(InvalidEventId)?;
        match (ms.parse(), seq.parse()) {
            (Ok(ms), Ok(seq)) => Ok(Self { ms, seq }),
            (_, _) => Err(InvalidEventId),
        }
    }
}

/// One entry of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its place.
    pub id: EventId,
    /// What happened.
    pub batch: EventBatch,
}

/// What one who watches is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// Something happened.
    Entry(Arc<FeedEntry>),
    /// Some entries were missed; what follows goes on from now.
    Reset,
}

/// Redis does not answer, so there is nothing to watch.
#[derive(Debug, thiserror::Error)]
#[error("events cannot be read")]
pub struct FeedUnavailable(#[from] redis::RedisError);

impl Classify for FeedUnavailable {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }

    fn code(&self) -> &'static str {
        "events-unavailable"
    }
}

/// The events of one Redis.
#[derive(Clone)]
pub struct EventFeed {
    client: Client,
    conn: ConnectionManager,
    started: Arc<OnceCell<broadcast::Sender<Arc<FeedEntry>>>>,
}

impl fmt::Debug for EventFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFeed")
            .field("started", &self.started.initialized())
            .finish_non_exhaustive()
    }
}

impl EventFeed {
    /// A feed; reading begins when somebody watches.
    pub fn new(ready: &ReadyLists) -> Self {
        Self {
            client: ready.client().clone(),
            conn: ready.connection(),
            started: Arc::default(),
        }
    }

    /// Watches from now on, or from behind the entry that was seen last.
    ///
    /// # Errors
    /// If Redis does not answer.
    pub async fn watch(
        &self,
        seen: Option<EventId>,
        now: DateTime<Utc>,
    ) -> Result<Watch, FeedUnavailable> {
        let sender = self.started.get_or_try_init(|| self.start()).await?;
        // first the live entries are kept, then the older ones are read: nothing falls in between
        let live = sender.subscribe();
        let newest = newest(&mut self.conn.clone()).await?;
        let resumed = match seen {
            Some(id) => self.has_all_since(id, now).await?,
            None => false,
        };
        let last = seen.filter(|_| resumed).unwrap_or(newest);
        let missed = seen.is_some() && !resumed;
        Ok(Watch {
            conn: self.conn.clone(),
            live,
            last,
            replaying: resumed,
            older: VecDeque::new(),
            missed,
            position: last,
        })
    }

    /// Whether the stream has everything that came after `id`.
    async fn has_all_since(&self, id: EventId, now: DateTime<Utc>) -> RedisResult<bool> {
        let age = u64::try_from(now.timestamp_millis())
            .unwrap_or(0)
            .saturating_sub(id.ms);
        if age > RESUME_MAX.as_millis() as u64 {
            return Ok(false);
        }
        let first = range(&mut self.conn.clone(), "-", 1).await?;
        Ok(first.first().is_some_and(|entry| entry.id <= id))
    }

    async fn start(&self) -> RedisResult<broadcast::Sender<Arc<FeedEntry>>> {
        let last = newest(&mut self.conn.clone()).await?;
        let (sender, _) = broadcast::channel(BUFFER_ENTRIES);
        tokio::spawn(read(self.client.clone(), sender.clone(), last));
        Ok(sender)
    }
}

/// Reads for the whole process, for as long as it lives.
async fn read(client: Client, sender: broadcast::Sender<Arc<FeedEntry>>, mut last: EventId) {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        // the server ends each wait by itself; this is for a server that hangs
        .set_response_timeout(Some(READ_WAIT + Duration::from_secs(1)));
    loop {
        let result = async {
            let mut conn = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            loop {
                for entry in next_entries(&mut conn, last).await? {
                    last = entry.id;
                    // an error only says that nobody watches now
                    let _nobody = sender.send(Arc::new(entry));
                }
            }
        };
        let error: redis::RedisError = match result.await {
            Ok(never) => never,
            Err(error) => error,
        };
        tracing::debug!(%error, "events cannot be read for a while");
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

type Fields = HashMap<String, String>;
/// Entries of one stream: each its place and its fields.
type Entries = Vec<(String, Fields)>;

async fn next_entries(
    conn: &mut MultiplexedConnection,
    last: EventId,
) -> RedisResult<Vec<FeedEntry>> {
    let answer: Option<Vec<(String, Entries)>> = redis::cmd("XREAD")
        .arg("BLOCK")
        .arg(READ_WAIT.as_millis() as u64)
        .arg("COUNT")
        .arg(READ_COUNT)
        .arg("STREAMS")
        .arg(EVENTS_KEY)
        .arg(last.to_string())
        .query_async(conn)
        .await?;
    Ok(answer
        .into_iter()
        .flatten()
        .flat_map(|(_, entries)| entries)
        .filter_map(entry)
        .collect())
}

async fn range(
    conn: &mut ConnectionManager,
    from: &str,
    count: usize,
) -> RedisResult<Vec<FeedEntry>> {
    let mut cmd = redis::cmd("XRANGE");
    cmd.arg(EVENTS_KEY)
        .arg(from)
        .arg("+")
        .arg("COUNT")
        .arg(count);
    let answer: Entries = cmd.query_async(conn).await?;
    Ok(answer.into_iter().filter_map(entry).collect())
}

/// The last entry's place, or [`EventId::ZERO`].
async fn newest(conn: &mut ConnectionManager) -> RedisResult<EventId> {
    let mut cmd = redis::cmd("XREVRANGE");
    cmd.arg(EVENTS_KEY).arg("+").arg("-").arg("COUNT").arg(1);
    let answer: Entries = cmd.query_async(conn).await?;
    Ok(answer
        .first()
        .and_then(|(id, _)| id.parse().ok())
        .unwrap_or(EventId::ZERO))
}

/// An entry; what was not written by a version that this one understands tells nothing, but has its place.
fn entry((id, fields): (String, Fields)) -> Option<FeedEntry> {
    let batch = fields
        .get("e")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    Some(FeedEntry {
        id: id.parse().ok()?,
        batch,
    })
}

/// One who watches.
pub struct Watch {
    conn: ConnectionManager,
    live: broadcast::Receiver<Arc<FeedEntry>>,
    last: EventId,
    replaying: bool,
    older: VecDeque<FeedEntry>,
    missed: bool,
    position: EventId,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Watch {
    /// Where it began: behind the entry seen last, or behind all there are.
    pub const fn began_at(&self) -> EventId {
        self.position
    }

    /// The place of the last item.
    pub const fn last(&self) -> EventId {
        self.last
    }

    /// Waits for what comes next. Dropping this future loses nothing.
    ///
    /// # Errors
    /// If Redis fails while older entries are read.
    pub async fn next(&mut self) -> Result<FeedItem, FeedUnavailable> {
        if std::mem::take(&mut self.missed) {
            return Ok(FeedItem::Reset);
        }
        if self.replaying {
            let from = format!("({}", self.last);
            if self.older.is_empty() {
                self.older = range(&mut self.conn, &from, REPLAY_COUNT).await?.into();
            }
            if let Some(entry) = self.older.pop_front() {
                self.last = entry.id;
                return Ok(FeedItem::Entry(Arc::new(entry)));
            }
            self.replaying = false;
        }
        loop {
            match self.live.recv().await {
                Ok(entry) if entry.id <= self.last => {}
                Ok(entry) => {
                    self.last = entry.id;
                    return Ok(FeedItem::Entry(entry));
                }
                Err(broadcast::error::RecvError::Lagged(_)) => return Ok(FeedItem::Reset),
                // the reader lives as long as the process
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_their_text_and_sort_by_number() {
        let (a, b): (EventId, EventId) = (
            "9-10".parse().expect("a place"),
            "10-2".parse().expect("a place"),
        );
        assert!(a < b && EventId::ZERO < a);
        assert_eq!(a.to_string(), "9-10");
        for text in ["", "1", "1-", "a-1", "1-1-1"] {
            assert_eq!(text.parse::<EventId>(), Err(InvalidEventId), "{text}");
        }
    }
}

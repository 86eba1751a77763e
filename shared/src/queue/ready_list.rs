//! The ready lists: for each queue and priority, the ids at the head of the queue, in Redis.
//!
//! They are a cache. Every id in them may be stale, doubled or forged, because the claim in Postgres decides; and all
//! of them may vanish at any moment, because the leader rebuilds them. Ids travel as their 16 bytes.
//!
//! Keys are `{queue}:p0` … `{queue}:p3` and `{queue}:open`, in one cluster slot for each queue. `open` stands, for at
//! most [`OPEN_TTL`], while the leader says that everything due is listed: only then may a new job be pushed directly.
//! Of jobs that belong to a group only a few may be, because the leader lists groups in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, RedisResult, Script};
use uuid::Uuid;

use super::{JobId, Priority};
use crate::kernel::TypedId;

/// Ids one list holds at the most. At 18 bytes an entry this bounds what a queue costs in Redis.
pub const READY_LIST_MAX: usize = 40_000;
/// How long the leader's word that all is listed stays good.
pub const OPEN_TTL: Duration = Duration::from_secs(3);
/// How long an answer of Redis is waited for, outside of blocking pops.
pub const REDIS_TIMEOUT: Duration = Duration::from_millis(500);
/// How long hints are left out after Redis failed to take one, so that requests do not wait for a Redis that is gone.
const HINT_MUTE: Duration = Duration::from_secs(1);
/// A job of a group is pushed directly only onto a list shorter than this: workers are then about to run dry, and what
/// another group enqueues next stands behind no more than these.
const GROUPED_MAX: usize = 16;
/// Ids in one call of a script.
const PUSH_CHUNK: usize = 5_000;

/// A job that may run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Its kind.
    pub kind: &'static str,
    /// Its queue.
    pub queue: String,
    /// Its priority.
    pub priority: Priority,
    /// Its id.
    pub id: JobId,
    /// Whether it may run now.
    pub due: bool,
    /// Whether it belongs to a group, which the leader lists in turn with others.
    pub grouped: bool,
    /// Whether it was just enqueued; else it waited already and may run earlier.
    pub new: bool,
}

impl Hint {
    /// What is pushed together.
    fn line(&self) -> (&str, Priority, bool) {
        (&self.queue, self.priority, self.grouped)
    }
}

/// The lists of one Redis. Clones share a connection.
#[derive(Clone)]
pub struct ReadyLists {
    client: Client,
    conn: ConnectionManager,
    started: Instant,
    muted_until_ms: Arc<AtomicU64>,
    scripts: Arc<Scripts>,
}

impl std::fmt::Debug for ReadyLists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadyLists").finish_non_exhaustive()
    }
}

struct Scripts {
    hint: Script,
    append: Script,
}

impl Scripts {
    fn new() -> Self {
        Self {
            // Pushes while the leader's word stands, up to the limit; what does not fit is found by the leader. If jobs
            // without a group did not fit, the word is taken back, so that none enqueued later overtakes them.
            hint: Script::new(
                "if redis.call('exists', KEYS[2]) == 0 then return 0 end
                 local room = tonumber(ARGV[1]) - redis.call('llen', KEYS[1])
                 local n = 0
                 for i = 3, #ARGV do
                   if n >= room then
                     if ARGV[2] == '0' then redis.call('del', KEYS[2]) end
                     break
                   end
                   redis.call('rpush', KEYS[1], ARGV[i])
                   n = n + 1
                 end
                 return n",
            ),
            // Adds behind what is listed, up to the limit.
            append: Script::new(
                "local room = tonumber(ARGV[1]) - redis.call('llen', KEYS[1])
                 local n = 0
                 for i = 2, #ARGV do
                   if n >= room then break end
                   redis.call('rpush', KEYS[1], ARGV[i])
                   n = n + 1
                 end
                 return n",
            ),
        }
    }
}

/// The key of one list.
fn list_key(queue: &str, priority: Priority) -> String {
    format!("{{{queue}}}:p{}", priority.rank())
}

fn open_key(queue: &str) -> String {
    format!("{{{queue}}}:open")
}

impl ReadyLists {
    /// Lists in the Redis at `url`. Connects when first used, and again whenever the connection is lost.
    ///
    /// # Errors
    /// If `url` is not a Redis URL.
    pub fn new(url: &str) -> RedisResult<Self> {
        let client = Client::open(url)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(REDIS_TIMEOUT))
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let conn = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        Ok(Self {
            client,
            conn,
            started: Instant::now(),
            muted_until_ms: Arc::default(),
            scripts: Arc::new(Scripts::new()),
        })
    }

    /// The shared connection, for what else the queue keeps in Redis.
    pub fn connection(&self) -> ConnectionManager {
        self.conn.clone()
    }

    /// The client, for connections that block.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks Redis for a sign of life.
    ///
    /// # Errors
    /// If none comes within [`REDIS_TIMEOUT`].
    pub async fn ping(&self) -> RedisResult<()> {
        redis::cmd("PING")
            .query_async::<String>(&mut self.conn.clone())
            .await
            .map(drop)
    }

    /// Pushes jobs that were just committed. Never fails: what is not pushed here is listed by the leader.
    pub async fn hint(&self, hints: &[Hint]) {
        let now_ms = self.started.elapsed().as_millis() as u64;
        if hints.is_empty() || now_ms < self.muted_until_ms.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.try_hint(hints).await {
            tracing::debug!(%error, "ready lists were not told of new jobs; the leader will find them");
            self.muted_until_ms
                .store(now_ms + HINT_MUTE.as_millis() as u64, Ordering::Relaxed);
        }
    }

    async fn try_hint(&self, hints: &[Hint]) -> RedisResult<()> {
        let mut sorted: Vec<&Hint> = hints.iter().filter(|hint| hint.due).collect();
        sorted.sort_by(|a, b| a.line().cmp(&b.line()));
        for list in sorted.chunk_by(|a, b| a.line() == b.line()) {
            let (queue, priority, grouped) = list[0].line();
            let most = if grouped { GROUPED_MAX } else { READY_LIST_MAX };
            for ids in list.chunks(PUSH_CHUNK) {
                let mut call = self.scripts.hint.prepare_invoke();
                call.key(list_key(queue, priority))
                    .key(open_key(queue))
                    .arg(most)
                    .arg(u8::from(grouped));
                for hint in ids {
                    call.arg(hint.id.uuid().as_bytes().as_slice());
                }
                let pushed: usize = call.invoke_async(&mut self.conn.clone()).await?;
                if pushed < ids.len() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Replaces a list by `ids`, in order, at one stroke.
    ///
    /// # Errors
    /// If Redis does not answer; then the list is as it was, or replaced.
    pub async fn replace(&self, queue: &str, priority: Priority, ids: &[JobId]) -> RedisResult<()> {
        let (list, next) = (list_key(queue, priority), format!("{{{queue}}}:next"));
        let mut conn = self.conn.clone();
        if ids.is_empty() {
            return redis::cmd("DEL").arg(&list).query_async(&mut conn).await;
        }
        let mut pipe = redis::pipe();
        pipe.atomic().del(&next).ignore();
        for chunk in ids.chunks(PUSH_CHUNK) {
            let mut cmd = redis::cmd("RPUSH");
            cmd.arg(&next);
            for id in chunk {
                cmd.arg(id.uuid().as_bytes().as_slice());
            }
            pipe.add_command(cmd).ignore();
        }
        pipe.rename(&next, &list).ignore();
        pipe.query_async(&mut conn).await
    }

    /// Adds `ids` behind what is listed, as far as they fit; answers how many did.
    ///
    /// # Errors
    /// If Redis does not answer.
    pub async fn append(
        &self,
        queue: &str,
        priority: Priority,
        ids: &[JobId],
    ) -> RedisResult<usize> {
        let mut pushed = 0;
        for chunk in ids.chunks(PUSH_CHUNK) {
            let mut call = self.scripts.append.prepare_invoke();
            call.key(list_key(queue, priority)).arg(READY_LIST_MAX);
            for id in chunk {
                call.arg(id.uuid().as_bytes().as_slice());
            }
            let n: usize = call.invoke_async(&mut self.conn.clone()).await?;
            pushed += n;
            if n < chunk.len() {
                break;
            }
        }
        Ok(pushed)
    }

    /// Says whether everything due in the queue is listed.
    ///
    /// # Errors
    /// If Redis does not answer.
    pub async fn set_open(&self, queue: &str, open: bool) -> RedisResult<()> {
        let mut conn = self.conn.clone();
        if open {
            redis::cmd("SET")
                .arg(open_key(queue))
                .arg(1)
                .arg("PX")
                .arg(OPEN_TTL.as_millis() as u64)
                .query_async(&mut conn)
                .await
        } else {
            redis::cmd("DEL")
                .arg(open_key(queue))
                .query_async(&mut conn)
                .await
        }
    }

    /// How many ids each list of a queue holds, by priority.
    ///
    /// # Errors
    /// If Redis does not answer.
    pub async fn lengths(&self, queue: &str) -> RedisResult<[usize; 4]> {
        let mut pipe = redis::pipe();
        for priority in Priority::ALL {
            pipe.llen(list_key(queue, priority));
        }
        pipe.query_async(&mut self.conn.clone()).await
    }

    /// A connection of its own for waiting on a queue's lists.
    ///
    /// # Errors
    /// If Redis cannot be reached.
    pub async fn popper(&self, queue: &str) -> RedisResult<Popper> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            // the server ends each wait by itself; this is for a server that hangs
            .set_response_timeout(Some(POP_WAIT_MAX + Duration::from_secs(1)));
        let conn = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Popper {
            conn,
            keys: Priority::ALL.map(|priority| list_key(queue, priority)),
            pops: 0,
        })
    }
}

/// The longest that one pop waits for an id.
pub const POP_WAIT_MAX: Duration = Duration::from_secs(2);
/// One pop in this many begins at the low end, which keeps a share for the low priorities.
const LOW_FIRST_EVERY: u32 = 16;

/// Waits on the lists of one queue.
pub struct Popper {
    conn: MultiplexedConnection,
    keys: [String; 4],
    pops: u32,
}

impl Popper {
    /// Up to `count` ids of the first list that has any, after waiting for `wait`, at most [`POP_WAIT_MAX`]; empty if
    /// none came.
    ///
    /// Dropping this future may lose ids from the list; the next rebuild lists them again.
    ///
    /// # Errors
    /// If Redis does not answer; take a new popper then.
    pub async fn pop(&mut self, count: usize, wait: Duration) -> RedisResult<Vec<JobId>> {
        // zero would mean to wait for ever
        let wait = wait.clamp(Duration::from_millis(10), POP_WAIT_MAX);
        self.pops = self.pops.wrapping_add(1);
        let mut cmd = redis::cmd("BLMPOP");
        cmd.arg(wait.as_secs_f64()).arg(self.keys.len());
        if self.pops.is_multiple_of(LOW_FIRST_EVERY) {
            self.keys.iter().rev().for_each(|key| {
                cmd.arg(key);
            });
        } else {
            self.keys.iter().for_each(|key| {
                cmd.arg(key);
            });
        }
        cmd.arg("LEFT").arg("COUNT").arg(count);
        let answer: Option<(String, Vec<Vec<u8>>)> = cmd.query_async(&mut self.conn).await?;
        let ids = answer.map(|(_, ids)| ids).unwrap_or_default();
        // an entry that is no id was put there by somebody else; leaving it out is all it deserves
        Ok(ids
            .iter()
            .filter_map(|bytes| Uuid::from_slice(bytes).ok())
            .map(JobId::from)
            .collect())
    }
}

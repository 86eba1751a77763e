//! How many messages the whole fleet may send in a second.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{RedisResult, Script};
use thiserror::Error;

use crate::queue::ReadyLists;

const KEY: &str = "{messaging}:email-rate";

/// A token bucket in Redis that holds one second's worth, so that the fleet never sends more than twice the rate within
/// any one second, and the rate over any longer time. Clones share it.
///
/// While Redis does not answer, nothing is sent: whoever sets a limit would rather wait than break it.
#[derive(Clone)]
pub struct RateLimit {
    conn: ConnectionManager,
    per_second: u32,
    script: Arc<Script>,
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit")
            .field("per_second", &self.per_second)
            .finish_non_exhaustive()
    }
}

/// Redis does not answer, so nobody knows how much may be sent.
#[derive(Debug, Error)]
#[error("the rate limit cannot be asked, so nothing is sent")]
pub struct RateLimitError(#[from] redis::RedisError);

/// What the bucket answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// So many messages may be sent now, at least one.
    Granted(u32),
    /// None now; ask again after this.
    Wait(Duration),
}

impl RateLimit {
    /// A limit of `per_second` messages (at least one), shared by all who use the same Redis.
    pub fn new(redis: &ReadyLists, per_second: u32) -> Self {
        // The server's own clock counts, so that the clocks of workers need not agree. Tokens are kept in millionths.
        let script = Script::new(
            "local rate, want = tonumber(ARGV[1]), tonumber(ARGV[2])
             local time = redis.call('time')
             local now = time[1] * 1000000 + time[2]
             local state = redis.call('hmget', KEYS[1], 'tokens', 'at')
             local tokens = tonumber(state[1]) or rate * 1000000
             local at = tonumber(state[2]) or now
             tokens = math.min(rate * 1000000, tokens + math.max(0, now - at) * rate)
             local granted = math.min(want, math.floor(tokens / 1000000))
             tokens = tokens - granted * 1000000
             redis.call('hset', KEYS[1], 'tokens', string.format('%.0f', tokens), 'at', string.format('%.0f', now))
             redis.call('pexpire', KEYS[1], 10000)
             return {granted, math.ceil(math.max(0, 1000000 - tokens) / rate / 1000)}",
        );
        Self {
            conn: redis.connection(),
            per_second: per_second.max(1),
            script: Arc::new(script),
        }
    }

    /// Takes up to `want` messages out of the bucket.
    pub(super) async fn take(&self, want: u32) -> Result<Grant, RateLimitError> {
        let answer: RedisResult<(u32, u64)> = self
            .script
            .key(KEY)
            .arg(self.per_second)
            .arg(want)
            .invoke_async(&mut self.conn.clone())
            .await;
        Ok(match answer? {
            (0, wait_ms) => Grant::Wait(Duration::from_millis(wait_ms.max(1))),
            (granted, _) => Grant::Granted(granted),
        })
    }
}

//! Rates for the whole fleet: a token bucket in Redis for each name, refilled evenly by Redis's own clock.
//!
//! The bucket is only a memory of the last moments. Losing it (a flush, a restart) admits one burst of `limit`; while
//! Redis is away each process falls back to a bucket of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Script;
use redis::aio::ConnectionManager;

use super::settings::Rate;

/// Takes tokens. Clones share the connection and the fallback buckets.
#[derive(Clone)]
pub struct RateLimiter {
    conn: ConnectionManager,
    script: Arc<Script>,
    local: Arc<Mutex<HashMap<String, Bucket>>>,
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

/// The answer of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Tokens taken, at most what was asked for.
    pub tokens: u32,
    /// When none was left: how long until there is one again.
    pub wait: Duration,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, rate: Rate, wanted: u32, now: Instant) -> Grant {
        let per_ms = f64::from(rate.limit) / f64::from(rate.period_ms);
        let gained = now.duration_since(self.filled).as_secs_f64() * 1000.0 * per_ms;
        self.tokens = (self.tokens + gained).min(f64::from(rate.limit));
        self.filled = now;
        let taken = f64::from(wanted).min(self.tokens.floor());
        self.tokens -= taken;
        let missing_ms = if taken < 1.0 {
            (1.0 - self.tokens) / per_ms
        } else {
            0.0
        };
        Grant {
            tokens: taken as u32,
            wait: Duration::from_secs_f64(missing_ms.max(0.0) / 1000.0),
        }
    }
}

impl RateLimiter {
    /// A limiter over a Redis connection.
    pub fn new(conn: ConnectionManager) -> Self {
        // Tokens are kept in thousandths so that slow refills are not rounded away.
        let script = Script::new(
            "local limit, period, want = tonumber(ARGV[1]) * 1000, tonumber(ARGV[2]), tonumber(ARGV[3]) * 1000
             local t = redis.call('time')
             local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
             local kept = redis.call('hmget', KEYS[1], 'tokens', 'at')
             local tokens, at = tonumber(kept[1]) or limit, tonumber(kept[2]) or now
             tokens = math.min(limit, tokens + math.max(0, now - at) * limit / period)
             local taken = math.min(want, math.floor(tokens / 1000) * 1000)
             tokens = tokens - taken
             redis.call('hset', KEYS[1], 'tokens', tokens, 'at', now)
             redis.call('pexpire', KEYS[1], math.max(1000, period * 2))
             local wait = 0
             if taken < 1000 then wait = math.ceil((1000 - tokens) * period / limit) end
             return { taken / 1000, wait }",
        );
        Self {
            conn,
            script: Arc::new(script),
            local: Arc::default(),
        }
    }

    /// Takes up to `wanted` tokens of the bucket `name` (`{queue}:rate` for a queue).
    pub async fn take(&self, name: &str, rate: Rate, wanted: u32) -> Grant {
        let mut call = self.script.prepare_invoke();
        call.key(name)
            .arg(rate.limit)
            .arg(rate.period_ms)
            .arg(wanted);
        match call
            .invoke_async::<(u32, u64)>(&mut self.conn.clone())
            .await
        {
            Ok((tokens, wait_ms)) => Grant {
                tokens,
                wait: Duration::from_millis(wait_ms),
            },
            Err(error) => {
                tracing::debug!(%error, name, "the fleet's rate bucket is away; using this process's own");
                self.take_local(name, rate, wanted, Instant::now())
            }
        }
    }

    /// Puts back tokens that were taken and not used.
    pub async fn put_back(&self, name: &str, rate: Rate, tokens: u32) {
        if tokens == 0 {
            return;
        }
        let mut conn = self.conn.clone();
        let most = u64::from(rate.limit) * 1000;
        let put = Script::new(
            "local kept = tonumber(redis.call('hget', KEYS[1], 'tokens'))
             if kept then redis.call('hset', KEYS[1], 'tokens', math.min(tonumber(ARGV[2]), kept + tonumber(ARGV[1]))) end
             return 1",
        );
        let answer: redis::RedisResult<i64> = put
            .key(name)
            .arg(u64::from(tokens) * 1000)
            .arg(most)
            .invoke_async(&mut conn)
            .await;
        if let Err(error) = answer {
            tracing::debug!(%error, name, "unused tokens were not put back; the bucket refills by itself");
        }
    }

    fn take_local(&self, name: &str, rate: Rate, wanted: u32, now: Instant) -> Grant {
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket {
            tokens: f64::from(rate.limit),
            filled: now,
        };
        local
            .entry(name.to_owned())
            .or_insert(full)
            .take(rate, wanted, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        limit: 10,
        period_ms: 1000,
    };

    #[test]
    fn a_bucket_gives_no_more_than_its_limit_at_once() {
        let start = Instant::now();
        let mut bucket = Bucket {
            tokens: 10.0,
            filled: start,
        };
        assert_eq!(bucket.take(RATE, 50, start).tokens, 10);
        let empty = bucket.take(RATE, 1, start);
        assert_eq!(empty.tokens, 0);
        assert_eq!(empty.wait, Duration::from_millis(100));
    }

    #[test]
    fn a_bucket_refills_evenly_and_not_beyond_its_limit() {
        let start = Instant::now();
        let mut bucket = Bucket {
            tokens: 0.0,
            filled: start,
        };
        assert_eq!(
            bucket
                .take(RATE, 50, start + Duration::from_millis(350))
                .tokens,
            3
        );
        assert_eq!(
            bucket
                .take(RATE, 50, start + Duration::from_secs(60))
                .tokens,
            10
        );
    }
}

//! How many messages the whole fleet may send in a second.

use crate::queue::ReadyLists;
use crate::queue::rate::{Grant, RateLimiter};
use crate::queue::settings::Rate;

const BUCKET: &str = "{messaging}:email-rate";

/// A token bucket that holds one second's worth and is shared by all who use the same Redis. Clones share it.
///
/// Within any one second the fleet sends at most twice the rate, and over any longer time the rate.
#[derive(Debug, Clone)]
pub struct RateLimit {
    limiter: RateLimiter,
    rate: Rate,
}

impl RateLimit {
    /// A limit of `per_second` messages, at least one.
    pub fn new(redis: &ReadyLists, per_second: u32) -> Self {
        let rate = Rate {
            limit: per_second.max(1),
            period_ms: 1000,
        };
        Self {
            limiter: RateLimiter::new(redis.connection()),
            rate,
        }
    }

    /// Takes up to `wanted` messages out of the bucket.
    pub(super) async fn take(&self, wanted: u32) -> Grant {
        self.limiter.take(BUCKET, self.rate, wanted).await
    }
}

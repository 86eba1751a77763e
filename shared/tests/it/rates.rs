//! Rates: one bucket for the fleet, and one of each process's own while Redis is away.

use std::time::Duration;

use shared::queue::ReadyLists;
use shared::queue::rate::{Grant, RateLimiter};
use shared::queue::settings::Rate;
use uuid::Uuid;

/// A hundred tokens that take an hour to come back, so that no refill disturbs the count.
const SLOW: Rate = Rate {
    limit: 100,
    period_ms: 3_600_000,
};

fn redis_url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names the Redis of the tests")
}

/// A process's limiter.
fn limiter(url: &str) -> RateLimiter {
    RateLimiter::new(ReadyLists::new(url).unwrap().connection())
}

fn bucket() -> String {
    format!("{{test{}}}:rate", Uuid::new_v4().simple())
}

#[tokio::test]
async fn the_fleet_shares_one_bucket() {
    let (bucket, url) = (bucket(), redis_url());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (limiter, bucket) = (limiter(&url), bucket.clone());
        tasks.spawn(async move {
            let mut got = 0;
            for _ in 0..10 {
                got += limiter.take(&bucket, SLOW, 7).await.tokens;
            }
            got
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), SLOW.limit);
}

#[tokio::test]
async fn an_empty_bucket_says_how_long_to_wait() {
    let (bucket, limiter) = (bucket(), limiter(&redis_url()));
    assert_eq!(limiter.take(&bucket, SLOW, 100).await.tokens, 100);
    let Grant { tokens, wait } = limiter.take(&bucket, SLOW, 1).await;
    assert_eq!(tokens, 0);
    assert!(
        wait > Duration::from_secs(30) && wait <= Duration::from_secs(36),
        "{wait:?}"
    );
}

#[tokio::test]
async fn tokens_that_were_not_used_are_put_back_but_never_beyond_the_limit() {
    let (bucket, limiter) = (bucket(), limiter(&redis_url()));
    limiter.take(&bucket, SLOW, 60).await;
    limiter.put_back(&bucket, SLOW, 20).await;
    assert_eq!(limiter.take(&bucket, SLOW, 100).await.tokens, 60);
    limiter.put_back(&bucket, SLOW, 1_000).await;
    assert_eq!(limiter.take(&bucket, SLOW, 1_000).await.tokens, 100);
}

#[tokio::test]
async fn a_bucket_refills_by_the_clock_of_redis() {
    let fast = Rate {
        limit: 1_000,
        period_ms: 100,
    };
    let (bucket, limiter) = (bucket(), limiter(&redis_url()));
    assert_eq!(limiter.take(&bucket, fast, 1_000).await.tokens, 1_000);
    let refilled = async {
        let mut got = 0;
        while got < 1_000 {
            got += limiter.take(&bucket, fast, 1_000).await.tokens;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refilled)
        .await
        .expect("refilled within 5 s");
}

#[tokio::test]
async fn losing_the_bucket_admits_one_burst() {
    let (bucket, limiter) = (bucket(), limiter(&redis_url()));
    limiter.take(&bucket, SLOW, 100).await;
    let mut conn = ReadyLists::new(&redis_url()).unwrap().connection();
    let () = redis::cmd("DEL")
        .arg(&bucket)
        .query_async(&mut conn)
        .await
        .unwrap();
    assert_eq!(limiter.take(&bucket, SLOW, 1_000).await.tokens, 100);
    assert_eq!(limiter.take(&bucket, SLOW, 1_000).await.tokens, 0);
}

#[tokio::test]
async fn without_redis_a_process_keeps_within_the_limit_by_itself() {
    // nobody listens on port 1
    let (bucket, limiter) = (bucket(), limiter("redis://127.0.0.1:1"));
    assert_eq!(limiter.take(&bucket, SLOW, 70).await.tokens, 70);
    assert_eq!(limiter.clone().take(&bucket, SLOW, 70).await.tokens, 30);
    assert_eq!(limiter.take(&bucket, SLOW, 70).await.tokens, 0);
}

//! Who is lost: a pure judgement over heartbeats.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::WorkerId;
use super::workers::Live;

/// A worker whose counter stands still for this long, while the database could be reached, is lost.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Rounds further apart than this mean that the watcher itself was away, and that its memory proves nothing.
const GAP_MAX: Duration = Duration::from_secs(5);

/// A worker that fell silent, and where its counter stood. Should it beat after all, the counter says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silent {
    /// Which.
    pub worker: WorkerId,
    /// Its heart's counter.
    pub beat: i64,
}

/// Remembers when each heart was last seen to beat, by the watcher's own monotonic clock.
#[derive(Debug, Default)]
pub struct Watch {
    hearts: HashMap<WorkerId, (i64, Instant)>,
    last_round: Option<Instant>,
}

impl Watch {
    /// Takes a look at the live workers, just read from the database, and names those that are lost.
    ///
    /// Call it only when the read succeeded: silence counts only while the database could be reached.
    pub fn silent(&mut self, live: &[Live], now: Instant) -> Vec<Silent> {
        if self
            .last_round
            .is_none_or(|last| now.duration_since(last) > GAP_MAX)
        {
            self.hearts.clear();
        }
        self.last_round = Some(now);
        self.hearts
            .retain(|id, _| live.iter().any(|worker| worker.id == *id));
        live.iter()
            .filter(|worker| {
                let heart = self.hearts.entry(worker.id).or_insert((worker.beat, now));
                if heart.0 != worker.beat {
                    *heart = (worker.beat, now);
                }
                now.duration_since(heart.1) >= SILENCE_MAX
            })
            .map(|worker| Silent {
                worker: worker.id,
                beat: worker.beat,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(id: WorkerId, beat: i64) -> Live {
        Live {
            id,
            beat,
            queues: Default::default(),
            kinds: Vec::new(),
            running: true,
        }
    }

    /// Looks once a second for `seconds`, with the beat that `beat` tells for each second.
    fn watch(
        seconds: std::ops::Range<u64>,
        beat: impl Fn(u64) -> i64,
        watch: &mut Watch,
        start: Instant,
    ) -> Vec<u64> {
        let id = WorkerId::from(uuid::Uuid::nil());
        seconds
            .filter(|s| {
                !watch
                    .silent(&[worker(id, beat(*s))], start + Duration::from_secs(*s))
                    .is_empty()
            })
            .collect()
    }

    #[test]
    fn a_heart_that_stands_still_is_lost_after_fifteen_seconds() {
        let lost = watch(0..20, |_| 7, &mut Watch::default(), Instant::now());
        assert_eq!(lost.first(), Some(&15));
    }

    #[test]
    fn a_heart_that_beats_now_and_then_is_not_lost() {
        assert!(
            watch(
                0..100,
                |s| (s / 10) as i64,
                &mut Watch::default(),
                Instant::now()
            )
            .is_empty()
        );
    }

    #[test]
    fn after_a_gap_of_its_own_the_watcher_waits_a_full_period() {
        let (mut w, start) = (Watch::default(), Instant::now());
        assert!(watch(0..14, |_| 7, &mut w, start).is_empty());
        // the database was away from second 14 to 40
        let lost = watch(40..60, |_| 7, &mut w, start);
        assert_eq!(lost.first(), Some(&55));
    }
}

//! Who is lost: a pure judgement over heartbeats.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::WorkerId;
use super::workers::Live;

/// A worker whose counter stands still for this long, while the database could be reached, is lost.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Looks further apart than this mean that the database was perhaps away, and that what lies between proves nothing.
pub const GAP_MAX: Duration = Duration::from_secs(5);
/// A silence of this length is worth to be remembered; a living heart beats once a second.
const NOTED_FROM: Duration = Duration::from_secs(2);

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
                // what another watcher counted before us counts too: its silence was one while it could read
                let since = now.checked_sub(worker.silence).unwrap_or(now);
                let heart = self.hearts.entry(worker.id).or_insert((worker.beat, since));
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

    /// The silences that the next leader should know of, should there be another: who, since what count, for how long.
    pub fn silences(&self, now: Instant) -> Vec<(Silent, Duration)> {
        self.hearts
            .iter()
            .map(|(worker, (beat, since))| {
                let silent = Silent {
                    worker: *worker,
                    beat: *beat,
                };
                (silent, now.duration_since(*since))
            })
            .filter(|(_, silence)| *silence >= NOTED_FROM)
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
            silence: Duration::ZERO,
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

    #[test]
    fn a_new_watcher_goes_on_from_what_the_one_before_had_counted() {
        let (mut first, mut second) = (Watch::default(), Watch::default());
        let start = Instant::now();
        assert!(watch(0..10, |_| 7, &mut first, start).is_empty());
        let noted = first.silences(start + Duration::from_secs(9));
        assert_eq!(noted[0].1, Duration::from_secs(9));
        let mut left = worker(noted[0].0.worker, noted[0].0.beat);
        left.silence = noted[0].1;
        let at = |s| start + Duration::from_secs(s);
        assert!(second.silent(&[left.clone()], at(12)).is_empty());
        assert!(second.silent(&[left.clone()], at(17)).is_empty());
        assert_eq!(second.silent(&[left], at(18)), [noted[0].0]);
    }

    #[test]
    fn a_living_heart_is_not_worth_a_note() {
        let (mut w, start) = (Watch::default(), Instant::now());
        watch(0..10, |s| s as i64, &mut w, start);
        assert_eq!(w.silences(start + Duration::from_secs(10)), []);
    }
}

//! Who belongs to whom: which creators are one person's, and where each of them is.

use super::calendar::{DAY, DAYS, HOUR, Moment};
use super::dice::{About, Dice};
use super::words::CLUSTERS;

/// Of a thousand creators, how many are further profiles of a person who is there already.
const FURTHER_PROFILES: u32 = 160;

/// All creators of a population, numbered in the order in which they came.
#[derive(Debug)]
pub(super) struct Cast {
    /// For each creator the first one of the same person: that one's number is the person's.
    person: Vec<u32>,
    cluster: Vec<u8>,
}

impl Cast {
    pub(super) fn of(seed: u64, creators: u32) -> Self {
        let mut cast = Self {
            person: Vec::with_capacity(creators as usize),
            cluster: Vec::with_capacity(creators as usize),
        };
        // a person is on each cluster once
        let mut taken: Vec<u16> = Vec::with_capacity(creators as usize);
        for n in 0..creators {
            let mut dice = Dice::of(seed, About::Cast, n);
            let further = n > 0 && dice.chance(FURTHER_PROFILES);
            let person = if further {
                cast.person[dice.below(n) as usize]
            } else {
                n
            };
            let (person, cluster) = match free_cluster(&mut dice, taken.get(person as usize)) {
                Some(cluster) => (person, cluster),
                None => (n, usual_cluster(&mut dice)),
            };
            taken.push(0);
            taken[person as usize] |= 1 << cluster;
            cast.person.push(person);
            cast.cluster.push(cluster);
        }
        cast
    }

    /// The person behind a creator, named by the number of their first profile.
    pub(super) fn person(&self, n: u32) -> u32 {
        self.person[n as usize]
    }

    /// The cluster of a creator.
    pub(super) fn cluster(&self, n: u32) -> &'static str {
        CLUSTERS[usize::from(self.cluster[n as usize])].0
    }

    /// When a creator came: three times as many a day at the end as at the beginning, the last one an hour before it.
    pub(super) fn created(&self, n: u32) -> Moment {
        // only operations that IEEE 754 defines to the last bit, so that every machine agrees
        let share = (f64::from(n) + 0.5) / self.person.len().max(1) as f64;
        let time = ((1.0 + 8.0 * share).sqrt() - 1.0) / 2.0;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "below 63,072,000 by construction"
        )]
        let moment = (time * ((DAYS * DAY - HOUR) as f64)) as i64;
        moment
    }
}

/// A cluster where a person with these is not yet; none if they are everywhere.
fn free_cluster(dice: &mut Dice, taken: Option<&u16>) -> Option<u8> {
    let Some(taken) = taken else {
        return Some(usual_cluster(dice));
    };
    let free: Vec<u8> = (0..9).filter(|cluster| taken >> cluster & 1 == 0).collect();
    (!free.is_empty()).then(|| dice.pick(&free))
}

fn usual_cluster(dice: &mut Dice) -> u8 {
    let mut left = dice.below(1_000);
    for (cluster, (_, share)) in (0..).zip(CLUSTERS) {
        if left < share {
            return cluster;
        }
        left -= share;
    }
    0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_is_on_a_cluster_twice_and_some_are_on_several() {
        let cast = Cast::of(1, 20_000);
        let places: HashSet<_> = (0..20_000)
            .map(|n| (cast.person(n), cast.cluster(n)))
            .collect();
        assert_eq!(places.len(), 20_000);
        let people: HashSet<_> = (0..20_000).map(|n| cast.person(n)).collect();
        assert!((16_000..18_000).contains(&people.len()), "{}", people.len());
        let clusters: HashSet<_> = (0..20_000).map(|n| cast.cluster(n)).collect();
        assert_eq!(clusters.len(), CLUSTERS.len());
    }

    #[test]
    fn creators_come_one_after_the_other_and_more_and_more_of_them() {
        let cast = Cast::of(1, 10_000);
        assert!((1..10_000).all(|n| cast.created(n - 1) < cast.created(n)));
        assert!(cast.created(9_999) < DAYS * DAY - HOUR);
        let in_the_first_year = (0..10_000)
            .filter(|n| cast.created(*n) < DAYS / 2 * DAY)
            .count();
        assert!(
            (3_500..4_000).contains(&in_the_first_year),
            "{in_the_first_year}"
        );
    }
}

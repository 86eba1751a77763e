//! What one process counts until it adds it to the table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Tally;
use crate::queue::metrics::Ending;

/// Counts of this process by queue. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct PaceBook {
    tallies: Arc<Mutex<BTreeMap<String, Tally>>>,
}

impl PaceBook {
    /// An attempt ended; its job had waited this long for its start.
    pub fn ended(&self, queue: &str, ending: Ending, waited: Duration) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if !tallies.contains_key(queue) {
            tallies.insert(queue.to_owned(), Tally::default());
        }
        let Some(tally) = tallies.get_mut(queue) else {
            return;
        };
        match ending {
            Ending::Completed => tally.completed += 1,
            Ending::Failed => tally.failed += 1,
            Ending::Dead => tally.dead += 1,
            Ending::Cancelled | Ending::Again => return,
        }
        tally.pickup.count(waited);
    }

    /// What was counted since the last time.
    pub fn take(&self) -> BTreeMap<String, Tally> {
        std::mem::take(&mut self.tallies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts again what could not be added to the table.
    pub fn give_back(&self, tallies: &BTreeMap<String, Tally>) {
        let mut own = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        for (queue, tally) in tallies {
            own.entry(queue.clone()).or_default().add(tally);
        }
    }
}

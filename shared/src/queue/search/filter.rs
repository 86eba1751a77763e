//! What jobs can be searched by.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::queue::{BatchId, JobId};

/// Arguments in one search at the most.
pub const ARG_FILTERS_MAX: usize = 5;
/// A text to look for in errors is at least this long: shorter ones have no trigram to look up.
pub const ERROR_TEXT_MIN_CHARS: usize = 3;

/// Where a job stands, in the words of those who look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It is due and waits for a worker.
    Available,
    /// It waits for its time, and was not tried yet.
    Scheduled,
    /// It failed and waits for its next attempt.
    Retryable,
    /// A worker runs it.
    Running,
    /// It was done.
    Completed,
    /// It failed for good; somebody has to decide.
    Dead,
    /// It was ended before it was done.
    Cancelled,
    /// It was dead, and somebody decided to leave it.
    Discarded,
}

impl JobStatus {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 8] = [
        Self::Available,
        Self::Scheduled,
        Self::Retryable,
        Self::Running,
        Self::Completed,
        Self::Dead,
        Self::Cancelled,
        Self::Discarded,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Scheduled => "scheduled",
            Self::Retryable => "retryable",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
        }
    }

    /// Whether such jobs are in the history.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Completed | Self::Cancelled | Self::Discarded => true,
            Self::Available | Self::Scheduled | Self::Retryable | Self::Running | Self::Dead => {
                false
            }
        }
    }

    /// The status of a row: its stored state, whether it lies in the history, whether its time is still to come, and
    /// whether it was tried.
    pub(super) fn of(state: &str, in_history: bool, later: bool, tried: bool) -> Self {
        match (state, in_history) {
            ("running", _) => Self::Running,
            ("completed", _) => Self::Completed,
            ("cancelled", _) => Self::Cancelled,
            ("dead", true) => Self::Discarded,
            ("dead", false) => Self::Dead,
            (_, _) if !later => Self::Available,
            (_, _) if tried => Self::Retryable,
            (_, _) => Self::Scheduled,
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no state; use available, scheduled, retryable, running, completed, dead, cancelled or discarded"
)]
pub struct UnknownStatus(String);

impl FromStr for JobStatus {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// What a job must be to be found; what is empty does not matter. Kept as it stands by bulk operations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct JobFilter {
    /// In one of these states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<JobStatus>,
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// In this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Having this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Taking turns in this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// About this creator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// Having these arguments, as name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(String, String)>,
    /// Enqueued at this moment or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_after: Option<DateTime<Utc>>,
    /// Enqueued before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<DateTime<Utc>>,
    /// With this text in the last error, whatever its case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// With this error fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Counted in this batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// Enqueued by this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<JobId>,
}

impl JobFilter {
    /// The search terms that a job must have, the most telling first.
    pub(in crate::queue) fn terms(&self) -> Vec<String> {
        let args = self
            .args
            .iter()
            .map(|(name, value)| super::super::job::term(&format!("args.{name}"), value));
        let named = [
            ("creator", &self.creator),
            ("tag", &self.tag),
            ("group", &self.group),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some(super::super::job::term(name, value.as_ref()?)));
        args.chain(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_known_by_its_name() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("discarded ".parse::<JobStatus>().is_err());
    }

    #[test]
    fn a_stored_filter_reads_back() {
        let filter = JobFilter {
            states: vec![JobStatus::Dead],
            args: vec![("campaignId".to_owned(), "campaign_1".to_owned())],
            error: Some("refused".to_owned()),
            ..JobFilter::default()
        };
        let json = serde_json::to_value(&filter).expect("plain data");
        assert_eq!(
            serde_json::from_value::<JobFilter>(json).expect("its own text"),
            filter
        );
    }

    #[test]
    fn a_waiting_job_is_named_by_its_time_and_its_attempts() {
        assert_eq!(
            JobStatus::of("available", false, false, true),
            JobStatus::Available
        );
        assert_eq!(
            JobStatus::of("available", false, true, true),
            JobStatus::Retryable
        );
        assert_eq!(
            JobStatus::of("available", false, true, false),
            JobStatus::Scheduled
        );
        assert_eq!(
            JobStatus::of("dead", true, false, true),
            JobStatus::Discarded
        );
    }
}

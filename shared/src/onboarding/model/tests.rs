//! Going through flows, whatever their shape.

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::flow::tests::{flow, step};
use super::*;
use crate::creators::CreatorId;

const KEYS: [StepKey; 6] = [
    StepKey::Welcome,
    StepKey::ProfileSetup,
    StepKey::Verification,
    StepKey::ContentSetup,
    StepKey::PayoutSetup,
    StepKey::MarketingSetup,
];

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::minutes(minute)
}

fn begun(steps: Vec<FlowStep>) -> Run {
    let new = flow(steps);
    new.check().expect("a good flow");
    let published = Flow {
        cluster: new.cluster,
        version: 1,
        steps: new.steps,
        stall_minutes: new.stall_minutes,
        abandon_minutes: new.abandon_minutes,
        published_by: "test".into(),
        published_at: at(0),
    };
    Run::begin(published, CreatorId::new(), "test", at(0)).0
}

/// Any flow that is accepted: each step waits for some of those before it.
fn any_run() -> impl Strategy<Value = Run> {
    let waits = proptest::collection::vec(any::<[bool; 6]>(), 6);
    (1..=6_usize, waits, any::<[bool; 6]>()).prop_map(|(count, waits, required)| {
        let mut steps: Vec<FlowStep> = (0..count)
            .map(|at| {
                let prerequisites: Vec<StepKey> = (0..at)
                    .filter(|before| waits[at][*before])
                    .map(|before| KEYS[before])
                    .collect();
                step(KEYS[at], &prerequisites, required[at] || at == 0)
            })
            .collect();
        steps.push(step(StepKey::Completed, &[], true));
        begun(steps)
    })
}

/// What can be done now.
fn open(run: &Run) -> Vec<StepKey> {
    run.steps
        .iter()
        .map(|step| step.flow.key)
        .filter(|key| run.ready(*key).is_ok())
        .collect()
}

proptest! {
    #[test]
    fn whatever_the_order_the_run_ends_with_its_last_required_step(mut run in any_run(), picks in proptest::collection::vec(any::<Index>(), 6)) {
        let mut percent = run.percent();
        for (minute, pick) in (1..).zip(picks) {
            let choices = open(&run);
            if choices.is_empty() {
                break;
            }
            let key = *pick.get(&choices);
            if run.skip(key, None, "x", at(minute)).is_err() {
                run.complete(key, json!({}), None, "x", at(minute)).expect("it is ready");
            }
            prop_assert!(run.percent() >= percent);
            percent = run.percent();
            let left = run.steps.iter().any(|step| step.flow.required && step.flow.key != StepKey::Completed && step.state == StepState::Pending);
            prop_assert_eq!(run.state == RunState::Completed, !left);
            prop_assert_eq!(percent == 100, !left);
            prop_assert_eq!(run.steps.iter().any(|s| s.flow.key == StepKey::Completed && s.state == StepState::Completed), !left);
        }
        let stuck: Vec<StepKey> = run.steps.iter().filter(|step| step.state == StepState::Pending).map(|step| step.flow.key).collect();
        prop_assert!(stuck.is_empty(), "{:?}", stuck);
        prop_assert_eq!(run.state, RunState::Completed);
    }

    #[test]
    fn a_step_is_started_exactly_when_its_prerequisites_have_ended(mut run in any_run(), picks in proptest::collection::vec((any::<Index>(), any::<bool>()), 0..12)) {
        for (minute, (pick, again)) in (1..).zip(picks) {
            let key = run.steps[pick.index(run.steps.len())].flow.key;
            let _refused = if again {
                run.reopen(key, "again".into(), "x", at(minute))
            } else {
                run.complete(key, json!({}), None, "x", at(minute))
            };
            for step in run.steps.iter().filter(|step| step.state == StepState::Pending) {
                prop_assert_eq!(step.started_at.is_some(), run.missing(step).is_empty(), "{:?}", step.flow.key);
            }
            prop_assert_eq!(run.state == RunState::Completed, run.percent() == 100);
            prop_assert_eq!(run.ended_at.is_some(), run.state == RunState::Completed);
        }
    }
}

#[test]
fn out_of_order_says_what_comes_first() {
    let mut run = begun(vec![
        step(KEYS[0], &[], true),
        step(KEYS[1], &[KEYS[0]], true),
        step(StepKey::Completed, &[], true),
    ]);
    let refused = run.complete(KEYS[1], json!({}), None, "x", at(1));
    assert_eq!(
        refused,
        Err(Refusal::OutOfOrder {
            step: KEYS[1],
            missing: vec![KEYS[0]]
        })
    );
    assert_eq!(
        run.complete(StepKey::Completed, json!({}), None, "x", at(1)),
        Err(Refusal::ByItself {
            step: StepKey::Completed
        })
    );
    let unknown = run
        .complete(StepKey::PayoutSetup, json!({}), None, "x", at(1))
        .expect_err("no such step");
    assert_eq!(
        unknown.to_string(),
        "version 1 of this flow has no step `payout_setup`; it has: welcome, profile_setup, completed"
    );
}

#[test]
fn minutes_count_from_when_a_step_could_be_begun() {
    let mut run = begun(vec![
        step(KEYS[0], &[], true),
        step(KEYS[1], &[KEYS[0]], true),
        step(StepKey::Completed, &[], true),
    ]);
    run.complete(KEYS[0], json!({}), None, "x", at(10))
        .expect("ready");
    let events = run
        .complete(KEYS[1], json!({}), None, "x", at(25))
        .expect("ready");
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.step, event.minutes))
        .collect();
    assert_eq!(
        told,
        [
            (EventKind::StepCompleted, Some(KEYS[1]), Some(15)),
            (EventKind::StepCompleted, Some(StepKey::Completed), Some(25)),
            (EventKind::RunCompleted, None, Some(25))
        ]
    );
}

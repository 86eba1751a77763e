//! Onboarding runs, walked through the model that real ones go through.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::author::Author;
use super::calendar::{DAY, END, HOUR};
use super::dice::{About, Dice};
use super::person::Person;
use super::profile::{Profile, actor};
use super::rows::{Sheets, Table};
use crate::kernel::TypedId;
use crate::onboarding::{Event, EventKind, Proof, Run, RunState, StepKey};

/// Of a thousand who prove their age, how many stop somewhere before the end.
const STOP: u32 = 220;
/// How long a step lies there before it is done, in seconds.
const PAUSE: [(i64, i64); 4] = [
    (0, 5 * 60),
    (500_000, 4 * HOUR),
    (900_000, 2 * DAY),
    (1_000_000, 9 * DAY),
];

/// Writes the run of a creator.
pub(super) fn write(author: &Author, profile: &mut Profile, person: &Person, sheets: &mut Sheets) {
    let Some(flow) = author.flows.get(profile.cluster) else {
        return;
    };
    let calendar = &author.calendar;
    let mut dice = Dice::of(author.plan.seed, About::Onboarding, profile.n);
    let begun = calendar.at(profile.created);
    let (mut run, mut events) = Run::begin(flow.clone(), profile.id.into(), "system", begun);
    run.id = profile.row_id(calendar, profile.created).into();
    let verified = person.verified.map(|at| at.max(profile.created + HOUR));
    let steps: Vec<(StepKey, Proof)> = run
        .steps
        .iter()
        .map(|step| (step.flow.key, step.flow.proof))
        .collect();
    let last = if dice.chance(STOP) {
        dice.between(1, 8)
    } else {
        i64::MAX
    };
    let mut at = profile.created;
    for ((step, proof), _) in steps.into_iter().zip(0..last) {
        at += dice.along(&PAUSE);
        if step == StepKey::Verification {
            match verified {
                Some(proven) => at = at.max(proven),
                None => break,
            }
        }
        if at >= END || proof == Proof::OtherSteps {
            break;
        }
        let by = match proof {
            Proof::Staff => actor(Some(dice.between(1, 40))),
            Proof::Word | Proof::Profile | Proof::ConsentChoice | Proof::OtherSteps => {
                format!("creator:{}", profile.id.simple())
            }
        };
        let now = calendar.at(at);
        give_up_if_silent(&mut run, now, &mut events);
        let data = data(step, &mut dice);
        if let Ok(happened) = run.complete(step, data, None, &by, now) {
            events.extend(happened);
        }
    }
    let end = calendar.at(END);
    give_up_if_silent(&mut run, end, &mut events);
    write_run(profile, &run, sheets);
    for event in events {
        let moment = (event.at - begun).num_seconds() + profile.created;
        let id = profile.row_id(calendar, moment);
        write_event(profile.id, &run, id, &event, sheets);
    }
}

/// What the hourly sweep would have found by `now`.
fn give_up_if_silent(run: &mut Run, now: DateTime<Utc>, events: &mut Vec<Event>) {
    if run.state != RunState::Open {
        return;
    }
    let stood = run
        .steps
        .iter()
        .find(|step| {
            step.ended_at.is_none()
                && step.started_at.is_some()
                && step.flow.required
                && step.flow.proof != Proof::OtherSteps
        })
        .map(|step| step.flow.key);
    let (stalls, abandons) = (next_sweep(run.stalls_at()), next_sweep(run.abandons_at()));
    if stalls >= now {
        return;
    }
    run.stalled_at = Some(stalls);
    events.push(Event::new(EventKind::RunStalled, stood, "system", stalls));
    if abandons >= now {
        return;
    }
    run.state = RunState::Abandoned;
    run.ended_at = Some(abandons);
    events.push(Event {
        minutes: Some((abandons - run.started_at).num_minutes()),
        ..Event::new(EventKind::RunAbandoned, stood, "system", abandons)
    });
}

/// The sweep comes at seven minutes past each hour.
fn next_sweep(at: DateTime<Utc>) -> DateTime<Utc> {
    let past = (at.timestamp() - 7 * 60).rem_euclid(HOUR);
    at + Duration::seconds(HOUR - past)
}

/// What completes a step.
fn data(step: StepKey, dice: &mut Dice) -> Value {
    match step {
        StepKey::ContentSetup => {
            let category = dice.pick(&["lifestyle", "fitness", "art", "music"]);
            json!({ "categories": [category], "contentTypes": ["photos", "videos"] })
        }
        StepKey::PricingSetup => {
            let price = format!("{}.99", dice.between(4, 49));
            json!({ "subscriptionPrice": price, "currency": "USD" })
        }
        StepKey::Welcome => json!({ "acknowledged": true }),
        StepKey::ProfileSetup => json!({ "profileComplete": true }),
        StepKey::Verification
        | StepKey::PayoutSetup
        | StepKey::FirstContent
        | StepKey::MarketingSetup
        | StepKey::ComplianceTraining
        | StepKey::Completed => json!({}),
    }
}

fn write_run(profile: &Profile, run: &Run, sheets: &mut Sheets) {
    sheets
        .row(Table::Runs)
        .id(run.id.uuid())
        .id(profile.id)
        .plain(&run.cluster)
        .number(run.flow_version.into())
        .plain(run.state.as_str())
        .time(run.started_at)
        .time(run.last_activity_at)
        .time(run.stalls_at())
        .time(run.abandons_at())
        .maybe(run.stalled_at, |row, at| row.time(at))
        .maybe(run.ended_at, |row, at| row.time(at))
        .end();
    for step in &run.steps {
        sheets
            .row(Table::Steps)
            .id(run.id.uuid())
            .plain(step.flow.key.as_str())
            .plain(step.state.as_str())
            .maybe(step.started_at, |row, at| row.time(at))
            .maybe(step.due_at, |row, at| row.time(at))
            .maybe(step.ended_at, |row, at| row.time(at))
            .maybe(step.ended_by.as_deref(), |row, by| row.text(by))
            .maybe(step.data.as_ref(), |row, data| row.text(&data.to_string()))
            .end();
    }
}

fn write_event(creator: Uuid, run: &Run, id: Uuid, event: &Event, sheets: &mut Sheets) {
    sheets
        .row(Table::Events)
        .id(id)
        .id(run.id.uuid())
        .id(creator)
        .plain(event.kind.as_str())
        .maybe(event.step, |row, step| row.plain(step.as_str()))
        .maybe(event.minutes, |row, minutes| row.number(minutes))
        .maybe(event.reason.as_deref(), |row, reason| row.text(reason))
        .maybe(event.data.as_ref(), |row, data| row.text(&data.to_string()))
        .text(&event.by)
        .time(event.at)
        .end();
}

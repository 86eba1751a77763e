//! What may follow what.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::super::model::{Change, Refusal, Step};
use super::*;

/// What follows each state, step by step in the order of [`Step::ALL`]; `-` where nothing may.
const TABLE: [(State, [&str; 6]); 7] = [
    (State::Unverified, ["pending", "-", "-", "-", "-", "-"]),
    (State::Pending, ["pending", "in_review", "-", "-", "-", "-"]),
    (
        State::InReview,
        ["-", "in_review", "verified", "rejected", "-", "-"],
    ),
    (
        State::Verified,
        ["-", "-", "verified", "-", "revoked", "expired"],
    ),
    (
        State::Rejected,
        ["pending", "in_review", "-", "rejected", "-", "-"],
    ),
    (State::Expired, ["pending", "-", "-", "-", "-", "expired"]),
    (State::Revoked, ["pending", "-", "-", "-", "revoked", "-"]),
];

#[test]
fn every_step_follows_every_state_as_the_table_says() {
    assert_eq!(TABLE.map(|(from, _)| from), State::ALL);
    for (from, row) in TABLE {
        for (step, wanted) in Step::ALL.iter().zip(row) {
            let to = from.after(*step, true).map_or("-", |to| to.as_str());
            assert_eq!(to, wanted, "{step} after {from}");
        }
    }
    assert_eq!(State::Rejected.after(Step::Submit, false), None, "for good");
    let again = State::Rejected.after(Step::Review, false);
    assert_eq!(again, Some(State::InReview), "unless staff takes it up");
}

#[test]
fn what_is_over_or_changed_on_file_counts_no_more() {
    let day = |text: &str| text.parse().expect("a date");
    let today = day("2026-11-23");
    let on = |until: &str, still| State::Verified.standing(Some(day(until)), still, today);
    assert_eq!(
        on("2026-11-23", true),
        (State::Verified, None),
        "the last day"
    );
    assert_eq!(on("2026-11-22", true), (State::Expired, Some(Lapse::Time)));
    assert_eq!(
        on("2027-01-01", false),
        (State::Expired, Some(Lapse::ChangedOnFile))
    );
    for state in State::ALL {
        let (now, _) = state.standing(None, true, today);
        assert_eq!(now, *state, "without an end nothing is over");
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn changes() -> impl Strategy<Value = Change> {
    let text = prop::option::of("[a-c]");
    let days = prop::option::of(0u64..3);
    let step = prop::sample::select(Step::ALL);
    (step, text, days, any::<bool>()).prop_map(|(step, text, days, again)| Change {
        step,
        evidence: text.clone(),
        method: text.as_ref().map(|_| VerificationMethod::Document),
        valid_until: days.map(|days| now().date_naive() + chrono::Days::new(days)),
        reason: text,
        resubmittable: (step == Step::Reject).then_some(again),
    })
}

proptest! {
    #[test]
    fn whatever_is_done_nothing_is_verified_without_somebody_who_said_so(
        steps in prop::collection::vec((changes(), any::<bool>()), 0..30),
    ) {
        let mut stands = Verification::absent(Kind::Identity);
        for (change, told) in steps {
            match stands.changed(&change, told, "user:cleo", now()) {
                Err(refused) => {
                    let legal = stands.state.after(change.step, stands.resubmittable.unwrap_or_default());
                    prop_assert_eq!(legal.is_none(), matches!(refused, Refusal::OutOfOrder { .. }));
                }
                Ok(None) => prop_assert_eq!(stands.state.after(change.step, true), Some(stands.state)),
                Ok(Some(next)) => {
                    prop_assert_eq!(next.version, stands.version + 1);
                    let again = next.changed(&change, false, "user:cleo", now());
                    prop_assert_eq!(again, Ok(None), "saying it twice is saying it once");
                    prop_assert_eq!(next.resubmittable.is_some(), next.state == State::Rejected);
                    prop_assert!(next.state != State::Verified || next.verified_by.is_some() && next.verified_at.is_some());
                    prop_assert!(next.state != State::Pending || next.verified_by.is_none() && next.valid_until.is_none());
                    stands = next;
                }
            }
        }
    }
}

#[test]
fn a_verdict_is_refused_with_every_field_that_does_not_fit() {
    let today = now().date_naive();
    let wrong = |new: NewVerdict| -> Vec<String> {
        let refused = new.change(today).expect_err("refused");
        refused
            .into_iter()
            .map(|error| error.field.into_owned())
            .collect()
    };
    assert_eq!(wrong(verdict(Verdict::Verify)), ["/evidence", "/method"]);
    let over = NewVerdict {
        evidence: Some("passport".into()),
        method: Some(VerificationMethod::Document),
        valid_until: today.pred_opt(),
        ..verdict(Verdict::Verify)
    };
    assert_eq!(wrong(over.clone()), ["/validUntil"]);
    let far = NewVerdict {
        valid_until: today.checked_add_days(chrono::Days::new(365 * 51)),
        ..over.clone()
    };
    assert_eq!(wrong(far), ["/validUntil"]);
    assert_eq!(wrong(verdict(Verdict::Revoke)), ["/reason"]);
    let mixed = NewVerdict {
        verdict: Verdict::InReview,
        reason: Some("x".into()),
        resubmittable: Some(true),
        ..over.clone()
    };
    assert_eq!(
        wrong(mixed),
        [
            "/evidence",
            "/method",
            "/validUntil",
            "/reason",
            "/resubmittable"
        ]
    );
    let last_day = NewVerdict {
        valid_until: Some(today),
        evidence: Some("é".repeat(TEXT_MAX_CHARS)),
        ..over
    };
    assert!(last_day.change(today).is_ok());
}

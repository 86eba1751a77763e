//! Kinds of verification, their states, and what may follow what; pure.

use chrono::{DateTime, Months, NaiveDate, Utc};
use thiserror::Error;

use crate::kernel::{FieldError, typed_id, words};

/// Characters of an evidence or a reason at the most.
pub const TEXT_MAX_CHARS: usize = 500;
/// How far ahead the end of a verification may lie, in years; beyond it the year is a typing mistake.
pub const VALID_MAX_YEARS: u32 = 50;

typed_id!(
    /// Names one verification.
    VerificationId,
    "verification"
);

words!(
    /// What is proven.
    VerificationKind {
        /// Who the person is: legal name and birth date.
        Identity => "identity",
        /// Where the person lives.
        Address => "address",
        /// That the person is of age; decided elsewhere, see the slice's door.
        Age => "age",
        /// That an account is the creator's.
        BankAccount => "bank_account",
        /// That the e-mail address is the creator's.
        Email => "email",
        /// That the number is the creator's.
        Phone => "phone",
        /// The person's tax id.
        Tax => "tax",
        /// The company behind the creator.
        BusinessEntity => "business_entity",
    }
);

words!(
    /// Whose a kind is.
    Holder {
        /// The person's, for all their creators.
        Person => "person",
        /// The creator's alone.
        Creator => "creator",
    }
);

impl VerificationKind {
    /// Whose it is.
    pub const fn holder(self) -> Holder {
        match self {
            Self::Identity | Self::Address | Self::Age | Self::Tax => Holder::Person,
            Self::BankAccount | Self::Email | Self::Phone | Self::BusinessEntity => Holder::Creator,
        }
    }

    /// What has to be on file before it can be proven, in words for people; none if nothing of it is kept on file.
    pub(super) const fn needs_on_file(self) -> Option<&'static str> {
        match self {
            Self::Identity => {
                Some("legal name and birth date of the person (PATCH /api/people/{id})")
            }
            Self::Email => Some("e-mail address of the creator"),
            Self::Phone => Some("phone number of the creator (PATCH /api/creators/{id})"),
            Self::Address | Self::Age | Self::BankAccount | Self::Tax | Self::BusinessEntity => {
                None
            }
        }
    }
}

words!(
    /// Where a verification stands.
    VerificationState {
        /// Nothing was submitted.
        Unverified => "unverified",
        /// Submitted; nobody has looked yet.
        Pending => "pending",
        /// Somebody looks at it.
        InReview => "in_review",
        /// Proven.
        Verified => "verified",
        /// Not proven by what was submitted.
        Rejected => "rejected",
        /// Was proven: its time is over, or something else is on file since.
        Expired => "expired",
        /// Was proven, and staff took that back.
        Revoked => "revoked",
    }
);

words!(
    /// How it was looked at.
    VerificationMethod {
        /// A document was examined.
        Document => "document",
        /// The person was seen in a call.
        VideoCall => "video_call",
        /// The person was there.
        InPerson => "in_person",
        /// A public register was asked.
        Registry => "registry",
        /// A statement of a bank or an office was examined.
        Statement => "statement",
        /// A message was answered from the address or number.
        Message => "message",
        /// Another way, which the evidence tells.
        Other => "other",
    }
);

words!(
    /// What staff decides.
    Verdict {
        /// Take it into review.
        InReview => "in_review",
        /// It is proven.
        Verify => "verify",
        /// It is not proven.
        Reject => "reject",
        /// It counts no longer.
        Revoke => "revoke",
    }
);

words!(
    /// What can be done with a verification.
    Step {
        /// Something is handed in.
        Submit => "submit",
        /// Somebody looks at it.
        Review => "in_review",
        /// It is proven.
        Verify => "verify",
        /// It is not proven.
        Reject => "reject",
        /// It counts no longer.
        Revoke => "revoke",
        /// Its time is over.
        Expire => "expire",
    }
);

words!(
    /// Why something that was proven is not any more, by itself.
    Lapse {
        /// Its last day is over.
        Time => "time",
        /// What is on file is not what was proven.
        ChangedOnFile => "changed_on_file",
    }
);

impl From<Verdict> for Step {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::InReview => Self::Review,
            Verdict::Verify => Self::Verify,
            Verdict::Reject => Self::Reject,
            Verdict::Revoke => Self::Revoke,
        }
    }
}

impl VerificationState {
    /// The state after a step, or none if the step may not follow. What is rejected for good may be taken up by staff only.
    pub(super) const fn after(self, step: Step, resubmittable: bool) -> Option<Self> {
        match (self, step) {
            (Self::Unverified | Self::Pending | Self::Expired | Self::Revoked, Step::Submit) => {
                Some(Self::Pending)
            }
            (Self::Rejected, Step::Submit) if resubmittable => Some(Self::Pending),
            (Self::Pending | Self::InReview | Self::Rejected, Step::Review) => Some(Self::InReview),
            // again is a renewal: what counts goes on counting while the next document is looked at
            (Self::InReview | Self::Verified, Step::Verify) => Some(Self::Verified),
            (Self::InReview | Self::Rejected, Step::Reject) => Some(Self::Rejected),
            (Self::Verified | Self::Revoked, Step::Revoke) => Some(Self::Revoked),
            (Self::Verified | Self::Expired, Step::Expire) => Some(Self::Expired),
            (
                Self::Unverified
                | Self::Pending
                | Self::InReview
                | Self::Verified
                | Self::Rejected
                | Self::Expired
                | Self::Revoked,
                Step::Submit
                | Step::Review
                | Step::Verify
                | Step::Reject
                | Step::Revoke
                | Step::Expire,
            ) => None,
        }
    }

    /// What may be done in this state.
    pub(super) fn steps(self, resubmittable: bool) -> Vec<Step> {
        let may = |step: &&Step| self.after(**step, resubmittable).is_some();
        Step::ALL.iter().filter(may).copied().collect()
    }

    /// Where something that is stored as `self` stands on a day, and why, if that is another state.
    pub fn standing(
        self,
        valid_until: Option<NaiveDate>,
        still_on_file: bool,
        today: NaiveDate,
    ) -> (Self, Option<Lapse>) {
        match self {
            Self::Verified if valid_until.is_some_and(|last| last < today) => {
                (Self::Expired, Some(Lapse::Time))
            }
            Self::Verified if !still_on_file => (Self::Expired, Some(Lapse::ChangedOnFile)),
            Self::Expired => (Self::Expired, Some(Lapse::Time)),
            Self::Unverified
            | Self::Pending
            | Self::InReview
            | Self::Verified
            | Self::Rejected
            | Self::Revoked => (self, None),
        }
    }
}

/// Where one kind stands, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// What is proven.
    pub kind: VerificationKind,
    /// Where it stands today.
    pub state: VerificationState,
    /// Why it is expired, if it is.
    pub lapse: Option<Lapse>,
    /// A reference to what was submitted or seen.
    pub evidence: Option<String>,
    /// How it was looked at.
    pub method: Option<VerificationMethod>,
    /// The last day on which it counts, in UTC; none if it has no end.
    pub valid_until: Option<NaiveDate>,
    /// Who decided that it is proven.
    pub verified_by: Option<String>,
    /// When.
    pub verified_at: Option<DateTime<Utc>>,
    /// Why it was rejected or revoked.
    pub reason: Option<String>,
    /// Of what was rejected: whether another try is welcome.
    pub resubmittable: Option<bool>,
    /// Grows with each change; 0 as long as nothing was submitted.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What somebody does, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) step: Step,
    pub(super) evidence: Option<String>,
    pub(super) method: Option<VerificationMethod>,
    pub(super) valid_until: Option<NaiveDate>,
    pub(super) reason: Option<String>,
    pub(super) resubmittable: Option<bool>,
}

/// Why a step is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It may not follow.
    #[error("`{step}` may not follow `{from}`; {}", may_follow(.possible))]
    OutOfOrder {
        /// Where it stands.
        from: VerificationState,
        /// What was asked for.
        step: Step,
        /// What is possible now.
        possible: Vec<Step>,
    },
    /// It was decided otherwise already.
    #[error(
        "it is `{state}` already, on other grounds; read it and repeat the decision with its version in If-Match"
    )]
    DecidedAlready {
        /// As what.
        state: VerificationState,
    },
}

fn may_follow(possible: &[Step]) -> String {
    if possible.is_empty() {
        return "nothing may".to_owned();
    }
    let words: Vec<_> = possible.iter().map(|step| step.as_str()).collect();
    format!("possible now: {}", words.join(", "))
}

impl Verification {
    /// A kind that nobody submitted.
    pub(super) const fn absent(kind: VerificationKind) -> Self {
        Self {
            kind,
            state: VerificationState::Unverified,
            lapse: None,
            evidence: None,
            method: None,
            valid_until: None,
            verified_by: None,
            verified_at: None,
            reason: None,
            resubmittable: None,
            version: 0,
            updated_at: None,
        }
    }

    /// What becomes of it by a change; none if it is so already. `told` says that whoever changes it has read the present
    /// version.
    pub(super) fn changed(
        &self,
        change: &Change,
        told: bool,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Refusal> {
        let resubmittable = self.resubmittable.unwrap_or_default();
        let to = self.state.after(change.step, resubmittable);
        let to = to.ok_or_else(|| Refusal::OutOfOrder {
            from: self.state,
            step: change.step,
            possible: self.state.steps(resubmittable),
        })?;
        let next = self.with(change, to, by, now);
        if to != self.state {
            return Ok(Some(next));
        }
        let same = next.method == self.method
            && next.evidence == self.evidence
            && next.valid_until == self.valid_until
            && next.reason == self.reason
            && next.resubmittable == self.resubmittable;
        match change.step {
            _ if same => Ok(None),
            // handed in again before anybody looked: the later one counts
            Step::Submit => Ok(Some(next)),
            Step::Verify if told => Ok(Some(next)),
            Step::Review | Step::Verify | Step::Reject | Step::Revoke | Step::Expire => {
                Err(Refusal::DecidedAlready { state: self.state })
            }
        }
    }

    fn with(
        &self,
        change: &Change,
        state: VerificationState,
        by: &str,
        now: DateTime<Utc>,
    ) -> Self {
        let stays = Self {
            state,
            lapse: None,
            reason: None,
            resubmittable: None,
            version: self.version + 1,
            updated_at: Some(now),
            ..self.clone()
        };
        match change.step {
            Step::Submit => Self {
                evidence: change.evidence.clone(),
                method: None,
                valid_until: None,
                verified_by: None,
                verified_at: None,
                ..stays
            },
            Step::Verify => Self {
                evidence: change.evidence.clone(),
                method: change.method,
                valid_until: change.valid_until,
                verified_by: Some(by.to_owned()),
                verified_at: Some(now),
                ..stays
            },
            Step::Reject | Step::Revoke => Self {
                reason: change.reason.clone(),
                resubmittable: change.resubmittable,
                ..stays
            },
            Step::Review | Step::Expire => stays,
        }
    }
}

/// What staff says of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVerdict {
    /// What is decided.
    pub verdict: Verdict,
    /// What was seen; with `verify` only.
    pub evidence: Option<String>,
    /// How it was looked at; with `verify` only.
    pub method: Option<VerificationMethod>,
    /// The last day on which it counts; with `verify` only, none if it has no end.
    pub valid_until: Option<NaiveDate>,
    /// Why; with `reject` and `revoke` only.
    pub reason: Option<String>,
    /// Whether another try is welcome; with `reject` only, and yes if it is left out.
    pub resubmittable: Option<bool>,
}

impl NewVerdict {
    /// The change that it asks for.
    pub(super) fn change(self, today: NaiveDate) -> Result<Change, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let verifies = self.verdict == Verdict::Verify;
        let gives_reasons = matches!(self.verdict, Verdict::Reject | Verdict::Revoke);
        let rejects = self.verdict == Verdict::Reject;
        let mut only = |field: &'static str, given: bool, fits: bool, with: &'static str| {
            if given && !fits {
                wrong.push(FieldError::new(field, format!("goes with {with} only")));
            }
        };
        only("/evidence", self.evidence.is_some(), verifies, "`verify`");
        only("/method", self.method.is_some(), verifies, "`verify`");
        let ends = self.valid_until.is_some();
        only("/validUntil", ends, verifies, "`verify`");
        let why = self.reason.is_some();
        only("/reason", why, gives_reasons, "`reject` and `revoke`");
        let again = self.resubmittable.is_some();
        only("/resubmittable", again, rejects, "`reject`");
        if verifies {
            let message =
                "say what was seen, such as the document, its issuer and its last four characters";
            wrong.extend(text_error("/evidence", self.evidence.as_deref(), message));
            if self.method.is_none() {
                let words: Vec<_> = VerificationMethod::ALL.iter().map(|m| m.as_str()).collect();
                let message = format!("say how it was looked at: {}", words.join(", "));
                wrong.push(FieldError::new("/method", message));
            }
            wrong.extend(self.valid_until.and_then(|last| end_error(last, today)));
        }
        if gives_reasons {
            wrong.extend(text_error("/reason", self.reason.as_deref(), "say why"));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Change {
            step: self.verdict.into(),
            evidence: self.evidence.map(|text| text.trim().to_owned()),
            method: self.method,
            valid_until: self.valid_until,
            reason: self.reason.map(|text| text.trim().to_owned()),
            resubmittable: rejects.then(|| self.resubmittable.unwrap_or(true)),
        })
    }
}

impl Change {
    /// Something is handed in.
    pub(super) fn submission(evidence: &str) -> Result<Self, Vec<FieldError>> {
        let message = "say what is handed in, such as the document and its issuer";
        match text_error("/evidence", Some(evidence), message) {
            Some(error) => Err(vec![error]),
            None => Ok(Self {
                step: Step::Submit,
                evidence: Some(evidence.trim().to_owned()),
                method: None,
                valid_until: None,
                reason: None,
                resubmittable: None,
            }),
        }
    }
}

fn text_error(field: &'static str, text: Option<&str>, what: &'static str) -> Option<FieldError> {
    let text = text.unwrap_or_default().trim();
    let fits = (1..=TEXT_MAX_CHARS).contains(&text.chars().count()) && !text.contains('\0');
    let message = format!("{what}, in 1 to {TEXT_MAX_CHARS} characters");
    (!fits).then(|| FieldError::new(field, message))
}

fn end_error(last: NaiveDate, today: NaiveDate) -> Option<FieldError> {
    let furthest = today.checked_add_months(Months::new(12 * VALID_MAX_YEARS));
    let message = if last < today {
        "is over already; what is not valid any more proves nothing"
    } else if furthest.is_some_and(|furthest| last > furthest) {
        "is more than 50 years ahead; check the year, or leave it out if there is no end"
    } else {
        return None;
    };
    Some(FieldError::new("/validUntil", message))
}

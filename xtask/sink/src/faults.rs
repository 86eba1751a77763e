//! How the sink misbehaves on demand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// Rules at a time.
pub const RULES_MAX: usize = 100;
/// Longest delay a rule may ask for, milliseconds.
pub const DELAY_MAX_MS: u64 = 600_000;

/// Rules, tried in order for every recipient and every message.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultPlan {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Seed of the dice behind `percent`; the same seed and the same mail in
    /// the same order give the same faults.
    #[serde(default)]
    pub seed: u64,
}

/// When something goes wrong, and what.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Recipients it applies to: the whole address, with `*` for any number
    /// of characters. Everybody unless given.
    #[serde(default = "everybody")]
    pub recipient: String,
    /// In how many of a hundred cases.
    #[serde(default = "always")]
    pub percent: f64,
    /// How often at most; without limit unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What happens.
    pub effect: Effect,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Effect {
    /// A refusal.
    Reply {
        /// At which command.
        at: Stage,
        /// 400 to 599.
        code: u16,
        /// What is said; a sentence of our own unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// A pause before the answer to the message, after which other rules
    /// decide.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection ends after DATA, without an answer.
    Cut(Cut),
}

/// At which command a refusal is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The answer to RCPT.
    Rcpt,
    /// The answer to the message, which is not stored.
    Data,
}

/// What has become of the message when the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cut {
    /// It is stored: the sender does not know, the recipient has it.
    AfterStoring,
    /// It is lost.
    BeforeStoring,
}

/// A refusal to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// What happens to a message whose last byte has arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) delay: Option<Duration>,
    pub(crate) end: End,
}

/// How a message ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum End {
    #[default]
    Stored,
    Refused(Refusal),
    Cut(Cut),
}

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    /// Spares every recipient a lock while there are no rules.
    any: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    plan: FaultPlan,
    used: Vec<u64>,
    dice: StdRng,
}

impl FaultPlan {
    /// Why the plan cannot be followed, if it cannot.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.rules.len() > RULES_MAX {
            return Some(format!("more than {RULES_MAX} rules"));
        }
        self.rules.iter().enumerate().find_map(|(index, rule)| {
            rule.problem()
                .map(|problem| format!("rules[{index}]: {problem}"))
        })
    }
}

impl Rule {
    fn problem(&self) -> Option<String> {
        if !(0.0..=100.0).contains(&self.percent) {
            return Some("percent must be between 0 and 100".into());
        }
        match &self.effect {
            Effect::Reply { code, .. } if !(400..600).contains(code) => {
                Some("code must be between 400 and 599".into())
            }
            Effect::Reply {
                text: Some(text), ..
            } if text.contains(['\r', '\n']) => Some("text must be one line".into()),
            Effect::Delay { ms } if *ms > DELAY_MAX_MS => {
                Some(format!("ms must be at most {DELAY_MAX_MS}"))
            }
            Effect::Reply { .. } | Effect::Delay { .. } | Effect::Cut(_) => None,
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            any: AtomicBool::new(false),
            inner: Mutex::new(Inner::new(FaultPlan::default())),
        }
    }
}

impl Faults {
    /// Replaces the rules; uses are counted anew.
    pub fn set(&self, plan: FaultPlan) {
        let any = !plan.rules.is_empty();
        *self.lock() = Inner::new(plan);
        self.any.store(any, Ordering::Release);
    }

    /// The rules in force.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        self.lock().plan.clone()
    }

    /// The refusal that a recipient gets, if any.
    pub(crate) fn at_recipient(&self, recipient: &str) -> Option<Refusal> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut inner = self.lock();
        (0..inner.plan.rules.len()).find_map(|index| {
            let refusal = inner.plan.rules[index].effect.refusal(Stage::Rcpt)?;
            inner
                .strikes(index, std::slice::from_ref(&recipient.to_owned()))
                .then_some(refusal)
        })
    }

    /// What becomes of a message to `recipients`.
    pub(crate) fn after_data(&self, recipients: &[String]) -> Fate {
        let mut fate = Fate::default();
        if !self.any.load(Ordering::Acquire) {
            return fate;
        }
        let mut inner = self.lock();
        for index in 0..inner.plan.rules.len() {
            let effect = inner.plan.rules[index].effect.clone();
            if !effect.is_after_data() || !inner.strikes(index, recipients) {
                continue;
            }
            match &effect {
                Effect::Delay { ms } => {
                    let delay = fate.delay.unwrap_or_default() + Duration::from_millis(*ms);
                    fate.delay = Some(delay);
                }
                Effect::Cut(cut) => {
                    fate.end = End::Cut(*cut);
                    return fate;
                }
                Effect::Reply { .. } => {
                    if let Some(refusal) = effect.refusal(Stage::Data) {
                        fate.end = End::Refused(refusal);
                        return fate;
                    }
                }
            }
        }
        fate
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn new(plan: FaultPlan) -> Self {
        let (used, dice) = (vec![0; plan.rules.len()], StdRng::seed_from_u64(plan.seed));
        Self { plan, used, dice }
    }

    /// Whether rule `index` applies to one of the recipients now; counts it.
    fn strikes(&mut self, index: usize, recipients: &[String]) -> bool {
        let rule = &self.plan.rules[index];
        let applies = recipients
            .iter()
            .any(|recipient| matches(&rule.recipient, recipient))
            && rule.times.is_none_or(|times| self.used[index] < times)
            && self.dice.random_range(0.0..100.0) < rule.percent;
        self.used[index] += u64::from(applies);
        applies
    }
}

impl Effect {
    fn is_after_data(&self) -> bool {
        match self {
            Self::Reply { at, .. } => *at == Stage::Data,
            Self::Delay { .. } | Self::Cut(_) => true,
        }
    }

    fn refusal(&self, stage: Stage) -> Option<Refusal> {
        match self {
            Self::Reply { at, code, text } if *at == stage => {
                let text = text.clone().unwrap_or_else(|| "refused as planned".into());
                Some(Refusal { code: *code, text })
            }
            Self::Reply { .. } | Self::Delay { .. } | Self::Cut(_) => None,
        }
    }
}

fn everybody() -> String {
    "*".into()
}

fn always() -> f64 {
    100.0
}

/// Whether `text` is `pattern`, where `*` stands for any characters; addresses
/// are compared without regard to case.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The leftmost place leaves the most for the parts that follow.
        let Some((_, after)) = text.split_once(part) else {
            return false;
        };
        text = after;
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rules: &str) -> FaultPlan {
        serde_json::from_str(&format!(r#"{{"rules":[{rules}]}}"#)).unwrap()
    }

    fn faults(rules: &str) -> Faults {
        let faults = Faults::default();
        faults.set(plan(rules));
        faults
    }

    fn to(recipient: &str) -> Vec<String> {
        vec![recipient.to_owned()]
    }

    #[test]
    fn patterns_match_whole_addresses() {
        assert!(matches("*", "a@b.example"));
        assert!(matches("*@B.example", "a@b.example"));
        assert!(matches("a*@*.example", "ann@b.c.example"));
        assert!(!matches("*@b.example", "a@b.example.org"));
        assert!(!matches("b@*", "a@b.example"));
        assert!(matches("a*a", "aa") && !matches("a*a", "a"));
    }

    #[test]
    fn a_refusal_strikes_only_its_recipients_and_only_so_often() {
        let faults = faults(
            r#"{"recipient":"*@slow.example","times":1,"effect":{"reply":{"at":"rcpt","code":451}}}"#,
        );
        assert_eq!(faults.at_recipient("a@b.example"), None);
        assert_eq!(faults.at_recipient("a@slow.example").unwrap().code, 451);
        assert_eq!(faults.at_recipient("a@slow.example"), None);
        assert_eq!(faults.after_data(&to("a@slow.example")), Fate::default());
    }

    #[test]
    fn a_delay_adds_up_and_lets_later_rules_decide() {
        let faults = faults(
            r#"{"effect":{"delay":{"ms":20}}},{"effect":{"delay":{"ms":5}}},{"effect":{"cut":"afterStoring"}}"#,
        );
        let fate = faults.after_data(&to("a@b.example"));
        assert_eq!(fate.delay, Some(Duration::from_millis(25)));
        assert_eq!(fate.end, End::Cut(Cut::AfterStoring));
    }

    #[test]
    fn percent_is_about_right_and_repeats_with_the_seed() {
        let strikes = || -> Vec<bool> {
            let faults = faults(r#"{"percent":30,"effect":{"cut":"beforeStoring"}}"#);
            (0..1000)
                .map(|_| faults.after_data(&to("a@b.example")).end != End::Stored)
                .collect()
        };
        let first = strikes();
        let count = first.iter().filter(|strike| **strike).count();
        assert!((250..350).contains(&count), "{count}");
        assert_eq!(first, strikes());
    }

    #[test]
    fn plans_that_make_no_sense_are_refused_with_the_rule_named() {
        let cases = [
            (r#"{"percent":101,"effect":{"delay":{"ms":1}}}"#, "percent"),
            (r#"{"effect":{"reply":{"at":"data","code":250}}}"#, "code"),
            (
                r#"{"effect":{"reply":{"at":"data","code":550,"text":"a\r\nb"}}}"#,
                "one line",
            ),
            (r#"{"effect":{"delay":{"ms":600001}}}"#, "ms"),
        ];
        for (rule, expected) in cases {
            let problem = plan(rule).problem().unwrap();
            assert!(
                problem.starts_with("rules[0]") && problem.contains(expected),
                "{problem}"
            );
        }
    }
}

//! What creators agreed to, each with its proof.

use super::Plan;
use super::calendar::{Calendar, DAY, END, Moment};
use super::dice::{About, Dice};
use super::life::Life;
use super::profile::Profile;
use super::rows::{Sheets, Table};

/// Of a thousand creators, how many agree to mail when they register, and how many of those to text messages.
const AGREE_TO_MAIL: u32 = 955;
const AGREE_TO_TEXTS: u32 = 300;
/// Of a thousand who agreed, how many take it back.
const WITHDRAW: u32 = 60;

/// Writes the consents of a creator.
pub(super) fn write(
    plan: &Plan,
    calendar: &Calendar,
    profile: &mut Profile,
    life: &Life,
    sheets: &mut Sheets,
) {
    let mut dice = Dice::of(plan.seed, About::Consents, profile.n);
    let (email, phone) = (profile.email.clone(), profile.phone.clone());
    let mut word = |channel: &str, contact: &str, said: Said| {
        let id = profile.row_id(calendar, said.at);
        sheets
            .row(Table::Consents)
            .id(id)
            .id(profile.id)
            .plain(channel)
            .plain(said.state)
            .plain(said.source)
            .text(&said.proof)
            .plain(said.by)
            .time(calendar.at(said.at))
            .plain(contact)
            .end();
    };
    let box_ticked = |at| Said {
        state: "granted",
        source: "signup_form",
        proof: format!("signup form, version {}: box ticked", 1 + at / (200 * DAY)),
        by: "seed",
        at,
    };
    if plan.mixture.all_agree() {
        word("email", &email, box_ticked(profile_created(life)));
        return;
    }
    if !dice.chance(AGREE_TO_MAIL) {
        return;
    }
    let at = profile_created(life);
    word("email", &email, box_ticked(at));
    if let Some(phone) = phone.filter(|_| dice.chance(AGREE_TO_TEXTS)) {
        word("sms", &phone, box_ticked(at));
    }
    let later = at + dice.between(2 * DAY, 500 * DAY);
    if dice.chance(WITHDRAW) && later < END {
        let said = Said {
            state: "withdrawn",
            source: "support",
            proof: format!("ticket {}", dice.between(10_000, 99_999)),
            by: "user:staff3",
            at: later,
        };
        word("email", &email, said);
    }
}

/// One word about a channel.
struct Said {
    state: &'static str,
    source: &'static str,
    proof: String,
    by: &'static str,
    at: Moment,
}

fn profile_created(life: &Life) -> Moment {
    life.turns[0].at
}

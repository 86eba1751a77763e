//! Profiles: stage names, addresses, and the rows that make a creator.

use uuid::Uuid;

use super::Plan;
use super::calendar::{Calendar, DAY, END, Moment};
use super::dice::{About, Dice};
use super::life::Life;
use super::nights::TierTurn;
use super::person::{Person, id_at};
use super::rows::{Sheets, Table};
use super::words::{BEGIN, END as SECOND, FIRST, PLATFORMS};
use crate::creators::CreatorStatus;
use crate::tiers::Standing;

/// When somebody active was last seen, in seconds before the end.
const SEEN: [(i64, i64); 4] = [
    (0, 60),
    (600_000, DAY),
    (900_000, 7 * DAY),
    (1_000_000, 25 * DAY),
];

/// One creator.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) n: u32,
    pub(super) id: Uuid,
    pub(super) cluster: &'static str,
    pub(super) created: Moment,
    pub(super) email: String,
    pub(super) phone: Option<String>,
    first_name: &'static str,
    display_name: String,
    username: String,
    alias: Option<String>,
    handle: Option<String>,
    owner: Option<String>,
    last_active: Option<Moment>,
    /// Draws the ids of the rows around it.
    ids: Dice,
}

impl Profile {
    pub(super) fn of(
        plan: &Plan,
        calendar: &Calendar,
        n: u32,
        cluster: &'static str,
        created: Moment,
        life: &Life,
        person: &Person,
    ) -> Self {
        let mut ids = Dice::of(plan.seed, About::Ids, n);
        let mut dice = Dice::of(plan.seed, About::Profile, n);
        let (first_name, begin, end) = (dice.pick(&FIRST), dice.pick(&BEGIN), dice.pick(&SECOND));
        let second = format!("{begin}{end}");
        let display_name = format!(
            "{first_name} {}{}",
            second[..1].to_uppercase(),
            &second[1..]
        );
        let letters = first_name
            .chars()
            .map(|letter| if letter == 'é' { 'e' } else { letter });
        let mut username: String = letters.chain(second.chars()).collect();
        username.make_ascii_lowercase();
        username.truncate(22);
        username.push_str(&n.to_string());
        let handle = dice.chance(333).then(|| {
            let platform = dice.pick(&PLATFORMS);
            format!("{{\"{platform}\": \"{username}_x\"}}")
        });
        let last = life.last();
        let last_active = if last.to == CreatorStatus::Active {
            Some(last.at.max(END - dice.along(&SEEN)))
        } else if life.activated().is_some() {
            Some(last.at)
        } else {
            dice.chance(500).then_some(created)
        };
        Self {
            n,
            id: id_at(&mut ids, calendar, created),
            cluster,
            created,
            email: format!("{username}@{cluster}.example"),
            phone: person.phone.clone(),
            alias: dice.chance(100).then(|| format!("The {display_name}")),
            owner: dice
                .chance(200)
                .then(|| format!("staff{}", dice.between(1, 40))),
            first_name,
            display_name,
            username,
            handle,
            last_active,
            ids,
        }
    }

    /// An id for a row of that time.
    pub(super) fn row_id(&mut self, calendar: &Calendar, at: Moment) -> Uuid {
        id_at(&mut self.ids, calendar, at)
    }

    /// The creator's own row and histories.
    pub(super) fn write(
        &mut self,
        calendar: &Calendar,
        person: &Person,
        life: &Life,
        tiers: &[TierTurn],
        standing: Standing,
        sheets: &mut Sheets,
    ) {
        let status = life.last();
        let alias = self.alias.as_ref().map(|alias| format!("{{\"{alias}\"}}"));
        sheets
            .row(Table::Creators)
            .id(self.id)
            .id(person.id)
            .plain(self.cluster)
            .plain(&self.email)
            .plain(&self.email)
            .plain(&self.username)
            .plain(&self.username)
            .maybe(self.phone.as_deref(), |row, phone| row.plain(phone))
            .text(&self.display_name)
            .text(self.first_name)
            .text(alias.as_deref().unwrap_or("{}"))
            .text(self.handle.as_deref().unwrap_or("{}"))
            .plain(status.to.as_str())
            .plain(person.time_zone)
            .maybe(self.owner.as_deref(), |row, owner| row.plain(owner))
            .maybe(self.last_active, |row, at| row.time(calendar.at(at)))
            .plain("seed")
            .time(calendar.at(self.created))
            .time(calendar.at(status.at))
            .time(calendar.at(status.at))
            .end();
        self.write_statuses(calendar, life, sheets);
        self.write_suspensions(calendar, life, sheets);
        self.write_tiers(calendar, tiers, standing, sheets);
    }

    fn write_statuses(&mut self, calendar: &Calendar, life: &Life, sheets: &mut Sheets) {
        let mut before = None;
        for turn in &life.turns {
            let id = self.row_id(calendar, turn.at);
            sheets
                .row(Table::StatusHistory)
                .id(id)
                .id(self.id)
                .maybe(before, |row, status: CreatorStatus| {
                    row.plain(status.as_str())
                })
                .plain(turn.to.as_str())
                .text(turn.reason)
                .plain(&actor(turn.staff))
                .time(calendar.at(turn.at))
                .time(calendar.at(turn.at))
                .end();
            before = Some(turn.to);
        }
    }

    fn write_suspensions(&mut self, calendar: &Calendar, life: &Life, sheets: &mut Sheets) {
        for one in &life.suspensions {
            let id = self.row_id(calendar, one.from);
            sheets
                .row(Table::Blocks)
                .id(id)
                .id(self.id)
                .plain("suspension")
                .text(one.reason)
                .plain("{mail,payout}")
                .time(calendar.at(one.from))
                .maybe(one.until, |row, at| row.time(calendar.at(at)))
                .plain(&actor(Some(one.staff)))
                .time(calendar.at(one.from))
                .maybe(one.lifted, |row, (staff, _)| row.plain(&actor(Some(staff))))
                .maybe(one.lifted, |row, (_, why)| row.text(why))
                .end();
        }
    }

    fn write_tiers(
        &mut self,
        calendar: &Calendar,
        tiers: &[TierTurn],
        standing: Standing,
        sheets: &mut Sheets,
    ) {
        for turn in tiers {
            let id = self.row_id(calendar, turn.at);
            sheets
                .row(Table::TierHistory)
                .id(id)
                .id(self.id)
                .maybe(turn.from, |row, tier| row.plain(tier.as_str()))
                .plain(turn.to.as_str())
                .text(&turn.reason)
                .plain("system")
                .time(calendar.at(turn.at))
                .time(calendar.at(turn.at))
                .end();
        }
        if let Some(below) = standing.below {
            sheets
                .row(Table::TierStates)
                .id(self.id)
                .plain(standing.organic.as_str())
                .plain(&below.since.to_string())
                .plain(below.best.as_str())
                .end();
        }
    }
}

/// Who did something: a member of staff, or the system.
pub(super) fn actor(staff: Option<i64>) -> String {
    staff.map_or_else(|| "system".to_owned(), |staff| format!("user:staff{staff}"))
}

//! What staff keeps around a creator: notes, tasks, tags and fields.

use chrono::Duration;

use super::Plan;
use super::calendar::{Calendar, DAY, END, Moment};
use super::dice::{About, Dice};
use super::life::Life;
use super::profile::{Profile, actor};
use super::rows::{Sheets, Table};

/// A custom field that the population fills: key, label, type, options, currency.
type FieldSpec = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
);

/// The fields, one of most types.
pub(super) const FIELDS: [FieldSpec; 5] = [
    (
        "content_language",
        "Language of the content",
        "select",
        &["en", "de", "es", "fr", "pt", "ja"],
        None,
    ),
    (
        "interests",
        "Interests",
        "multi_select",
        &["travel", "cosplay", "fitness", "music", "gaming"],
        None,
    ),
    (
        "monthly_goal",
        "Goal for a month",
        "money",
        &[],
        Some("USD"),
    ),
    ("contract_until", "Contract ends", "date", &[], None),
    ("press_ready", "Agrees to press requests", "bool", &[], None),
];
/// Type, priority, visibility and text of notes.
const NOTES: [(&str, &str, &str, &str); 8] = [
    (
        "general",
        "low",
        "team",
        "Prefers to be written to in the evening.",
    ),
    (
        "support",
        "medium",
        "team",
        "Asked how to change the cover picture; sent the guide.",
    ),
    (
        "support",
        "high",
        "team",
        "Payout went to the old account. **Check before the next one.**",
    ),
    (
        "marketing",
        "medium",
        "team",
        "Would take part in a cross promotion in spring.",
    ),
    (
        "performance",
        "medium",
        "team",
        "Growing since the new schedule; keep in touch.",
    ),
    ("financial", "medium", "team", "Wants a weekly statement."),
    (
        "compliance",
        "high",
        "compliance",
        "Second person in two videos; release asked for.",
    ),
    (
        "general",
        "low",
        "private",
        "Met at the fair, nice to talk to.",
    ),
];
const TASKS: [&str; 5] = [
    "Call about the first month",
    "Ask for new photographs",
    "Check the bank details",
    "Send the contract",
    "Look at the pricing together",
];
const TAGS: [&str; 8] = [
    "vip",
    "fair-2026",
    "needs-help",
    "podcast",
    "bilingual",
    "high-potential",
    "cosplay",
    "on-watch",
];

/// Writes what lies around a creator.
pub(super) fn write(
    plan: &Plan,
    calendar: &Calendar,
    profile: &mut Profile,
    life: &Life,
    sheets: &mut Sheets,
) {
    let mut desk = Desk {
        dice: Dice::of(plan.seed, About::Around, profile.n),
        calendar,
        life,
        profile,
        sheets,
    };
    desk.notes();
    desk.tasks();
    desk.tags();
    desk.fields();
}

struct Desk<'a> {
    dice: Dice,
    calendar: &'a Calendar,
    life: &'a Life,
    profile: &'a mut Profile,
    sheets: &'a mut Sheets,
}

impl Desk<'_> {
    /// Some moment since they came.
    fn some_time(&mut self) -> Moment {
        let created = self.life.turns[0].at;
        let hours = (END - 60 - created) / 3_600;
        created + 60 + self.dice.between(0, hours.max(1) - 1) * 3_600
    }

    fn staff(&mut self) -> String {
        let staff = self.dice.between(1, 40);
        actor(Some(staff))
    }

    fn notes(&mut self) {
        for _ in 0..[0, 0, 0, 1, 1, 2, 4][self.dice.below(7) as usize] {
            let (kind, priority, visibility, text) = self.dice.pick(&NOTES);
            let (at, by) = (self.some_time(), self.staff());
            let follow_up = (self.dice.chance(150)).then(|| {
                let days = self.dice.between(3, 60);
                self.calendar.at(at).date_naive() + Duration::days(days)
            });
            let pinned = self.dice.chance(60);
            let id = self.profile.row_id(self.calendar, at);
            self.sheets
                .row(Table::Notes)
                .id(id)
                .id(self.profile.id)
                .plain(kind)
                .plain(priority)
                .text(text)
                .plain(visibility)
                .plain(if pinned { "t" } else { "f" })
                .maybe(follow_up, |row, day| row.plain(&day.to_string()))
                .plain(&by)
                .time(self.calendar.at(at))
                .time(self.calendar.at(at))
                .end();
        }
    }

    fn tasks(&mut self) {
        for _ in 0..[0, 0, 0, 0, 1, 1, 2][self.dice.below(7) as usize] {
            let (at, by) = (self.some_time(), self.staff());
            let due = at + self.dice.between(1, 30) * DAY;
            let done = at + self.dice.between(DAY / 2, 25 * DAY);
            let done = (done < END && self.dice.chance(850)).then_some(done);
            let assignee = self
                .dice
                .chance(800)
                .then(|| format!("staff{}", self.dice.between(1, 40)));
            let id = self.profile.row_id(self.calendar, at);
            self.sheets
                .row(Table::Tasks)
                .id(id)
                .id(self.profile.id)
                .text(self.dice.pick(&TASKS))
                .maybe(assignee.as_deref(), |row, who| row.plain(who))
                .time(self.calendar.at(due))
                .plain(if done.is_some() { "done" } else { "open" })
                .maybe(done, |row, at| row.time(self.calendar.at(at)))
                .maybe(done, |row, _| row.plain(&by))
                .plain(&by)
                .time(self.calendar.at(at))
                .time(self.calendar.at(done.unwrap_or(at)))
                .end();
            self.task_event(id, "created", &by, at);
            if let Some(done) = done {
                self.task_event(id, "done", &by, done);
            }
        }
    }

    fn task_event(&mut self, task: uuid::Uuid, kind: &str, by: &str, at: Moment) {
        let id = self.profile.row_id(self.calendar, at);
        self.sheets
            .row(Table::TaskEvents)
            .id(id)
            .id(task)
            .id(self.profile.id)
            .plain(kind)
            .plain(by)
            .time(self.calendar.at(at))
            .end();
    }

    fn tags(&mut self) {
        let first = self.dice.below(8) as usize;
        for place in 0..[0, 0, 1, 1, 2, 3][self.dice.below(6) as usize] {
            let tag = TAGS[(first + place) % TAGS.len()];
            let (at, by) = (self.some_time(), self.staff());
            self.sheets
                .row(Table::Tags)
                .id(self.profile.id)
                .plain(tag)
                .plain(&by)
                .time(self.calendar.at(at))
                .end();
            let id = self.profile.row_id(self.calendar, at);
            self.sheets
                .row(Table::TagEvents)
                .id(id)
                .id(self.profile.id)
                .plain(tag)
                .plain("added")
                .plain(&by)
                .time(self.calendar.at(at))
                .end();
        }
    }

    fn fields(&mut self) {
        for (key, _, kind, options, _) in FIELDS {
            if !self.dice.chance(350) {
                continue;
            }
            let (at, by) = (self.some_time(), self.staff());
            let row = self
                .sheets
                .row(Table::FieldValues)
                .id(self.profile.id)
                .plain(key)
                .plain(kind);
            let dice = &mut self.dice;
            let row = match kind {
                "select" => row.plain(dice.pick(options)).null().null().null().null(),
                "money" => {
                    let goal = dice.between(1, 80) * 250;
                    row.null().number(goal).null().null().null()
                }
                "date" => {
                    let end =
                        self.calendar.at(END).date_naive() + Duration::days(dice.between(10, 700));
                    row.null().null().plain(&end.to_string()).null().null()
                }
                "bool" => {
                    let yes = if dice.chance(500) { "t" } else { "f" };
                    row.null().null().null().plain(yes).null()
                }
                _ => {
                    let list = format!("{{{}}}", dice.pick(options));
                    row.null().null().null().null().plain(&list)
                }
            };
            row.plain(&by).time(self.calendar.at(at)).end();
        }
    }
}

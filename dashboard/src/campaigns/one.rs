//! One campaign as it runs.

use chrono::TimeDelta;
use maud::{Markup, html};
use shared::access::Permission;
use shared::campaigns::{
    Campaign, CampaignStatus, Decision, Delivery, DeliveryStatus, Metrics, Move, SkipReason,
};

use crate::frame::Frame;
use crate::parts::{Call, Part, link, more, parts_of, state};
use crate::query::term;
use crate::words::{count, duration, moment, rate};

/// What the page shows.
#[derive(Debug)]
pub struct CampaignPage {
    /// The campaign.
    pub campaign: Campaign,
    /// What became of its recipients.
    pub metrics: Metrics,
    /// The status whose rows are shown.
    pub rows: DeliveryStatus,
    /// Recipients' rows of that status; none for who may not see them.
    pub deliveries: Option<Vec<Delivery>>,
    /// For the next page of rows.
    pub next: Option<String>,
}

/// The page.
pub fn campaign(frame: &Frame<'_>, page: &CampaignPage) -> Markup {
    let campaign = &page.campaign;
    let head = html! { p.trail { a href="/campaigns" { "Campaigns" } " / " (campaign.kind) } };
    let live = html! {
        header.title { h1 { (campaign.name) } (state(campaign.status.as_str())) code.id { (campaign.id) } }
        @if frame.viewer.may(Permission::RunCampaigns) { (steering(campaign)) }
        (progress(page))
        (facts(frame, page))
        @if !page.metrics.skipped.is_empty() { (skipped(page)) }
        @if let Some(rows) = &page.deliveries { (deliveries(frame, page, rows)) }
        section aria-labelledby="content" { h2 #content { "What it says" }
            h3 { (campaign.content.subject) }
            pre.letter { (campaign.content.message) }
            @if let Some(action) = &campaign.content.action { p { span.tag { (action.text) } " leads to " code { (action.url) } } }
        }
    };
    frame.page(&campaign.name, &head, &live)
}

/// What can be done with it now, as its states allow.
fn steering(campaign: &Campaign) -> Markup {
    let offers: [(Move, &str, &str, &str, Option<&str>); 4] = [
        (
            Move::Launch,
            "Launch",
            "It is under way.",
            "main",
            Some("Launch it? Its content and audience are frozen, and mails go out."),
        ),
        (Move::Pause, "Pause", "No other mail is begun.", "", None),
        (Move::Resume, "Resume", "It goes on.", "main", None),
        (
            Move::Cancel,
            "Cancel",
            "What is on its way arrives; nobody else gets it.",
            "danger",
            Some(
                "Cancel it for good? What is on its way arrives; the other recipients are skipped.",
            ),
        ),
    ];
    let legal = |wanted: Move| {
        let after = campaign.status.after(wanted);
        matches!(after, Some(shared::campaigns::Transition::Applied(_)))
    };
    html! {
        div.steer {
            @for (wanted, label, done, class, question) in offers {
                @if legal(wanted) {
                    @let api = format!("POST /api/campaigns/{}/{wanted}", campaign.id);
                    @let call = Call::new(&api, label, done).class(class);
                    @match question { Some(question) => (call.ask(question).button()), None => (call.button()) }
                }
            }
            a.button.small href=(link("/jobs", &[("q", &term("args.campaignId", &campaign.id.to_string()))])) { "Its jobs" }
        }
    }
}

fn progress(page: &CampaignPage) -> Markup {
    let metrics = &page.metrics;
    let n = |status: DeliveryStatus| metrics.count(status);
    let launched = page.campaign.launched_at.is_some();
    let left = metrics.time_left().map(TimeDelta::as_seconds_f64);
    html! {
        section aria-labelledby="progress" {
            header { h2 #progress { "Recipients" }
                span.muted { (how_far(metrics)) } }
            (parts_of(metrics.audience, &[
                Part { name: "sent", tone: "good", count: n(DeliveryStatus::Sent) },
                Part { name: "on their way", tone: "accent", count: n(DeliveryStatus::Sending) },
                Part { name: "skipped", tone: "soft", count: n(DeliveryStatus::Skipped) },
                Part { name: "unknown", tone: "warn", count: n(DeliveryStatus::Unknown) },
                Part { name: "failed", tone: "bad", count: n(DeliveryStatus::Failed) },
            ]))
            dl.figures {
                div { dt { "Recipients" } dd { @if launched { (count(metrics.audience.unsigned_abs())) @if !metrics.audience_complete { "+" } } @else { "–" } } }
                div { dt { "Sent" } dd.good { (count(n(DeliveryStatus::Sent).unsigned_abs())) } }
                div { dt { "Pending" } dd { (count(n(DeliveryStatus::Pending).unsigned_abs())) } }
                div { dt { "Skipped" } dd { (count(n(DeliveryStatus::Skipped).unsigned_abs())) } }
                div { dt { "Unknown" } dd.warn[n(DeliveryStatus::Unknown) > 0] { (count(n(DeliveryStatus::Unknown).unsigned_abs())) } }
                div { dt { "Failed" } dd.bad[n(DeliveryStatus::Failed) > 0] { (count(n(DeliveryStatus::Failed).unsigned_abs())) } }
                div { dt { "Rate" } dd { (rate(metrics.per_second())) span.unit { " /s" } } }
                div { dt { "Time left" } dd { (left.map_or_else(|| "–".to_owned(), duration)) } }
            }
        }
    }
}

fn how_far(metrics: &Metrics) -> String {
    if !metrics.audience_complete {
        return match metrics.status {
            CampaignStatus::Draft => "not launched yet".to_owned(),
            CampaignStatus::Scheduled
            | CampaignStatus::Active
            | CampaignStatus::Paused
            | CampaignStatus::Completed
            | CampaignStatus::Cancelled => "recipients are still being gathered".to_owned(),
        };
    }
    let done = metrics.audience - metrics.open();
    format!(
        "{} of {} have ended",
        count(done.unsigned_abs()),
        count(metrics.audience.unsigned_abs())
    )
}

fn facts(frame: &Frame<'_>, page: &CampaignPage) -> Markup {
    let (campaign, audience) = (&page.campaign, &page.campaign.audience);
    let words = |words: Vec<&str>| {
        if words.is_empty() {
            "all".to_owned()
        } else {
            words.join(", ")
        }
    };
    html! {
        dl.facts {
            dt { "Made" } dd { (moment(campaign.created_at, frame.now)) " by " (campaign.created_by) }
            @if let Some(at) = campaign.starts_at { dt { "Not before" } dd { (moment(at, frame.now)) } }
            @if let Some(at) = campaign.launched_at { dt { "Launched" } dd { (moment(at, frame.now)) } }
            @if let Some(at) = campaign.ended_at { dt { "Ended" } dd { (moment(at, frame.now)) } }
            dt { "Clusters" } dd { (words(audience.clusters.iter().map(String::as_str).collect())) }
            dt { "Tiers" } dd { (words(audience.tiers.iter().map(|tier| tier.as_str()).collect())) }
            dt { "Statuses" } dd { (words(audience.statuses.iter().map(|status| status.as_str()).collect())) }
        }
    }
}

fn skipped(page: &CampaignPage) -> Markup {
    let all: i64 = page.metrics.skipped.values().sum();
    html! {
        section aria-labelledby="skipped" {
            h2 #skipped { "Why recipients were skipped" }
            table.reasons { tbody {
                @for (reason, n) in &page.metrics.skipped {
                    tr { th scope="row" { (in_words(reason)) }
                         td.bar-cell { (parts_of(all, &[Part { name: "skipped", tone: "soft", count: *n }])) }
                         td.n { (count(n.unsigned_abs())) } }
                }
            } }
        }
    }
}

/// A reason as people say it.
fn in_words(reason: &str) -> String {
    let known = reason.parse::<SkipReason>().ok();
    known.map_or_else(
        || reason.to_owned(),
        |reason| {
            let words = match reason {
                SkipReason::DuplicateAddress => "Another recipient has the same address",
                SkipReason::NoConsent => "No consent to e-mail",
                SkipReason::Suppressed => "The address is suppressed",
                SkipReason::CreatorStatus => "Their status is no longer addressed",
                SkipReason::Blocked => "Mail to them is blocked",
                SkipReason::Cancelled => "The campaign was cancelled first",
            };
            words.to_owned()
        },
    )
}

/// Rows of the statuses that somebody may have to look into.
const LOOKED_INTO: [DeliveryStatus; 4] = [
    DeliveryStatus::Unknown,
    DeliveryStatus::Failed,
    DeliveryStatus::Skipped,
    DeliveryStatus::Sent,
];

fn deliveries(frame: &Frame<'_>, page: &CampaignPage, rows: &[Delivery]) -> Markup {
    let path = format!("/campaigns/{}", page.campaign.id);
    let decides =
        page.rows == DeliveryStatus::Unknown && frame.viewer.may(Permission::RunCampaigns);
    html! {
        section #rows aria-labelledby="rows-head" {
            header { h2 #rows-head { "Recipients' rows" }
                nav.spans aria-label="Rows" {
                    @for status in LOOKED_INTO {
                        a href=(link(&path, &[("rows", status.as_str())])) aria-current=[(status == page.rows).then_some("true")] {
                            (status) " " span.muted { (count(page.metrics.count(status).unsigned_abs())) } }
                    }
                } }
            @if rows.is_empty() { p.muted { "None is " (page.rows) "." } }
            @else {
                @if decides { p.muted { "These may have been sent: the answer never came. Look into the mail server's log by the Message-ID, which begins with the row's id, then decide." } }
                div.scroll tabindex="0" role="region" aria-label="Rows" { table {
                    thead { tr { th { "Recipient" } th { "Row" } th { "Why" } th.n { "Attempts" } th { "Ended" } @if decides { th { "Decide" } } } }
                    tbody { @for row in rows { tr id=(row.id) {
                        td { code { (row.creator) } }
                        td { code.muted { (row.id) } }
                        td.error { @if let Some(reason) = &row.reason { (in_words(reason)) }
                            @if let Some(decision) = &row.decision { " · decided: " (decision) } }
                        td.n { (row.attempts) }
                        td { @if let Some(at) = row.ended_at { (moment(at, frame.now)) } }
                        @if decides { td { (decide(page, row)) } }
                    } } }
                } }
                (more(&path, &[("rows", page.rows.as_str())], page.next.as_deref()))
            }
        }
    }
}

fn decide(page: &CampaignPage, row: &Delivery) -> Markup {
    let api = format!(
        "POST /api/campaigns/{}/deliveries/{}/resolve",
        page.campaign.id, row.id
    );
    let fields = html! {
        select name="decision" aria-label="Decision" { @for decision in Decision::ALL.iter().copied() {
            option value=(decision) { (match decision {
                Decision::MarkSent => "It arrived",
                Decision::MarkFailed => "It did not arrive",
                Decision::SendAgain => "Send it again",
            }) } } }
        input name="note" required maxlength="500" placeholder="how you know" aria-label="How you know";
    };
    Call::new(&api, "Decide", "It is decided.")
        .class("small")
        .with(&fields)
}

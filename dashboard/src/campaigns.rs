//! Campaigns: all of them, and one as it runs.

mod one;

use maud::{Markup, html};
use shared::campaigns::{CampaignStatus, CampaignSummary};

pub use one::{CampaignPage, campaign};

use crate::frame::Frame;
use crate::parts::{Part, link, more, nothing, parts_of, state};
use crate::words::{count, moment};

/// What the list shows.
#[derive(Debug)]
pub struct CampaignsPage {
    /// The campaigns, newest first.
    pub campaigns: Vec<CampaignSummary>,
    /// Only those of this status.
    pub status: Option<CampaignStatus>,
    /// For the next page.
    pub next: Option<String>,
}

/// The list.
pub fn campaigns(frame: &Frame<'_>, page: &CampaignsPage) -> Markup {
    let head = html! {
        h1 { "Campaigns" }
        nav.spans.wide aria-label="Status" {
            a href="/campaigns" aria-current=[page.status.is_none().then_some("true")] { "all" }
            @for status in CampaignStatus::ALL.iter().copied() {
                a href=(link("/campaigns", &[("status", status.as_str())])) aria-current=[(page.status == Some(status)).then_some("true")] { (status) }
            }
        }
    };
    let asked: Vec<(&str, &str)> = page.status.iter().map(|s| ("status", s.as_str())).collect();
    let live = html! {
        @if page.campaigns.is_empty() { (none(page)) }
        @else {
            div.scroll.sheet tabindex="0" role="region" aria-label="Campaigns" { table {
                thead { tr { th { "State" } th { "Campaign" } th { "Clusters" } th { "Progress" } th.n { "Recipients" } th.n { "Sent" } th.n { "Failed" } th.n { "Skipped" } th.n { "Unknown" } th { "When" } } }
                tbody { @for campaign in &page.campaigns { (row(frame, campaign)) } }
            } }
        }
        (more("/campaigns", &asked, page.next.as_deref()))
    };
    frame.page("Campaigns", &head, &live)
}

fn none(page: &CampaignsPage) -> Markup {
    page.status.map_or_else(
        || {
            let next = html! { "Write one with " code { "POST /api/campaigns" } " and launch it; it is then watched here." };
            nothing("There is no campaign yet.", &next)
        },
        |status| {
            let what = format!("No campaign is {status}.");
            nothing(&what, &html! { a href="/campaigns" { "Look at all campaigns" } "." })
        },
    )
}

fn row(frame: &Frame<'_>, campaign: &CampaignSummary) -> Markup {
    let when = campaign
        .ended_at
        .or(campaign.launched_at)
        .unwrap_or(campaign.created_at);
    let number = |n: i64| count(n.unsigned_abs());
    html! {
        tr id=(campaign.id) {
            td { (state(campaign.status.as_str())) }
            td { a href={ "/campaigns/" (campaign.id) } { (campaign.name) } " " span.muted { (campaign.kind) } }
            td { @if campaign.clusters.is_empty() { span.muted { "all" } } @for cluster in &campaign.clusters { span.tag { (cluster) } " " } }
            td.bar-cell { (parts_of(campaign.audience, &[
                Part { name: "sent", tone: "good", count: campaign.sent },
                Part { name: "skipped", tone: "soft", count: campaign.skipped },
                Part { name: "unknown", tone: "warn", count: campaign.unknown },
                Part { name: "failed", tone: "bad", count: campaign.failed },
            ])) }
            td.n { (number(campaign.audience)) @if !campaign.audience_complete && campaign.launched_at.is_some() { "+" } }
            td.n { (number(campaign.sent)) }
            td.n { @if campaign.failed > 0 { span.bad { (number(campaign.failed)) } } @else { "0" } }
            td.n { (number(campaign.skipped)) }
            td.n { @if campaign.unknown > 0 { a.bad href={ "/campaigns/" (campaign.id) "?rows=unknown" } { (number(campaign.unknown)) } } @else { "0" } }
            td { (moment(when, frame.now)) }
        }
    }
}

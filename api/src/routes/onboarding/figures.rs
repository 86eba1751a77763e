//! How onboarding goes.

use axum::extract::State;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use shared::onboarding::{self, Figures, FiguresFilter, StepFigures};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, Query, ReadAnalytics};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Which runs are looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FiguresParams {
    /// Only this cluster.
    #[param(example = "girlfanz")]
    cluster_id: Option<String>,
    /// Runs that began at or after this: a date (its first moment in UTC) or an RFC 3339 time.
    #[param(example = "2026-01-01")]
    from: Option<String>,
    /// Runs that began before this: a date (its first moment in UTC) or an RFC 3339 time.
    #[param(example = "2026-02-01")]
    to: Option<String>,
}

/// How the runs went that began in that time. A figure that nothing was measured for is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingFigures)]
struct FiguresView {
    /// Completed runs among those that ended; runs still open count in no rate.
    #[schema(example = 0.78)]
    completion_rate: Option<f64>,
    /// The mean of completed runs, in minutes from start to end.
    #[schema(example = 1440.0)]
    average_time: Option<f64>,
    /// The median of the same, in minutes.
    median_time: Option<f64>,
    /// The steps where runs were given up, the most frequent first.
    #[schema(example = json!(["verification", "payout_setup"]))]
    abandonment_points: Vec<&'static str>,
    /// Runs that began.
    started: i64,
    completed: i64,
    abandoned: i64,
    /// Still under way.
    open: i64,
    /// Of the open ones, those that have fallen silent.
    stalled: i64,
    steps: Vec<StepFiguresView>,
    /// When this was counted.
    as_of: DateTime<Utc>,
}

/// How one step went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingStepFigures)]
struct StepFiguresView {
    #[schema(example = "verification")]
    step_id: &'static str,
    /// Runs in which it could be begun.
    started: i64,
    completed: i64,
    skipped: i64,
    /// Runs that were given up while they stood here.
    abandoned_here: i64,
    /// In minutes from when it could be begun.
    average_time: Option<f64>,
    /// The median of the same, in minutes.
    median_time: Option<f64>,
}

impl FiguresView {
    fn of(figures: &Figures, as_of: DateTime<Utc>) -> Self {
        let points = figures.abandonment_points().into_iter();
        Self {
            completion_rate: figures.completion_rate,
            average_time: figures.average_minutes,
            median_time: figures.median_minutes,
            abandonment_points: points.map(|point| point.step.as_str()).collect(),
            started: figures.started,
            completed: figures.completed,
            abandoned: figures.abandoned,
            open: figures.open,
            stalled: figures.stalled,
            steps: figures.steps.iter().map(StepFiguresView::of).collect(),
            as_of,
        }
    }
}

impl StepFiguresView {
    fn of(step: &StepFigures) -> Self {
        Self {
            step_id: step.step.as_str(),
            started: step.started,
            completed: step.completed,
            skipped: step.skipped,
            abandoned_here: step.abandoned_here,
            average_time: step.average_minutes,
            median_time: step.median_minutes,
        }
    }
}

/// Show how onboarding goes
///
/// Over the runs that began in the given time, from what was kept of each step. Times are in minutes.
#[utoipa::path(get, path = "/api/analytics/onboarding", operation_id = "showOnboardingFigures", tag = "analytics", security(("bearer" = ["analytics:read"])),
    params(FiguresParams),
    responses((status = 200, body = FiguresView),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn show(
    caller: Allowed<ReadAnalytics>,
    State(app): State<App>,
    Query(params): Query<FiguresParams>,
) -> Result<Json<FiguresView>> {
    let filter = params.filter()?;
    let mut tx = app.db.begin().await?;
    let figures = onboarding::figures(&mut tx, &caller.ctx, &filter).await?;
    Ok(Json(FiguresView::of(&figures, caller.ctx.now())))
}

impl FiguresParams {
    fn filter(self) -> Result<FiguresFilter> {
        let mut fields = Fields::default();
        let from = moment("from", self.from.as_deref(), &mut fields);
        let to = moment("to", self.to.as_deref(), &mut fields);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            fields.wrong("to", "must be after `from`");
        }
        fields.finish()?;
        Ok(FiguresFilter {
            cluster: self.cluster_id,
            from,
            to,
        })
    }
}

/// A date or a time; none, and a note, if it is neither.
fn moment(field: &'static str, text: Option<&str>, fields: &mut Fields) -> Option<DateTime<Utc>> {
    let text = text?;
    let date = text
        .parse::<NaiveDate>()
        .map(|date| date.and_time(NaiveTime::MIN).and_utc());
    let time = date.or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()));
    if time.is_err() {
        fields.wrong(field, "use a date such as 2026-01-31, or an RFC 3339 time");
    }
    time.ok()
}

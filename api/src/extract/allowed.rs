//! `Allowed<ReadJobs>` in a handler's signature: the caller proved who they are and holds that permission.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::marker::PhantomData;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use shared::access::Permission;
use shared::creators::CreatorId;
use shared::kernel::{Actor, Ctx, TypedId};

use crate::app::App;
use crate::error::Problem;
use crate::middleware::{RequestContext, authenticate};

/// A permission as a type.
pub trait Needs: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("The permission [`Permission::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Needs for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

needs!(
    ReadJobs,
    WriteJobs,
    ReadQueues,
    WriteQueues,
    ReadSchedules,
    WriteSchedules,
    ReadWorkers,
    WriteWorkers,
    ReadMetrics,
    ReadCreators,
    WriteCreators,
    ImportCreators,
    ExportCreators,
    SteerCreators,
    MergeCreators,
    ReadPeople,
    WritePeople,
    DecideAge,
    WriteTiers,
    ReadCampaigns,
    WriteCampaigns,
    RunCampaigns,
    ReadDeliveries,
    ReadAudit,
    OwnAccount,
    OwnCreator,
    ReadUsers,
    WriteUsers,
    ReadKeys,
    WriteKeys,
    RevealContact,
    RevealIdentity,
    RevealTax,
    RevealBank,
    ReadOnboarding,
    WriteOnboarding,
    DecideOnboarding,
    ConfigureOnboarding,
    ReadAnalytics,
    ReadNotes,
    WriteNotes,
    ReadComplianceNotes,
    ReadTasks,
    WriteTasks,
    ConfigureFields,
    ExportPeople,
    ErasePeople,
    ReadRates,
    WriteRates,
    HoldPeople,
    ReadEarnings,
    RecordEarnings,
    ReverseEarnings,
    ReadLedger,
    ReadVerifications,
    SubmitVerifications,
    DecideVerifications,
    ReadPayouts,
    RequestPayouts,
    ApprovePayouts,
    WriteDestinations,
    DecideDestinations,
);

/// A caller who holds permission `P`. It comes first in a handler's signature, so that nothing of a request is read for
/// somebody who may not make it.
#[derive(Debug)]
pub struct Allowed<P> {
    /// Who asks, when, and within which trace.
    pub ctx: Ctx,
    permission: PhantomData<P>,
}

impl<P: Needs> FromRequestParts<App> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let actor = actor(parts, app).await?;
        if !P::PERMISSION.granted_to(&actor) {
            return Err(Problem::forbidden(P::PERMISSION));
        }
        Ok(Self {
            ctx: ctx(parts, app, actor),
            permission: PhantomData,
        })
    }
}

/// A caller who holds permission `P`, or who is the creator that the path's `id` names. To a creator every other creator
/// is as if it were not there. What rows they reach is for the slice to ask: [`Actor::reach`].
///
/// In the document such a route names both: `security(("bearer" = ["creators:read"]), ("bearer" = ["creator:self"]))`.
#[derive(Debug)]
pub struct OwnOr<P> {
    /// Who asks, when, and within which trace.
    pub ctx: Ctx,
    permission: PhantomData<P>,
}

impl<P: Needs> FromRequestParts<App> for OwnOr<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let actor = actor(parts, app).await?;
        if !P::PERMISSION.granted_to(&actor) {
            if !Permission::OwnCreator.granted_to(&actor) {
                return Err(Problem::forbidden(P::PERMISSION));
            }
            let named = named_creator(parts, app).await?;
            if actor.reach().creator != Some(named.uuid()) {
                return Err(Problem::not_found());
            }
        }
        Ok(Self {
            ctx: ctx(parts, app, actor),
            permission: PhantomData,
        })
    }
}

/// The creator that the path names.
async fn named_creator(parts: &mut Parts, app: &App) -> Result<CreatorId, Problem> {
    let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, app).await;
    let Path(names) = path.map_err(|_| Problem::not_found())?;
    let id = names.get("id").ok_or_else(Problem::not_found)?;
    id.parse().map_err(|_| Problem::not_found())
}

async fn actor(parts: &Parts, app: &App) -> Result<Actor, Problem> {
    match parts.extensions.get::<Actor>() {
        Some(actor) => Ok(actor.clone()),
        None => authenticate(app, &parts.method, &parts.headers).await,
    }
}

/// Whoever asks: what they send proves, or does not prove, who it comes from.
#[derive(Debug)]
pub struct Anybody {
    /// When, within which trace, and from where.
    pub ctx: Ctx,
}

impl FromRequestParts<App> for Anybody {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self {
            ctx: ctx(parts, app, Actor::Anonymous),
        })
    }
}

fn ctx(parts: &Parts, app: &App, actor: Actor) -> Ctx {
    let ctx = Ctx::new(actor, &app.clock);
    match parts.extensions.get::<RequestContext>() {
        Some(request) => request.apply(ctx),
        None => ctx,
    }
}

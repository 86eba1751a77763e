//! `Allowed<ReadJobs>` in a handler's signature: the caller proved who they are and holds that permission.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shared::access::Permission;
use shared::kernel::{Actor, Ctx};

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
    SteerCreators,
    ReadPeople,
    WritePeople,
    DecideAge,
    ReadCampaigns,
    WriteCampaigns,
    RunCampaigns,
    ReadAudit,
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
        let actor = match parts.extensions.get::<Actor>() {
            Some(actor) => actor.clone(),
            None => authenticate(app, &parts.headers)?,
        };
        if !P::PERMISSION.granted_to(&actor) {
            return Err(Problem::forbidden(P::PERMISSION));
        }
        let ctx = Ctx::new(actor, &app.clock);
        let ctx = match parts.extensions.get::<RequestContext>() {
            Some(request) => request.apply(ctx),
            None => ctx,
        };
        Ok(Self {
            ctx,
            permission: PhantomData,
        })
    }
}

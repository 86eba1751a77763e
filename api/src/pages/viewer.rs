//! `Seen<ReadJobs>` in a page's signature: somebody who is logged in, and may look.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use dashboard::{Frame, Section, Viewer};
use secrecy::ExposeSecret;
use shared::kernel::{Actor, Ctx};
use url::form_urlencoded;
use uuid::Uuid;

use super::screen::Screen;
use crate::app::App;
use crate::error::Problem;
use crate::extract::Needs;
use crate::middleware::{RequestContext, web_session};

/// What our scripts send along when they fetch a page, to be told of an ended session instead of being led to the login.
const SCRIPTED_HEADER: &str = "hx-request";

/// Somebody who is logged in to the pages and holds permission `P`.
#[derive(Debug)]
pub(super) struct Seen<P> {
    pub(super) ctx: Ctx,
    pub(super) viewer: Viewer,
    pub(super) nonce: String,
    permission: PhantomData<P>,
}

impl<P> Seen<P> {
    /// What a page of `section` needs to be drawn.
    pub(super) fn frame(&self, section: Section) -> Frame<'_> {
        Frame {
            section,
            viewer: &self.viewer,
            now: self.ctx.now(),
            nonce: &self.nonce,
        }
    }
}

impl<P: Needs> FromRequestParts<App> for Seen<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let session = web_session(app, &parts.headers).await;
        let session = session.map_err(page_of)?;
        let Some(session) = session else {
            return Err(to_login(parts));
        };
        if !P::PERMISSION.granted_to(&session.actor) {
            let permission = P::PERMISSION;
            if let Some(section) = instead_of_overview(parts, &session.actor) {
                return Err(Redirect::to(section.path()).into_response());
            }
            let detail = format!("This page needs the permission `{permission}`.");
            let markup = dashboard::problem("Not yours to see", &detail);
            return Err(Screen::plain(StatusCode::FORBIDDEN, markup).into_response());
        }
        let ctx = Ctx::new(session.actor.clone(), &app.clock);
        let ctx = match parts.extensions.get::<RequestContext>() {
            Some(request) => request.apply(ctx),
            None => ctx,
        };
        Ok(Self {
            ctx,
            viewer: Viewer {
                name: name_of(&session.actor),
                csrf: session.csrf().expose_secret().to_owned(),
                actor: session.actor.clone(),
            },
            nonce: nonce(),
            permission: PhantomData,
        })
    }
}

/// 122 random bits, made anew for each answer.
fn nonce() -> String {
    Uuid::new_v4().simple().to_string()
}

fn name_of(actor: &Actor) -> String {
    let roles = actor.caller().map(|caller| {
        let names: Vec<&str> = caller.roles.iter().map(|role| role.as_str()).collect();
        names.join(", ")
    });
    roles
        .filter(|names| !names.is_empty())
        .unwrap_or_else(|| actor.to_string())
}

/// Where somebody who may not see the overview begins: the first section that they may see.
fn instead_of_overview(parts: &Parts, actor: &Actor) -> Option<Section> {
    let begins = parts.uri.path() == Section::Overview.path();
    Section::ALL
        .into_iter()
        .filter(|_| begins)
        .find(|section| section.permission().granted_to(actor))
}

/// A browser is led to the login and back; our scripts are told, so that the page they are on can say so.
fn to_login(parts: &Parts) -> Response {
    if is_scripted(&parts.headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, Redirect::to(&format!("/login?next={next}"))).into_response()
}

fn is_scripted(headers: &HeaderMap) -> bool {
    headers.contains_key(SCRIPTED_HEADER)
}

fn page_of(problem: Problem) -> Response {
    super::screen::Refusal::from(problem).into_response()
}

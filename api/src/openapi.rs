//! The OpenAPI 3.1 document: written by the routes, completed here, served at `/openapi.json` and shown at `/docs`.

use axum::http::StatusCode;
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder, path::Operation};

/// What the document says beside the routes.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "CreatorCRM",
        description = "Creators, campaigns and the jobs behind them. Every failure is a problem document (RFC 9457). \
                       Lists are paged by `cursor`; times are RFC 3339 in UTC.",
        license(name = "MIT", identifier = "MIT")
    ),
    components(schemas(ProblemDocument, FieldProblem)),
    modifiers(&Bearer)
)]
pub struct ApiDoc;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, doc: &mut utoipa::openapi::OpenApi) {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "An access token; the names in `security` are the permissions that a route needs.",
            ));
        let components = doc.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

/// A failure (RFC 9457).
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "describes what `error` writes")]
pub struct ProblemDocument {
    /// A stable name: `urn:creator-crm:problem:` and a word in kebab-case.
    #[schema(example = "urn:creator-crm:problem:not-found")]
    r#type: String,
    /// The same for people.
    title: String,
    /// The status code.
    status: u16,
    /// What happened this time.
    detail: Option<String>,
    /// Finds this request in the log.
    #[schema(rename = "requestId")]
    request_id: String,
    /// The permission that was lacking.
    permission: Option<String>,
    /// What is wrong with the request.
    errors: Option<Vec<FieldProblem>>,
}

/// One wrong field.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes what `error` writes")]
pub struct FieldProblem {
    /// JSON pointer into the body, or the name of a parameter.
    #[schema(example = "/jobs/3/args")]
    field: String,
    /// What is wrong and the remedy.
    message: String,
}

/// Adds what holds for every operation: how failures look.
pub fn complete(mut doc: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for item in doc.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            add_descriptions(operation);
            add_failures(operation);
        }
    }
    doc
}

/// A response must be described; where its schema says it all, its status is the description.
fn add_descriptions(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let status = status
                .parse()
                .ok()
                .and_then(|code| StatusCode::from_u16(code).ok());
            response.description = status
                .and_then(|code| code.canonical_reason())
                .unwrap_or("Answer")
                .to_owned();
        }
    }
}

fn add_failures(operation: &mut Operation) {
    let mut add = |status: &str, description: &str| {
        let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", content);
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| response.build().into());
    };
    if operation.security.is_some() {
        add("401", "No access token, or one that is not valid");
        add("403", "The permission is lacking");
    }
    add("default", "A failure");
}

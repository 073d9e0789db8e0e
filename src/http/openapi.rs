//! The description of the interface (OpenAPI): what the routes say of themselves, and what is true of all of them.

use super::error::{FieldError, Problem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

/// The document before the routes are put into it.
#[derive(OpenApi)]
#[openapi(
    info(title = "Vivavoce", description = DESCRIPTION, license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")),
    tags(
        (name = "interviews", description = "Make, join, follow and end interviews."),
        (name = "voice", description = "The candidate's voice connection."),
        (name = "record", description = "What an interview leaves: transcript, code, recording, answers, report, event log."),
        (name = "accounts", description = "Register, log in, keep an account."),
        (name = "profiles", description = "From a CV to a confirmed profile."),
        (name = "invitations", description = "Links for candidates without an account."),
        (name = "privacy", description = "Hand out, erase, and who looked at what."),
        (name = "webhooks", description = "Who is told when something happens."),
        (name = "operations", description = "For whoever keeps the server running."),
    ),
    components(schemas(Problem, FieldError)),
    modifiers(&Bearer)
)]
pub struct Document;

const DESCRIPTION: &str = "Spoken interviews by an AI interviewer.\n\nAuthorise with `Authorization: Bearer …`: a join token is \
good for one interview, an access token speaks for a person. At the server's own machine (loopback) practice works without \
one, unless that is switched off. Interviews of others are not found (404). Every error is a problem document (RFC 9457).";

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        document.security =
            Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new()), SecurityRequirement::default()]);
    }
}

/// Says of every route that whatever else it answers is a problem.
pub fn complete(document: &mut openapi::OpenApi) {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem = ResponseBuilder::new()
        .description("Anything else: a problem document.")
        .content("application/problem+json", content)
        .build();
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete, &mut item.options];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
}

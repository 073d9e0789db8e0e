//! The description of the interface (OpenAPI): what the routes say of themselves, and what is true of all of them.

use super::error::{FieldError, KINDS, Problem};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

/// The document before the routes are put into it.
#[derive(OpenApi)]
#[openapi(
    info(title = "Vivavoce", description = DESCRIPTION, license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")),
    tags(
        (name = "interviews", description = "Make, join, follow and end interviews."),
        (name = "bank", description = "Categories and questions: what can be chosen and asked, and how it is kept."),
        (name = "voice", description = "The candidate's voice connection."),
        (name = "text", description = "Written interviews: the same questions and the same report, without a voice."),
        (name = "record", description = "What an interview leaves: transcript, code, recording, answers, report, event log."),
        (name = "progress", description = "A person's history: what is mastered, what is weak, what to repeat and when."),
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

/// What an operation may answer beside what its form tells.
const BESIDE_FORM: &[(&str, &[u16])] = &[
    ("create_interview", &[403, 404, 409]),
    ("practise_weak_points", &[404, 409]),
    ("list_interviews", &[404]),
    ("get_interview", &[409]),
    ("connect", &[409, 410]),
    ("join_daily_room", &[400, 409, 410]),
    ("socket", &[400, 409, 410]),
    ("open_socket", &[400, 404, 409, 410]),
    ("open_offer", &[404, 409, 410, 412]),
    ("open_offer_of_session", &[409, 410, 412]),
    ("open_candidates", &[404, 409, 410, 412]),
    ("open_candidates_of_session", &[409, 410, 412]),
    ("change_connection", &[409, 410, 412, 428]),
    ("disconnect", &[409, 410]),
    ("end_interview", &[409, 410]),
    ("review_draft", &[409]),
    ("get_text", &[409]),
    ("begin_text", &[409, 410]),
    ("answer_text", &[409, 410]),
    ("wish_text", &[409, 410]),
    ("write_text_code", &[409, 410]),
    ("text_socket", &[400, 409]),
    ("give_consent", &[410]),
    ("get_recording", &[416]),
    ("create_override", &[409]),
    ("restore_question", &[409]),
    ("import_questions", &[409]),
    ("change_category", &[409]),
    // The account may be closed while the request is on its way.
    ("change_own_account", &[404]),
    ("export_own_account", &[404]),
    ("create_category", &[404]),
    ("create_webhook", &[404]),
];

/// Says of every operation which problems it may answer: by what it takes, who may ask, and what it does.
pub fn complete(document: &mut openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete, &mut item.options];
        for operation in operations.into_iter().flatten() {
            let statuses = statuses(operation);
            let responses = &mut operation.responses.responses;
            for status in statuses {
                responses.entry(status.to_string()).or_insert_with(|| RefOr::T(problem(said_by(status))));
            }
            // A route that only says when it refuses refuses with a problem.
            for (status, response) in responses.iter_mut() {
                if let RefOr::T(response) = response
                    && response.content.is_empty()
                    && status.starts_with(['4', '5'])
                {
                    *response = problem(&response.description);
                }
            }
        }
    }
}

fn statuses(operation: &Operation) -> Vec<u16> {
    // Whatever is asked, a part may be away or broken.
    let mut statuses = vec![500, 503];
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(&parameter.parameter_in),
        RefOr::Ref(_) => None,
    });
    for place in parameters {
        match place {
            ParameterIn::Path => statuses.push(404),
            ParameterIn::Query | ParameterIn::QueryString => statuses.push(422),
            ParameterIn::Header | ParameterIn::Cookie => {}
        }
    }
    if operation.request_body.is_some() {
        statuses.extend([400, 413, 415, 422]);
    }
    // `security(())` on a route: nobody is asked who they are.
    let is_open = operation.security.as_ref().is_some_and(|schemes| *schemes == [SecurityRequirement::default()]);
    if !is_open {
        statuses.extend([401, 403]);
    }
    let id = operation.operation_id.as_deref().unwrap_or_default();
    statuses.extend(BESIDE_FORM.iter().filter(|(known, _)| *known == id).flat_map(|(_, more)| more.iter().copied()));
    statuses
}

fn said_by(status: u16) -> &'static str {
    let known = KINDS.iter().find(|(_, known, ..)| known.as_u16() == status);
    known.map_or("A problem.", |(.., said)| said)
}

fn problem(description: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

//! The REST interface and the page: the whole route table, and what lies around every route. A handler extracts, asks the
//! store or the sessions, answers. Must never hold SQL, a provider or a rule of the conversation.

mod access;
mod accounts;
mod audit;
mod error;
mod extract;
mod fields;
mod headers;
mod interviews;
mod observe;
mod openapi;
mod page;
mod paging;
mod range;
mod routes;
mod serve;
mod state;
mod wav;

pub use accounts::Accounts;
pub use error::{ApiError, FieldError};
pub use interviews::{
    Booked, DailyAccess, InterviewError, InterviewWish, Interviews, OpenAnswer, OpenOffer, RecordingLink,
    SOUND_CHECK_TEXT, WhipAnswer, WhipPatched,
};
pub use routes::whip::SDP_BYTES_MAX;
pub use serve::serve;
pub use state::{HttpState, Shared};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use routes::{
    artifacts, audit as audit_log, auth, bank_files, categories, consent, create, daily, drafts, events, health,
    interviews as interview, invitations, open_offer, overrides, privacy, profiles, progress, questions, record,
    recording, report, socket, sound_check, statistics, text, text_socket, transcript, users, webhooks, whip,
};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

/// Every route of the interface, with its description.
fn table() -> OpenApiRouter<Shared> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(create::create, interview::list))
        .routes(routes!(interview::show, privacy::erase_interview))
        .routes(routes!(interview::token))
        .routes(routes!(interview::end))
        .routes(routes!(consent::give))
        .routes(routes!(whip::offer, whip::options))
        .routes(routes!(whip::change, whip::hang_up))
        .routes(routes!(socket::join))
        .routes(routes!(daily::join))
        .routes(routes!(daily::recordings))
        .routes(routes!(daily::recording))
        .routes(routes!(daily::webhook))
        .routes(routes!(record::transcript))
        .routes(routes!(record::artifacts))
        .routes(routes!(artifacts::show))
        .routes(routes!(artifacts::diff))
        .routes(routes!(record::responses))
        .routes(routes!(report::json))
        .routes(routes!(report::html))
        .routes(routes!(report::pdf))
        .routes(routes!(report::summary))
        .routes(routes!(report::schema))
        .routes(routes!(overrides::list, overrides::create))
        .routes(routes!(transcript::vtt))
        .routes(routes!(transcript::markdown))
        .routes(routes!(recording::play))
        .routes(routes!(events::list))
        .routes(routes!(sound_check::play))
        .routes(routes!(drafts::list))
        .routes(routes!(drafts::review))
        .routes(routes!(text::show, text::begin))
        .routes(routes!(text::answer))
        .routes(routes!(text::wish))
        .routes(routes!(text::code))
        .routes(routes!(text_socket::open))
        .merge(people())
        .merge(bank());
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .nest("/api/v1", v1)
        .routes(routes!(open_offer::offer, open_offer::candidates, open_offer::options))
        .routes(routes!(socket::open))
        .routes(routes!(open_offer::start, open_offer::start_options))
        .routes(routes!(open_offer::offer_of, open_offer::candidates_of, open_offer::options_of))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// The routes about people: accounts, invitations, privacy, and who is told.
fn people() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::password))
        .routes(routes!(users::me, users::change_me, users::delete_me))
        .routes(routes!(users::export_me))
        .routes(routes!(users::list))
        .routes(routes!(users::show, users::change, users::delete))
        .routes(routes!(users::export))
        .routes(routes!(invitations::create, invitations::list))
        .routes(routes!(invitations::revoke))
        .routes(routes!(privacy::export_interview))
        .routes(routes!(privacy::export_person))
        .routes(routes!(privacy::erase_person))
        .routes(routes!(audit_log::list))
        .routes(routes!(profiles::show))
        .routes(routes!(profiles::own, profiles::confirm, profiles::delete))
        .routes(routes!(profiles::upload))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::show, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::replay))
}

/// The routes about what is asked, and what came of it.
fn bank() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(categories::list, categories::create))
        .routes(routes!(categories::show, categories::change, categories::withdraw))
        .routes(routes!(bank_files::export, bank_files::import))
        .routes(routes!(questions::list, questions::create))
        .routes(routes!(questions::show, questions::change, questions::withdraw))
        .routes(routes!(questions::versions))
        .routes(routes!(questions::restore))
        .routes(routes!(questions::bulk))
        .routes(routes!(progress::show))
        .routes(routes!(progress::answers))
        .routes(routes!(progress::repeat))
        .routes(routes!(progress::practise))
        .routes(routes!(statistics::show))
        .routes(routes!(statistics::questions))
}

/// The whole server, from outside in: request id and span, trust headers, panics, compression, time limit, routes.
pub fn router(state: Shared) -> Router {
    let (routes, mut document) = table().split_for_parts();
    openapi::complete(&mut document);
    // Sound does not shrink, and a compressed part could not be sought in.
    let compressible = DefaultPredicate::new().and(NotForContentType::const_new("audio/"));
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn(observe::request))
        .layer(middleware::from_fn_with_state(state.clone(), headers::add))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(middleware::from_fn_with_state(state.clone(), observe::limit_time))
        .layer(DefaultBodyLimit::max(state.settings.server.body_bytes_max));
    routes
        .merge(page::routes())
        .merge(SwaggerUi::new("/api/docs").url("/api/openapi.json", document))
        .fallback(|| std::future::ready(ApiError::NotFound))
        .method_not_allowed_fallback(|| std::future::ready(ApiError::MethodNotAllowed))
        .layer(around)
        .with_state(state)
}

//! What the outside is told when something does not work: RFC 9457 problems, each kind with its own address. Must never
//! carry what a candidate said, an SQL text or a path of the disk.

use super::interviews::InterviewError;
use crate::auth::password::PasswordError;
use crate::store::StoreError;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use problem_details::ProblemDetails;
use serde::{Deserialize, Serialize};

/// How long somebody waits before asking again while the database is away, seconds.
const DATABASE_RETRY_S: u64 = 5;
/// How long somebody waits before asking again for a report that is being made, seconds.
const REPORT_RETRY_S: u64 = 2;

/// Why a request is not answered as asked.
#[derive(Clone, PartialEq, Debug)]
pub enum ApiError {
    /// Not JSON, not SDP, not readable at all.
    BadRequest(String),
    /// Readable, but not what can be done; field by field where there are fields.
    Invalid(Vec<FieldError>),
    /// Nobody is known to be asking.
    Unauthorized(&'static str),
    /// Known, but not allowed.
    Forbidden(String),
    /// No such thing, or not one that the caller may know of.
    NotFound,
    MethodNotAllowed,
    Conflict(String),
    /// It was there and is over.
    Gone(String),
    TooLarge {
        bytes_max: usize,
    },
    UnsupportedMedia {
        wanted: &'static str,
    },
    /// The request must say which state it changes (`If-Match`).
    PreconditionRequired,
    PreconditionFailed,
    RangeNotSatisfiable {
        bytes: u64,
    },
    /// The report is being made.
    ReportPending,
    /// There will be no report.
    ReportMissing(String),
    /// Tried too often.
    TooMany {
        retry_after_s: u64,
    },
    /// All places are taken.
    Full {
        retry_after_s: u32,
    },
    /// A part does not work at the moment.
    Unavailable(String),
    TimedOut,
    /// Our fault; the log knows more.
    Internal,
}

/// What is wrong with one field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Its name in the body or query.
    #[schema(example = "category")]
    pub field: String,
    /// One sentence for a person.
    #[schema(example = "There is no category `cooking` in `en`.")]
    pub message: String,
}

impl FieldError {
    #[must_use]
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// A problem (RFC 9457), as the OpenAPI document shows it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Which kind: an address of this server that explains it.
    #[schema(example = "/problems/not-found")]
    pub r#type: String,
    #[schema(example = "Not found")]
    pub title: String,
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// This time's reason, one sentence for a person.
    #[schema(example = "There is no such interview, or it is not yours.")]
    pub detail: String,
    /// Field by field, where fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// The kinds: address, status, title, explanation.
type Kind = (&'static str, StatusCode, &'static str, &'static str);

const BAD_REQUEST: Kind =
    ("bad-request", StatusCode::BAD_REQUEST, "Not readable", "The request is not in the form that it says it is.");
const INVALID: Kind = (
    "invalid",
    StatusCode::UNPROCESSABLE_ENTITY,
    "Not possible as asked",
    "The request is readable, but a value in it is missing, unknown or out of range; `errors` tells which.",
);
const UNAUTHORIZED: Kind = (
    "unauthorized",
    StatusCode::UNAUTHORIZED,
    "Not authorised",
    "The request needs a valid token: `Authorization: Bearer …`. Practice without one works only at the server's own machine.",
);
const FORBIDDEN: Kind = (
    "forbidden",
    StatusCode::FORBIDDEN,
    "Not allowed",
    "The token is valid but does not allow this, or consent is missing.",
);
const NOT_FOUND: Kind =
    ("not-found", StatusCode::NOT_FOUND, "Not found", "There is no such thing, or it belongs to somebody else.");
const METHOD: Kind = (
    "method-not-allowed",
    StatusCode::METHOD_NOT_ALLOWED,
    "Not a method of this address",
    "See `Allow` for those that are.",
);
const CONFLICT: Kind = (
    "conflict",
    StatusCode::CONFLICT,
    "Not possible now",
    "What is stored already, or the interview's state, stands against it.",
);
const GONE: Kind = ("gone", StatusCode::GONE, "Over", "The interview, or the connection, has ended.");
const TOO_LARGE: Kind =
    ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "Too large", "The body is larger than this address takes.");
const MEDIA: Kind = (
    "unsupported-media-type",
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "Another content type is needed",
    "The body's `Content-Type` is not the one that this address takes.",
);
const PRECONDITION_REQUIRED: Kind = (
    "precondition-required",
    StatusCode::PRECONDITION_REQUIRED,
    "If-Match is missing",
    "State which version of the connection is to be changed, by the ETag that came with it.",
);
const PRECONDITION_FAILED: Kind = (
    "precondition-failed",
    StatusCode::PRECONDITION_FAILED,
    "Changed in the meantime",
    "The ETag in `If-Match` is not that of the connection as it is now.",
);
const RANGE: Kind = (
    "range-not-satisfiable",
    StatusCode::RANGE_NOT_SATISFIABLE,
    "No such part",
    "The range lies beyond the end of the file.",
);
const REPORT_PENDING: Kind = (
    "report-pending",
    StatusCode::NOT_FOUND,
    "The report is not ready",
    "The interview is not over, or its report is being made: ask again.",
);
const REPORT_MISSING: Kind = (
    "report-missing",
    StatusCode::NOT_FOUND,
    "There is no report",
    "The report could not be made, or the interview never began.",
);
const TOO_MANY: Kind = (
    "too-many",
    StatusCode::TOO_MANY_REQUESTS,
    "Too many tries",
    "This was tried too often from this address, or for this account; `Retry-After` tells when it is taken again.",
);
const FULL: Kind = (
    "full",
    StatusCode::SERVICE_UNAVAILABLE,
    "All places are taken",
    "As many interviews are in progress as this server carries; `Retry-After` tells when to come back.",
);
const UNAVAILABLE: Kind = (
    "unavailable",
    StatusCode::SERVICE_UNAVAILABLE,
    "Not available at the moment",
    "A part of the server does not work at the moment; the same request may succeed later.",
);
const TIMED_OUT: Kind = (
    "timed-out",
    StatusCode::SERVICE_UNAVAILABLE,
    "It took too long",
    "The server gave up on the request; it may be repeated.",
);
const INTERNAL: Kind = (
    "internal",
    StatusCode::INTERNAL_SERVER_ERROR,
    "Our mistake",
    "Something unexpected happened in the server; its log knows more, by the `x-request-id` of the answer.",
);

/// Every kind, for the pages that explain them.
pub(super) const KINDS: [Kind; 20] = [
    BAD_REQUEST,
    INVALID,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD,
    CONFLICT,
    GONE,
    TOO_LARGE,
    MEDIA,
    PRECONDITION_REQUIRED,
    PRECONDITION_FAILED,
    RANGE,
    REPORT_PENDING,
    REPORT_MISSING,
    TOO_MANY,
    FULL,
    UNAVAILABLE,
    TIMED_OUT,
    INTERNAL,
];

impl ApiError {
    /// One wrong field.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    fn kind_and_detail(&self) -> (Kind, String) {
        match self {
            Self::BadRequest(detail) => (BAD_REQUEST, detail.clone()),
            Self::Invalid(errors) => {
                let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
                (INVALID, messages.join(" "))
            }
            Self::Unauthorized(detail) => (UNAUTHORIZED, (*detail).to_owned()),
            Self::Forbidden(detail) => (FORBIDDEN, detail.clone()),
            Self::NotFound => (NOT_FOUND, "There is nothing here, or it is not yours.".to_owned()),
            Self::MethodNotAllowed => (METHOD, "This address takes other methods.".to_owned()),
            Self::Conflict(detail) => (CONFLICT, detail.clone()),
            Self::Gone(detail) => (GONE, detail.clone()),
            Self::TooLarge { bytes_max } => (TOO_LARGE, format!("At most {bytes_max} bytes are taken here.")),
            Self::UnsupportedMedia { wanted } => (MEDIA, format!("Send it as `Content-Type: {wanted}`.")),
            Self::PreconditionRequired => (PRECONDITION_REQUIRED, PRECONDITION_REQUIRED.3.to_owned()),
            Self::PreconditionFailed => (PRECONDITION_FAILED, PRECONDITION_FAILED.3.to_owned()),
            Self::RangeNotSatisfiable { bytes } => (RANGE, format!("The file has {bytes} bytes.")),
            Self::ReportPending => {
                (REPORT_PENDING, "The report is not ready yet. Please ask again in a moment.".to_owned())
            }
            Self::ReportMissing(detail) => (REPORT_MISSING, detail.clone()),
            Self::TooMany { .. } => (TOO_MANY, "Too many tries. Please wait a while.".to_owned()),
            Self::Full { .. } => (
                FULL,
                "All places for interviews are taken at the moment. Please try again in a few minutes.".to_owned(),
            ),
            Self::Unavailable(detail) => (UNAVAILABLE, detail.clone()),
            Self::TimedOut => (TIMED_OUT, "The server took too long to answer. Please try again.".to_owned()),
            Self::Internal => (INTERNAL, "Something went wrong on our side.".to_owned()),
        }
    }

    /// The problem's parts, for what is no HTTP answer: status, title, detail, and what is wrong field by field.
    #[must_use]
    pub fn told(self) -> (u16, &'static str, String, Vec<FieldError>) {
        let ((_, status, title, _), detail) = self.kind_and_detail();
        let errors = if let Self::Invalid(errors) = self { errors } else { Vec::new() };
        (status.as_u16(), title, detail, errors)
    }

    fn retry_after_s(&self) -> Option<u64> {
        if let Self::Full { retry_after_s } = self {
            Some(u64::from(*retry_after_s))
        } else if let Self::TooMany { retry_after_s } = self {
            Some(*retry_after_s)
        } else if matches!(self, Self::Unavailable(_) | Self::TimedOut) {
            Some(DATABASE_RETRY_S)
        } else {
            matches!(self, Self::ReportPending).then_some(REPORT_RETRY_S)
        }
    }
}

#[derive(Default, Serialize)]
struct Extensions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ((slug, status, title, _), detail) = self.kind_and_detail();
        let retry_after_s = self.retry_after_s();
        let problem = ProblemDetails::new()
            .with_type(Uri::try_from(format!("/problems/{slug}")).unwrap_or_default())
            .with_status(status)
            .with_title(title)
            .with_detail(detail);
        let content_range = if let Self::RangeNotSatisfiable { bytes } = &self {
            HeaderValue::try_from(format!("bytes */{bytes}")).ok()
        } else {
            None
        };
        let is_unauthorized = matches!(self, Self::Unauthorized(_));
        let errors = if let Self::Invalid(errors) = self { errors } else { Vec::new() };
        let mut response = problem.with_extensions(Extensions { errors }).into_response();
        let headers = response.headers_mut();
        if is_unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(range) = content_range {
            headers.insert(header::CONTENT_RANGE, range);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Conflict { what } => Self::Conflict(format!("This cannot be done now: {what}.")),
            StoreError::Fenced => {
                Self::Conflict("Another server has taken over this interview. Please try again.".to_owned())
            }
            StoreError::Unavailable { what } => {
                tracing::warn!(%what, "the database is not available");
                Self::Unavailable(
                    "The record cannot be reached at the moment. Please try again in a moment.".to_owned(),
                )
            }
            StoreError::Invalid { what } => {
                tracing::error!(%what, "the database refused a statement of ours");
                Self::Internal
            }
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::Unavailable("Too many people are logging in at once. Please try again.".to_owned())
            }
            PasswordError::Failed => {
                tracing::error!("a password could not be hashed");
                Self::Internal
            }
        }
    }
}

impl From<InterviewError> for ApiError {
    fn from(error: InterviewError) -> Self {
        match error {
            InterviewError::SdpInvalid { said } => {
                Self::BadRequest(format!("The session description cannot be used: {said}."))
            }
            InterviewError::NoConsent => Self::Forbidden("Consent to being recorded comes first.".to_owned()),
            InterviewError::Over => Self::Gone("This interview is over.".to_owned()),
            InterviewError::NotActive => Self::Conflict("This interview is not in progress.".to_owned()),
            InterviewError::Full { retry_after_s } => Self::Full { retry_after_s },
            InterviewError::NotFound => Self::NotFound,
            InterviewError::Outdated => Self::PreconditionFailed,
            InterviewError::Impossible { field, said } => Self::field(field, said),
            InterviewError::Unavailable { said } => Self::Unavailable(said),
            InterviewError::Store(error) => error.into(),
        }
    }
}

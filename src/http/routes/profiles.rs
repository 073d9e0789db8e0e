//! Profiles: a CV is read, its fields are proposed, the person corrects and confirms. Must never keep the file, nor take
//! a field for confirmed that the person has not seen.

use crate::auth::opaque;
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Json, Path, PeerAddress, Person};
use crate::http::fields::Fields;
use crate::http::state::{HttpState, Shared};
use crate::id::UserId;
use crate::interview::question::Level;
use crate::profile::pdf::PdfError;
use crate::profile::{self, Proposal};
use crate::store::{Draft, ProfileRow, StoreError};
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Longest name of a position or technology, characters.
const NAME_CHARS_MAX: usize = 100;
/// Most technologies: more say nothing about any.
const TECH_STACK_MAX: usize = 30;
/// Longest text of one field of the CV, characters.
const FIELD_CHARS_MAX: usize = 5_000;
/// Most fields of a CV, and how deep they may be nested.
const FIELDS_MAX: usize = 1_000;
const DEPTH_MAX: usize = 6;

/// A profile, with what was read from a CV and waits beside it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProfileView {
    user_id: UserId,
    #[schema(example = "Back-end engineer")]
    job_position: String,
    experience_level: Option<Level>,
    #[schema(example = json!(["Rust", "PostgreSQL"]))]
    tech_stack: Vec<String>,
    /// Fields as JSON Resume names them: `basics`, `work`, `education`, `skills`, `languages`.
    #[schema(value_type = Object)]
    resume: Value,
    /// Where each field was read: path -> page, line and quote; or `person` where somebody wrote it. Lines of the CV that
    /// seem to instruct whoever reads it stand as `suspected_injection[0]` and so on: advice, they changed nothing.
    #[schema(value_type = Object)]
    provenance: Value,
    source_file: Option<String>,
    /// When the person last confirmed it; absent while there is only a draft.
    confirmed_at: Option<DateTime<Utc>>,
    /// What was read from the last CV and is to be confirmed: the same fields.
    #[schema(value_type = Option<Object>)]
    draft: Option<Value>,
    updated_at: DateTime<Utc>,
}

impl From<ProfileRow> for ProfileView {
    fn from(row: ProfileRow) -> Self {
        Self {
            user_id: row.user_id,
            job_position: row.job_position,
            experience_level: row.experience_level,
            tech_stack: row.tech_stack,
            resume: row.resume,
            provenance: row.provenance,
            source_file: row.source_file,
            confirmed_at: row.confirmed_at,
            draft: row.draft,
            updated_at: row.updated_at,
        }
    }
}

/// What the person says is right.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    #[schema(example = "Back-end engineer", max_length = 100)]
    job_position: String,
    #[serde(default)]
    experience_level: Option<Level>,
    #[serde(default)]
    #[schema(example = json!(["Rust", "PostgreSQL"]), max_items = 30)]
    tech_stack: Vec<String>,
    /// Fields as JSON Resume names them; absent: as they are in the draft, else as they were.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    resume: Option<Map<String, Value>>,
}

/// The own profile.
#[utoipa::path(get, operation_id = "get_own_profile", path = "/profiles/me", tag = "profiles",
    responses((status = 200, description = "The profile.", body = ProfileView), (status = 404, description = "There is none yet.")))]
pub async fn own(State(state): State<Shared>, person: Person) -> Result<axum::Json<ProfileView>, ApiError> {
    Ok(axum::Json(state.store.profile(person.user).await?.into()))
}

/// Somebody's profile: the own one, or for interviewers anybody's.
#[utoipa::path(get, operation_id = "get_profile", path = "/profiles/{id}", tag = "profiles", params(("id" = UserId, Path)),
    responses((status = 200, description = "The profile.", body = ProfileView)))]
pub async fn show(
    State(state): State<Shared>,
    person: Person,
    Path(id): Path<UserId>,
) -> Result<axum::Json<ProfileView>, ApiError> {
    if id != person.user {
        if !person.role.is_staff() {
            return Err(ApiError::NotFound);
        }
        audit::note(&state, person, "profile.read", "user", id, json!({})).await?;
    }
    Ok(axum::Json(state.store.profile(id).await?.into()))
}

/// Upload a CV: a PDF, or its text. What is read waits as `draft` until it is confirmed; the file is not kept.
#[utoipa::path(post, operation_id = "upload_cv", path = "/profiles/me/cv", tag = "profiles",
    request_body(content((Vec<u8> = "application/pdf"), (String = "text/plain")), description = "At most 10 MB."),
    responses((status = 200, description = "The profile with the new draft.", body = ProfileView), (status = 404, description = "The account is gone."),
        (status = 413, description = "The file is too large."), (status = 415, description = "Neither PDF nor text."),
        (status = 422, description = "Damaged, protected or scanned; `detail` tells what to do."),
        (status = 429, description = "Too many tries.")))]
pub async fn upload(
    State(state): State<Shared>,
    person: Person,
    PeerAddress(address): PeerAddress,
    request: Request,
) -> Result<axum::Json<ProfileView>, ApiError> {
    state.accounts.count_address(address)?;
    let (kind, file) = cv(&state, request).await?;
    let text = match kind {
        Kind::Pdf => state.pdf.text(&file).await?,
        Kind::Text => {
            let text = String::from_utf8(file.to_vec());
            text.map_err(|_| ApiError::field("cv", "The text is not UTF-8."))?
        }
    };
    let now = state.clock.now();
    // Milliseconds of computing at most, but of a stranger's text: away from the threads that answer.
    let proposal = tokio::task::spawn_blocking(move || profile::read(&text, now)).await;
    let proposal = proposal.map_err(|_| ApiError::Internal)?;
    let draft = draft(proposal, kind, &file)?;
    tracing::info!(user = %person.user, bytes = file.len(), "a CV was read");
    Ok(axum::Json(state.store.draft_profile(person.user, &draft).await?.into()))
}

/// Confirm the own profile, as it is to be from now on. A field that stands as it was read keeps its place in the CV;
/// every other is the person's own word.
#[utoipa::path(put, operation_id = "confirm_profile", path = "/profiles/me", tag = "profiles", request_body = ProfileBody,
    responses((status = 200, description = "The profile.", body = ProfileView), (status = 404, description = "The account is gone.")))]
pub async fn confirm(
    State(state): State<Shared>,
    person: Person,
    Json(body): Json<ProfileBody>,
) -> Result<axum::Json<ProfileView>, ApiError> {
    let mut fields = Fields::default();
    let job_position = fields.text("job_position", Some(&body.job_position), NAME_CHARS_MAX).unwrap_or_default();
    fields.must(body.tech_stack.len() <= TECH_STACK_MAX, "tech_stack", "At most 30 technologies.");
    let named = body.tech_stack.iter().take(TECH_STACK_MAX);
    let tech_stack: Vec<String> =
        named.filter_map(|name| fields.text("tech_stack", Some(name), NAME_CHARS_MAX)).collect();
    let resume = body.resume.map(Value::Object);
    if let Some(resume) = &resume {
        let mut left = FIELDS_MAX;
        fields.must(is_small(resume, DEPTH_MAX, &mut left), "resume", "This is more than a CV holds.");
    }
    fields.check(Some(()))?;
    let before = match state.store.profile(person.user).await {
        Ok(row) => Some(row),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let known = before.as_ref().and_then(|row| row.draft.as_ref().and_then(|draft| Draft::deserialize(draft).ok()));
    let known = known.or_else(|| before.map(confirmed));
    let resume = resume.or_else(|| known.as_ref().map(|known| known.resume.clone())).unwrap_or_else(|| json!({}));
    let mut profile = Draft {
        job_position,
        experience_level: body.experience_level,
        tech_stack,
        resume,
        provenance: Value::Null,
        source_file: known.as_ref().and_then(|known| known.source_file.clone()),
        source_hash: known.as_ref().and_then(|known| known.source_hash.clone()),
    };
    profile.provenance = provenance(&profile, known.as_ref());
    Ok(axum::Json(state.store.confirm_profile(person.user, &profile).await?.into()))
}

/// Delete the own profile with its draft.
#[utoipa::path(delete, operation_id = "delete_profile", path = "/profiles/me", tag = "profiles",
    responses((status = 204, description = "There is none now.")))]
pub async fn delete(State(state): State<Shared>, person: Person) -> Result<StatusCode, ApiError> {
    state.store.delete_profile(person.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pdf,
    Text,
}

/// The uploaded file, whole.
async fn cv(state: &HttpState, request: Request) -> Result<(Kind, Bytes), ApiError> {
    let bytes_max = state.settings.profile.cv_bytes_max;
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/pdf" => Kind::Pdf,
        "text/plain" => Kind::Text,
        _ => return Err(ApiError::UnsupportedMedia { wanted: "application/pdf` or `text/plain" }),
    };
    let stated = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if stated.is_some_and(|bytes: usize| bytes > bytes_max) {
        return Err(ApiError::TooLarge { bytes_max });
    }
    let file = to_bytes(request.into_body(), bytes_max).await.map_err(|_| ApiError::TooLarge { bytes_max })?;
    if file.is_empty() {
        return Err(ApiError::field("cv", "The file is empty."));
    }
    Ok((kind, file))
}

fn draft(proposal: Proposal, kind: Kind, file: &[u8]) -> Result<Draft, ApiError> {
    Ok(Draft {
        job_position: proposal.job_position.chars().take(NAME_CHARS_MAX).collect(),
        experience_level: proposal.experience_level,
        tech_stack: proposal.tech_stack,
        resume: proposal.resume,
        provenance: serde_json::to_value(proposal.provenance).map_err(|_| ApiError::Internal)?,
        source_file: Some(if kind == Kind::Pdf { "cv.pdf" } else { "cv.txt" }.to_owned()),
        source_hash: Some(opaque::hexadecimal(&Sha256::digest(file))),
    })
}

fn confirmed(row: ProfileRow) -> Draft {
    Draft {
        job_position: row.job_position,
        experience_level: row.experience_level,
        tech_stack: row.tech_stack,
        resume: row.resume,
        provenance: row.provenance,
        source_file: row.source_file,
        source_hash: row.source_hash,
    }
}

/// Where each field comes from: where it was read if it still stands so, else from the person.
fn provenance(profile: &Draft, known: Option<&Draft>) -> Value {
    let top = |draft: &Draft| {
        let mut leaves = Vec::new();
        let level = draft.experience_level.map_or(Value::Null, |level| level.as_str().into());
        collect(
            &json!({ "job_position": draft.job_position, "experience_level": level, "tech_stack": draft.tech_stack }),
            "",
            &mut leaves,
        );
        collect(&draft.resume, "", &mut leaves);
        leaves
    };
    let known_leaves = known.map(top).unwrap_or_default();
    let mut places = Map::new();
    for (path, value) in top(profile) {
        let stands = known_leaves.iter().any(|(known, old)| *known == path && *old == value);
        let read = known.filter(|_| stands).and_then(|known| place_of(&known.provenance, &path));
        places.insert(path, read.unwrap_or_else(|| "person".into()));
    }
    // What was noted of the CV stays noted, whatever the person makes of its fields.
    let noted = known.and_then(|known| known.provenance.as_object()).into_iter().flatten();
    let noted = noted.filter(|(path, _)| path.starts_with(profile::SUSPECTED));
    places.extend(noted.map(|(path, place)| (path.clone(), place.clone())));
    Value::Object(places)
}

/// The place noted for a path, or for what it is a part of.
fn place_of(provenance: &Value, path: &str) -> Option<Value> {
    let mut path = path;
    loop {
        if let Some(place) = provenance.get(path) {
            return Some(place.clone());
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

/// Leaves with their paths; what is absent is no leaf.
fn collect(value: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(field, &format!("{path}{dot}{name}"), into);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, &format!("{path}[{at}]"), into));
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => into.push((path.to_owned(), value.clone())),
    }
}

/// Whether a document stays within the limits of a CV.
fn is_small(value: &Value, depth: usize, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    match value {
        Value::Object(fields) => {
            depth > 0
                && fields
                    .iter()
                    .all(|(name, field)| name.chars().count() <= NAME_CHARS_MAX && is_small(field, depth - 1, left))
        }
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_small(item, depth - 1, left)),
        Value::String(text) => text.chars().count() <= FIELD_CHARS_MAX,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

impl From<PdfError> for ApiError {
    fn from(error: PdfError) -> Self {
        match error {
            PdfError::Busy | PdfError::Broken => Self::Unavailable(error.to_string()),
            PdfError::NotPdf | PdfError::Damaged | PdfError::Protected | PdfError::Scanned | PdfError::TooComplex => {
                Self::field("cv", error.to_string())
            }
        }
    }
}

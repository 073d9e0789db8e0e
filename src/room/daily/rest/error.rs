//! Why Daily did not do what was asked, by its own stable codes. Must never hold the key.

/// Daily's codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// The key is not one of Daily's.
    Authentication,
    /// The header with the key was not understood.
    AuthorizationHeader,
    Forbidden,
    JsonParsing,
    InvalidRequest,
    NotFound,
    RateLimit,
    Server,
    /// One that was not known when this was written, or none.
    Other,
}

impl ErrorCode {
    /// Reads the `error` of an answer.
    #[must_use]
    pub fn read(code: &str) -> Self {
        match code {
            "authentication-error" => Self::Authentication,
            "authorization-header-error" => Self::AuthorizationHeader,
            "forbidden-error" => Self::Forbidden,
            "json-parsing-error" => Self::JsonParsing,
            "invalid-request-error" => Self::InvalidRequest,
            "not-found" => Self::NotFound,
            "rate-limit-error" => Self::RateLimit,
            "server-error" => Self::Server,
            _ => Self::Other,
        }
    }
}

/// Why there is no answer, or not the one hoped for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RestError {
    #[error("Daily refuses ({status}, {code:?}): {info}")]
    Refused { code: ErrorCode, status: u16, info: String },
    #[error("Daily is not reached: {said}")]
    Unreachable { said: String },
    #[error("Daily's answer is not understood: {said}")]
    Unreadable { said: String },
    /// Our own fault, before anything was asked.
    #[error("{said}")]
    Unusable { said: String },
    #[error("too many requests to Daily are waiting already")]
    Busy,
}

impl RestError {
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Unreachable { .. } | Self::Unreadable { .. } | Self::Unusable { .. } | Self::Busy => None,
        }
    }

    /// Whether the same request may be answered a little later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused { code, .. } => matches!(code, ErrorCode::RateLimit | ErrorCode::Server),
            Self::Unreachable { .. } => true,
            Self::Unreadable { .. } | Self::Unusable { .. } | Self::Busy => false,
        }
    }
}

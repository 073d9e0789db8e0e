//! What a person with an account may do. Must never look anything up: it decides from what it is given.

use serde::{Deserialize, Serialize};

/// The role of a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Candidate,
    Interviewer,
    Admin,
}

impl Role {
    /// Whether the person works with other people's interviews.
    #[must_use]
    pub fn is_staff(self) -> bool {
        match self {
            Self::Interviewer | Self::Admin => true,
            Self::Candidate => false,
        }
    }
}

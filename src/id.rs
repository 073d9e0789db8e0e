//! Typed identifiers: row ids (UUIDv7, ordered by creation) and in-memory counters that tag what can be cancelled.
//! Must never know what it identifies.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later ones sort after earlier ones.
            #[must_use]
            pub fn create() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

row_id! {
    /// One interview.
    SessionId,
    /// A person with an account.
    UserId,
    /// A category of questions.
    CategoryId,
    /// One version of one question.
    QuestionRowId,
    /// A server process, for leases.
    NodeId,
    /// A link that was sent to a candidate.
    InvitationId,
    /// A receiver of events.
    WebhookId,
    /// One event on its way to one receiver.
    DeliveryId,
}

macro_rules! counter_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The id after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

counter_id! {
    /// One thing that the interviewer says, cancelled as a unit. Whatever arrives with an old one is dropped.
    SpeechId,
    /// One stretch of the candidate's speech, between pauses; every transcript is bound to one.
    UtteranceId,
    /// One turn of the candidate: the utterances between two turns of the interviewer.
    TurnId,
}

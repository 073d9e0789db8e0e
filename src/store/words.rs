//! The words that columns hold: enums kept as text under a check constraint, and how ids and enums of the vocabulary
//! go in and out of Postgres. Must never hold a query.

use crate::id::{CategoryId, DeliveryId, InvitationId, NodeId, QuestionRowId, SessionId, UserId, WebhookId};
use crate::interview::question::{Level, QuestionKind};
use crate::interview::{EndReason, LineKind, QuestionOutcome};
use serde::{Deserialize, Serialize};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};
use uuid::Uuid;

/// A column holds a word that this version of the program does not know.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} is no {kind}")]
pub struct UnknownWord {
    pub kind: &'static str,
    pub word: String,
}

/// A value that is kept as a word in a text column.
pub trait Word: Sized {
    /// The word in the column.
    fn word(&self) -> &'static str;

    /// # Errors
    /// The word is none of this type's.
    fn from_word(word: &str) -> Result<Self, UnknownWord>;
}

macro_rules! word {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl Word for $name {
            fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            fn from_word(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    other => Err(UnknownWord { kind: stringify!($name), word: other.to_owned() }),
                }
            }
        }

        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <str as Type<Postgres>>::type_info()
            }

            fn compatible(ty: &PgTypeInfo) -> bool {
                <str as Type<Postgres>>::compatible(ty)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let word = <&str as Decode<Postgres>>::decode(value)?;
                Ok(Self::from_word(word)?)
            }
        }

        impl Encode<'_, Postgres> for $name {
            fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                <&str as Encode<Postgres>>::encode(self.word(), buffer)
            }
        }
    };
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// The word in the column, and in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.word()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::from_word(word)
            }
        }

        word!($name { $($variant = $word),* });
    )*};
}

words! {
    /// Where an interview is in its life.
    SessionStatus {
        /// Agreed for later.
        Scheduled = "scheduled",
        /// Open to the candidate, who has not begun.
        Waiting = "waiting",
        Active = "active",
        Paused = "paused",
        Completed = "completed",
        /// The candidate left, or never came.
        Abandoned = "abandoned",
        /// We could not go on.
        Failed = "failed",
        Cancelled = "cancelled",
    }

    /// How the candidate takes part.
    Mode { Voice = "voice", Text = "text" }

    /// Whether anybody but the candidate counts on the result.
    Purpose { Practice = "practice", Official = "official" }

    /// Where candidate and interviewer meet.
    RoomKind { Webrtc = "webrtc", Daily = "daily", Websocket = "websocket", Text = "text" }

    /// Whose words a line of the transcript holds.
    Role { Interviewer = "interviewer", Candidate = "candidate", Observer = "observer" }

    /// What an account may do.
    UserRole { Candidate = "candidate", Interviewer = "interviewer", Admin = "admin" }

    /// How far the report of an interview is.
    ReportState {
        None = "none",
        Queued = "queued",
        Ready = "ready",
        /// Given up after too many attempts.
        Failed = "failed",
    }

    /// How whole a recording is.
    RecordingState {
        /// Being written; after a crash: readable up to what reached the disk.
        Open = "open",
        Complete = "complete",
        /// Ends early: the disk was full, or the process died.
        Cut = "cut",
        Deleted = "deleted",
    }

    /// How far the delivery of an event to a webhook is.
    DeliveryState {
        /// Not yet taken by the receiver; it is tried again.
        Pending = "pending",
        Delivered = "delivered",
        /// Given up after too many attempts.
        Failed = "failed",
    }

    /// How far the evaluation of one answer is.
    ResponseState {
        Pending = "pending",
        Scored = "scored",
        /// There is nothing to score: skipped, or no evidence.
        NotAssessed = "not_assessed",
        Failed = "failed",
    }
}

impl SessionStatus {
    /// Whether nothing more can happen in this interview.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Scheduled | Self::Waiting | Self::Active | Self::Paused => false,
            Self::Completed | Self::Abandoned | Self::Failed | Self::Cancelled => true,
        }
    }
}

word!(Level { Junior = "junior", Middle = "middle", Senior = "senior" });
word!(QuestionKind {
    Factual = "factual",
    Explain = "explain",
    Design = "design",
    Behavioural = "behavioural",
    Code = "code",
});
word!(QuestionOutcome {
    Answered = "answered",
    Skipped = "skipped",
    NotAnswered = "not_answered",
    CutShort = "cut_short",
});
word!(EndReason {
    Completed = "completed",
    CandidateEnded = "candidate_ended",
    TimeUp = "time_up",
    Idle = "idle",
    Left = "left",
    Cancelled = "cancelled",
    Shutdown = "shutdown",
    Failed = "failed",
});
word!(LineKind {
    Greeting = "greeting",
    Disclosure = "disclosure",
    Acknowledgement = "acknowledgement",
    Question = "question",
    Probe = "probe",
    Repeat = "repeat",
    Nudge = "nudge",
    Instruction = "instruction",
    Closing = "closing",
});

macro_rules! id_column {
    ($($name:ident),*) => {$(
        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <Uuid as Type<Postgres>>::type_info()
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                <Uuid as Decode<Postgres>>::decode(value).map(Self)
            }
        }
    )*};
}

id_column!(SessionId, UserId, CategoryId, QuestionRowId, NodeId, InvitationId, WebhookId, DeliveryId);

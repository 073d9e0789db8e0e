//! People who listen to an interview and may speak: their words are transcribed with their own role. They are never
//! answered, never part of a turn, and never reach the scorer. Must never touch the candidate's ears.

use super::ears::{self, EarCommand, EarEvent, EarParts, Ears};
use super::{Parts, SessionHandle, utterances};
use crate::id::UtteranceId;
use crate::room::Overheard;
use crate::stt::SttOptions;
use futures::StreamExt as _;
use futures::stream::SelectAll;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Observers who are transcribed at most: each costs a voice detector and a recogniser.
const OBSERVERS_MAX: usize = 3;
/// A pause that ends what an observer says.
const PAUSE: Duration = Duration::from_millis(1_200);

/// What an observer said.
#[derive(Clone, PartialEq, Debug)]
pub struct Remark {
    pub user: String,
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

/// Transcribes observers until their frames end.
pub async fn listen(
    mut frames: mpsc::Receiver<Overheard>,
    parts: Parts,
    options: SttOptions,
    session: SessionHandle,
    tasks: TaskTracker,
) {
    let cancel = CancellationToken::new();
    let _ends_with_this = cancel.clone().drop_guard();
    let mut known: HashMap<String, mpsc::Sender<EarCommand>> = HashMap::new();
    let mut events = SelectAll::new();
    // Whose words end, and when, unless they go on.
    let mut pauses: HashMap<String, tokio::time::Instant> = HashMap::new();
    loop {
        let due = pauses.values().min().copied();
        tokio::select! {
            frame = frames.recv() => {
                let Some(Overheard { user, frame }) = frame else { return };
                if !known.contains_key(&user) && known.len() < OBSERVERS_MAX {
                    let (commands, told) = open(&user, &parts, &options, &tasks, &cancel);
                    known.insert(user.clone(), commands);
                    events.push(told);
                }
                if let Some(commands) = known.get(&user)
                    && commands.try_send(EarCommand::Frame(frame)).is_err()
                {
                    metrics::counter!("vivavoce_frames_dropped_total", "part" => "observer").increment(1);
                }
            }
            Some((user, event)) = events.next(), if !events.is_empty() => match event {
                EarEvent::Started { .. } => drop(pauses.remove(&user)),
                EarEvent::Stopped { .. } => drop(pauses.insert(user, tokio::time::Instant::now() + PAUSE)),
                EarEvent::Words { transcript, from, to, closed: true, .. } if !transcript.text.trim().is_empty() => {
                    let text = transcript.text.trim().to_owned();
                    session.remark(Remark { user, text, start_ms: from.ms(), end_ms: to.ms() }).await;
                }
                EarEvent::Words { .. }
                | EarEvent::Completion { .. }
                | EarEvent::Partial { .. }
                | EarEvent::Switched { .. } => {}
                EarEvent::Failed { error, .. } => {
                    tracing::warn!(session = %session.id(), %error, "an observer's words were not transcribed");
                }
                EarEvent::Down { part, error } => {
                    tracing::warn!(session = %session.id(), part, %error, "an observer is not heard any more");
                }
            },
            () = tokio::time::sleep_until(due.unwrap_or_else(|| tokio::time::Instant::now() + PAUSE)), if due.is_some() => {
                let now = tokio::time::Instant::now();
                pauses.retain(|user, until| {
                    let is_due = *until <= now;
                    if is_due && let Some(commands) = known.get(user) {
                        let _ = commands.try_send(EarCommand::CloseTurn);
                    }
                    !is_due
                });
            }
        }
    }
}

type Told = futures::stream::BoxStream<'static, (String, EarEvent)>;

/// Ears of one observer.
fn open(
    user: &str,
    parts: &Parts,
    options: &SttOptions,
    tasks: &TaskTracker,
    cancel: &CancellationToken,
) -> (mpsc::Sender<EarCommand>, Told) {
    let own = EarParts { voice: parts.voice_activity.open(), stt: parts.stt.open(options.clone()), turn_model: None };
    let settings = utterances::Settings::default();
    let (Ears { commands, events }, listening) = ears::open(settings, UtteranceId(1), own, cancel.child_token());
    tasks.spawn(listening);
    let user = user.to_owned();
    let told = futures::stream::unfold((user, events), |(user, mut events)| async move {
        let event = events.recv().await?;
        Some(((user.clone(), event), (user, events)))
    });
    (commands, told.boxed())
}

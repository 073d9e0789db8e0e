//! A session's way out, the same for every reason: what was said and heard is kept, the room is told, the log is written
//! to its end. Must never leave a task behind.

use super::actor::{Actor, Inbox, Outcome};
use super::ears::EarCommand;
use super::event::SessionEvent;
use crate::interview::EndReason;
use crate::room::{RoomCommand, RoomEvent, ServerMessage};
use std::time::Duration;

/// How long the room may take to say goodbye.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// How long the words of who was speaking at the end may take.
const LAST_WORDS_MAX: Duration = Duration::from_millis(1_500);
/// How long the last entries may take to become durable at the end.
const LAST_WRITE_MAX: Duration = Duration::from_secs(50);

impl Actor {
    /// Who is cut off in mid-speech by the end has still said what was said.
    async fn hear_out(&mut self, inbox: &mut Inbox) {
        self.ear(EarCommand::Finish);
        let _ = tokio::time::timeout(LAST_WORDS_MAX, async {
            while self.hearing.is_waiting() {
                match inbox.ears.recv().await {
                    Some(event) => self.ear_event(event),
                    None => return,
                }
            }
        })
        .await;
    }

    /// Every way out passes here: what sounds is recorded as heard, the room is told, the log is written out.
    pub(super) async fn close(mut self, mut inbox: Inbox) -> Outcome {
        let reason = self.ended.filter(|_| !self.fenced);
        if reason.is_some() {
            self.hear_out(&mut inbox).await;
            self.log_told();
        }
        if let Some(speech) = self.mouth.current().map(|speech| (speech.id, speech.sent_samples)) {
            self.speech_over(speech.0, speech.1, true);
        }
        self.log_usage();
        if let Some(reason) = reason {
            if reason == EndReason::Shutdown {
                self.keep_what_was_said();
            } else {
                self.commit_what_was_said();
                self.log(SessionEvent::Ended { reason });
            }
            let text = serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(String::from));
            self.show(ServerMessage::Ended { reason: text.unwrap_or_default() });
        }
        let _ = self.room.try_send(RoomCommand::Close);
        let _ = tokio::time::timeout(CLOSE_MAX, async {
            while let Some(event) = inbox.room.recv().await {
                if matches!(event, RoomEvent::Closed { .. }) {
                    break;
                }
            }
        })
        .await;
        // Dropping the sender lets the journal write what waits and end.
        self.journal = None;
        self.cancel.cancel();
        self.tasks.close();
        let tasks = self.tasks.clone();
        let finished = tokio::time::timeout(LAST_WRITE_MAX, async {
            let mut done = std::pin::pin!(tasks.wait());
            loop {
                tokio::select! {
                    () = &mut done => break,
                    Some(_) = inbox.work.recv() => {}
                }
            }
        })
        .await;
        if finished.is_err() {
            tracing::error!(session = %self.id, "the session's last entries were not written in time");
        }
        let recorded_s = match self.recording.take() {
            Some(recording) => recording
                .close()
                .await
                .inspect_err(|why| tracing::error!(session = %self.id, %why, "the recording is incomplete"))
                .ok(),
            None => None,
        };
        Outcome { id: self.id, reason, recorded_s }
    }
}

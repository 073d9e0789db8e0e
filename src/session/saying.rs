//! The interviewer's side of a session: the policy's lines are spoken, held and cut; what is likely to be said next is
//! synthesised beforehand. Must never let two speeches sound at once, nor record more than was heard.

use super::actor::{Actor, now};
use super::event::SessionEvent;
use super::mouth::Speech;
use crate::audio::frame::SamplePos;
use crate::audio::playout;
use crate::id::SpeechId;
use crate::interview::{self, Command, Line, LineKind, Wish};
use crate::room::{NoticeLevel, ServerMessage};
use crate::tts::{TtsError, Urgency};
use crate::turn;

/// Samples (24 kHz) between two progress entries of a speech: one second.
const PROGRESS_SAMPLES: u64 = 24_000;
/// Texts synthesised beforehand for one state of the interview.
const BEFOREHAND_MAX: usize = 32;

impl Actor {
    pub(super) fn interview_command(&mut self, command: Command) {
        match command {
            Command::Say(line) => self.say(line),
            Command::QuestionOpened { key, number } => {
                self.log(SessionEvent::QuestionOpened { key, number });
                self.speak_beforehand();
                self.view_due = now();
            }
            Command::QuestionClosed { key, outcome } => {
                self.log(SessionEvent::QuestionClosed { key, outcome });
                self.log_usage();
                self.view_due = now();
            }
            Command::WishHeard { wish, .. } => {
                self.log(SessionEvent::WishHeard { wish, by_phrase: true });
                if wish == Wish::Moment {
                    self.turn_event(turn::Event::Moment);
                }
            }
            Command::Worded { line, text, refused } => {
                self.count_wording(line, refused);
                self.mouth.word(line, Some(text));
            }
            Command::Paused => {
                self.paused = true;
                self.log(SessionEvent::Paused);
                self.turn_event(turn::Event::Paused);
                self.view_due = now();
            }
            Command::Resumed => {
                self.paused = false;
                self.log(SessionEvent::Resumed);
                self.turn_event(turn::Event::Resumed);
                self.view_due = now();
            }
            Command::Finished { reason } => self.end(reason),
        }
    }

    fn say(&mut self, line: Line) {
        let needs_seq = self.next_seq - 1;
        let (id, wording) = (line.id, line.wording.clone());
        self.mouth.say(line, needs_seq);
        match wording {
            Some(wording) => self.await_wording(id, wording),
            None => self.said_after(id),
        }
    }

    /// A frame of `id` left at `at`.
    pub(super) fn sent(&mut self, id: SpeechId, at: SamplePos, offset: u64, samples: u64) {
        if !self.mouth.sent(id, offset + samples, now()) {
            return;
        }
        if offset == 0 {
            self.speech_began(id, at);
        } else if offset / PROGRESS_SAMPLES != (offset + samples) / PROGRESS_SAMPLES {
            self.speech_progressed();
        }
    }

    fn speech_began(&mut self, id: SpeechId, at: SamplePos) {
        let Some(speech) = self.mouth.current() else { return };
        let line = speech.line.clone();
        let first_audio = speech.first_audio;
        if speech.is_stopped() {
            // Its first frame was under way when it was dropped: for the record, and a reply to nothing.
            return self.log_speech_started(id, &line, at);
        }
        if line.expects_answer.is_some() || line.kind == LineKind::Closing {
            self.hearing.asked(line.question_key.clone(), at);
        }
        if let Some(kind) = line.expects_answer {
            self.turn_event(turn::Event::Asked { kind, probe: line.probe });
        }
        self.turn_event(turn::Event::InterviewerStarted { speech: id, interruptible: line.interruptible });
        self.hearing.interviewer_says(&line.text, at);
        self.mark_first_sample(id, at, first_audio);
        self.log_speech_started(id, &line, at);
        self.show(ServerMessage::InterviewerSpeaking(true));
        self.show(ServerMessage::InterviewerCaption { text: line.text, spoken: false });
        self.view_due = now();
    }

    fn speech_progressed(&mut self) {
        let Some(speech) = self.mouth.current() else { return };
        let (speech_id, sent_samples) = (speech.id, speech.sent_samples);
        let heard = self.heard_of(speech);
        self.log(SessionEvent::SpeechProgress { speech: speech_id, sent_samples, heard });
    }

    /// What the candidate heard of a speech: what was sent less what the client still holds, cut at the word.
    pub(super) fn heard_of(&self, speech: &Speech) -> String {
        // What the client held when the last frame left, it has played since.
        let since_ms = speech.last_sent.map_or(0, |at| now().saturating_duration_since(at).as_millis());
        let held_ms = self.client_buffer_ms.saturating_sub(u32::try_from(since_ms).unwrap_or(u32::MAX));
        playout::heard(&speech.clips, speech.making(), speech.sent_samples, held_ms).text
    }

    pub(super) fn speech_over(&mut self, id: SpeechId, sent_samples: u64, stopped: bool) {
        let Some(speech) = self.mouth.ended(id, sent_samples) else { return };
        let whole = !stopped && !speech.is_cut;
        let heard = if whole { speech.line.text.clone() } else { self.heard_of(&speech) };
        self.log_speech_ended(&speech, heard, stopped);
        self.show(ServerMessage::InterviewerSpeaking(false));
        self.hearing.interviewer_silent(self.samples.at(now()));
        self.turn_event(turn::Event::InterviewerEnded { speech: id });
        self.view_due = now();
        if self.discarded.remove(&id) {
            return;
        }
        let line = speech.line.id;
        if stopped {
            self.interview_event(interview::Event::LineInterrupted { line });
        } else {
            self.show(ServerMessage::InterviewerCaption { text: speech.line.text, spoken: true });
            self.interview_event(interview::Event::LineDone { line });
        }
    }

    pub(super) fn clip_failed(&mut self, id: SpeechId, error: &TtsError) {
        tracing::error!(session = %self.id, speech = %id, %error, "a sentence could not be spoken");
        let (part, text) = ("tts".to_owned(), error.to_string());
        self.log(SessionEvent::SpeechFailed { speech: id, part, error: text });
        self.show(ServerMessage::Notice {
            level: NoticeLevel::Warning,
            text: "My voice failed for a moment; please read the text.".into(),
        });
        self.mouth.clip_failed(id);
    }

    /// Nothing of a speech can be heard: its words are shown in its place and stand in the record, and the interview goes
    /// on.
    pub(super) fn show_unspoken(&mut self, speech: Speech) {
        let (id, line) = (speech.id, speech.line);
        self.log_speech_shown(id, &line);
        if line.expects_answer.is_some() || line.kind == LineKind::Closing {
            self.hearing.asked(line.question_key, self.samples.at(now()));
        }
        if let Some(kind) = line.expects_answer {
            self.turn_event(turn::Event::Asked { kind, probe: line.probe });
        }
        self.show(ServerMessage::InterviewerCaption { text: line.text, spoken: true });
        self.turn_event(turn::Event::InterviewerStarted { speech: id, interruptible: false });
        self.turn_event(turn::Event::InterviewerEnded { speech: id });
        self.interview_event(interview::Event::LineFailed { line: line.id });
    }

    fn speak_beforehand(&mut self) {
        if let Some(old) = self.beforehand.take() {
            old.cancel();
        }
        let mut lines = self.interview.upcoming();
        lines.truncate(BEFOREHAND_MAX);
        let cancel = self.cancel.child_token();
        self.beforehand = Some(cancel.clone());
        self.make(lines, Urgency::Beforehand, cancel);
    }
}

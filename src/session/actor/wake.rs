//! A session's state at its first or next beginning. Must never carry anything out: the loop does.

use super::{Actor, Inbox, now};
use crate::id::SpeechId;
use crate::interview::Facts;
use crate::room::StateView;
use crate::session::event::{SessionEvent, Versions};
use crate::session::hearing::Hearing;
use crate::session::journal;
use crate::session::mouth::Mouth;
use crate::session::wording::Wordings;
use crate::session::{Setup, WORK_MAX};
use crate::store::{Projection, RecordingRow};
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A session's state at its first or next beginning; its ears and its journal are at work from here on.
pub(super) fn wake(setup: Setup, view: watch::Sender<StateView>, tasks: TaskTracker) -> (Actor, Inbox) {
    let (work_tx, work) = mpsc::channel(WORK_MAX);
    let (journal_tx, journal_rx) = mpsc::channel(journal::JOURNAL_ENTRIES_MAX);
    // Not a child of the stop's token: who is stopped in mid-speech is heard out, and the ears do that.
    let cancel = CancellationToken::new();
    tasks.spawn(journal::write(setup.record, setup.clock.clone(), journal_rx, work_tx.clone()));
    let versions = versions(&setup.parts);
    let ear_parts = crate::session::ears::EarParts {
        voice: setup.parts.voice_activity.open(),
        stt: setup.parts.stt.open(setup.stt),
        turn_model: setup.parts.turn_model.clone(),
    };
    let is_resumed = setup.resumed.is_some();
    let resumed = setup.resumed.unwrap_or_default();
    let first = crate::id::UtteranceId(resumed.next_utterance.max(1));
    let (ears, listening) = crate::session::ears::open(setup.ears, first, ear_parts, cancel.child_token());
    tasks.spawn(listening);
    let mouth = Mouth::new(
        setup.room.commands.clone(),
        setup.parts.tts.clone(),
        work_tx.clone(),
        tasks.clone(),
        cancel.child_token(),
        SpeechId(resumed.next_speech.max(1)),
    );
    let question_key = setup.interview.facts(now()).open.map(|open| open.key);
    let mut actor = Actor {
        id: setup.id,
        clock: setup.clock,
        samples: setup.samples,
        mouth,
        room: setup.room.commands,
        ears: ears.commands,
        turn: setup.turn,
        interview: setup.interview,
        hearing: Hearing::resumed(&resumed.utterances, question_key),
        parts: setup.parts,
        journal: Some(journal_tx),
        next_seq: setup.first_seq,
        first_seq: setup.first_seq,
        usage_told: Vec::new(),
        durable_seq: setup.first_seq - 1,
        words_seq: 0,
        recording: setup.recording,
        work: work_tx,
        tasks,
        cancel,
        view,
        view_due: now(),
        discarded: BTreeSet::new(),
        recording_failed: false,
        turn_span: tracing::Span::none(),
        reply: None,
        wordings: Wordings::default(),
        beforehand: None,
        told: Vec::new(),
        client_buffer_ms: 0,
        when_durable: VecDeque::new(),
        speech_started_ms: 0,
        code_version: resumed.code_version,
        last_code: None,
        focus_told: 0,
        facts: Facts::default(),
        facts_due: false,
        paused: false,
        connected: false,
        begun: false,
        ended: None,
        fenced: false,
    };
    log_beginning(&mut actor, SessionEvent::TakenUp { resumed: is_resumed, versions }, setup.recorded, &setup.floor);
    (actor, Inbox { work, ears: ears.events, room: setup.room.events })
}

fn log_beginning(
    actor: &mut Actor,
    taken_up: SessionEvent,
    recorded: Option<RecordingRow>,
    floor: &crate::turn::Settings,
) {
    actor.log_with(taken_up, recorded.map(Projection::Recording).into_iter().collect());
    let settings = serde_json::to_value(floor).unwrap_or_default();
    actor.log(SessionEvent::FloorOpened { settings });
}

/// What speaks, hears and thinks in this session, for its log.
fn versions(parts: &crate::session::Parts) -> Versions {
    Versions {
        app: env!("CARGO_PKG_VERSION").into(),
        vad: parts.voice_activity.name(),
        turn_model: parts.turn_model.as_ref().map_or_else(String::new, |model| model.name()),
        stt: parts.stt.name(),
        llm: parts.llm.as_ref().map_or_else(String::new, |model| model.name()),
        tts: parts.tts.voice(),
    }
}

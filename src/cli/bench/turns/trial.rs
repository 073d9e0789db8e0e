//! One answer through the policy of the floor, in virtual time. The ears are perfect: speech is told as it begins, a pause
//! with its words when the detector's silence has passed. Must never decide when an answer is over: `turn` does.

use super::answer::{Answer, Word};
use crate::audio::frame::SamplePos;
use crate::id::UtteranceId;
use crate::session::utterances;
use crate::turn::{Command, Event, Settings, TurnTaking};
use std::time::{Duration, Instant};

/// What became of one answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// The floor was taken before a later word began.
    pub cut: bool,
    /// … and that word came more than [`RECOVERY_MS`] after it.
    pub stays_cut: bool,
    /// From the true end to the floor being taken, ms; 0 if it was taken before and what followed won it back no more.
    pub wait_ms: u64,
    /// From the first word to the last, ms.
    pub length_ms: u64,
    /// What the policy was told.
    pub events: u32,
}

/// A word that begins within so long after the floor was taken recovers the turn, ms.
pub const RECOVERY_MS: u64 = 1_500;
/// The policy is waited for so long after the end, ms; the longest patience (code, patient, doubled) is 135 s.
const PATIENCE_MS_MAX: u64 = 180_000;

/// Every answer on a floor of its own: nothing is learnt from one to the next.
pub fn all(settings: &Settings, answers: &[Answer]) -> Vec<Trial> {
    answers.iter().map(|answer| one(settings, answer)).collect()
}

fn one(settings: &Settings, answer: &Answer) -> Trial {
    let end = answer.end();
    let told = events(answer);
    let events = u32::try_from(told.len()).unwrap_or(u32::MAX);
    let taken = commitments(settings, told, end);
    let (mut cut, mut stays_cut) = (false, false);
    for at in taken.iter().filter(|at| **at < end) {
        if let Some(later) = answer.words.iter().find(|word| word.start > *at) {
            cut = true;
            stays_cut |= later.start - at > RECOVERY_MS;
        }
    }
    // What holds no word (a noise) is no turn: there the interviewer would say a kind word after a while.
    let latest = taken.last().copied().unwrap_or(end + settings.silence.nudge_ms);
    Trial { cut, stays_cut, wait_ms: latest.saturating_sub(end), length_ms: answer.length(), events }
}

/// When the floor was taken, ms, up to the first time at or after the end.
fn commitments(settings: &Settings, told: Vec<(u64, Event)>, end: u64) -> Vec<u64> {
    let zero = Instant::now();
    let place = |ms: u64| zero + Duration::from_millis(ms);
    let mut floor = TurnTaking::new(settings.clone());
    let mut taken = Vec::new();
    let mut drain = |floor: &mut TurnTaking, now: Instant| {
        let at = u64::try_from((now - zero).as_millis()).unwrap_or(u64::MAX);
        while let Some(command) = floor.poll_command() {
            if let Command::Commit { .. } = command {
                taken.push(at);
            }
        }
        taken.last().is_some_and(|at| *at >= end)
    };
    for (at, event) in told {
        while let Some(due) = floor.poll_deadline().filter(|due| *due <= place(at)) {
            floor.handle_timeout(due);
            if drain(&mut floor, due) {
                return taken;
            }
        }
        floor.handle_event(place(at), event);
        if drain(&mut floor, place(at)) {
            return taken;
        }
    }
    while let Some(due) = floor.poll_deadline().filter(|due| *due <= place(end + PATIENCE_MS_MAX)) {
        floor.handle_timeout(due);
        if drain(&mut floor, due) {
            break;
        }
    }
    taken
}

/// What the ears would tell of `answer`, in the order of time.
fn events(answer: &Answer) -> Vec<(u64, Event)> {
    let cutting = utterances::Settings::default();
    let stop_ms = u64::from(cutting.stop_silence_ms);
    let mut told = Vec::new();
    if let Some(kind) = answer.kind {
        told.push((0, Event::Asked { kind, probe: false }));
    }
    let mut id = UtteranceId(1);
    let (mut text, mut from) = (String::new(), None);
    let mut rest = answer.words.as_slice();
    while !rest.is_empty() {
        let (stretch, later) = rest.split_at(stretch(rest, stop_ms));
        rest = later;
        let start = stretch[0].start;
        let end = stretch.iter().map(|word| word.end).max().unwrap_or(start);
        for word in stretch {
            text.push_str(&word.text);
            text.push(' ');
        }
        told.push((start, Event::SpeechStarted { utterance: id, at: SamplePos::from_ms(start), speech_ms: 0 }));
        told.push((
            end + stop_ms,
            Event::SpeechStopped { utterance: id, at: SamplePos::from_ms(end), silence_ms: stop_ms },
        ));
        let until = later.first().map_or(u64::MAX, |next| next.start);
        let judged = answer.completions.iter().filter(|(at, _)| (end..until).contains(at));
        for (at, probability) in judged {
            let probability = *probability;
            told.push(((*at).max(end + stop_ms), Event::Completion { utterance: id, probability }));
        }
        let closed = until.saturating_sub(end) >= u64::from(cutting.join_pause_ms)
            || end - *from.get_or_insert(start) >= u64::from(cutting.close_after_ms);
        told.push((end + stop_ms, Event::Words { utterance: id, text: text.trim().to_owned(), last: closed }));
        if closed {
            id = id.next();
            text.clear();
            from = None;
        }
    }
    told.sort_by_key(|(at, _)| *at);
    told
}

/// How many of `words` follow each other without a pause that the detector would tell of.
fn stretch(words: &[Word], stop_ms: u64) -> usize {
    let mut end = 0;
    for (count, word) in words.iter().enumerate() {
        if count > 0 && word.start >= end + stop_ms {
            return count;
        }
        end = word.end.max(end);
    }
    words.len()
}

//! A conversation that is over: what was written and told, and the rules that every session keeps. Must never mend what
//! it finds.

use super::record::{Kept, Written};
use super::stage::{Note, timeline};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use vivavoce::id::{SpeechId, TurnId, UtteranceId};
use vivavoce::interview::{EndReason, LineKind, QuestionOutcome};
use vivavoce::session::Outcome;
use vivavoce::session::event::{Answer, SessionEvent, Utterance};
use vivavoce::session::restore::restore;
use vivavoce::store::Role;

/// What is left of a conversation.
pub struct Over {
    pub reason: Option<EndReason>,
    pub notes: Vec<Note>,
    pub kept: Kept,
}

impl Over {
    pub fn new(outcome: Outcome, notes: Vec<Note>, kept: Kept, left: usize) -> Self {
        let over = Self { reason: outcome.reason, notes, kept };
        over.hold(over.kept.faults.is_empty(), || over.kept.faults.join("; "));
        over.keeps_order();
        over.stops_for_good();
        over.commits_before_it_replies(left);
        over.replies_to_what_stands();
        over.shows_what_is_durable(left);
        check_answers(&over.kept.written, &|| over.story());
        over
    }

    fn hold(&self, holds: bool, why: impl FnOnce() -> String) {
        assert!(holds, "{}\n{}", why(), self.story());
    }

    /// What was told, then what was written.
    pub fn story(&self) -> String {
        self.kept.written.iter().fold(timeline(&self.notes), |mut story, row| {
            writeln!(story, "{:>4} {:>7} {} {}", row.seq, row.durable_ms, row.kind, row.payload)
                .expect("a string takes all");
            story
        })
    }

    /// Numbers without gaps, and one voice at a time.
    fn keeps_order(&self) {
        let wanted = (1..).zip(&self.kept.written).find(|(seq, row)| *seq != row.seq);
        self.hold(wanted.is_none(), || format!("the log has a gap: {wanted:?}"));
        let mixes = self.notes.iter().find(|note| note.what.starts_with("mixes"));
        self.hold(mixes.is_none(), || format!("two speeches at once: {mixes:?}"));
        let mut sounding = None;
        for note in &self.notes {
            if let Some(speech) = note.what.strip_prefix("sounds ") {
                self.hold(sounding.is_none(), || format!("{speech} began while {sounding:?} was not over"));
                sounding = Some(speech);
            } else if let Some(over) = note.what.strip_prefix("done ").or_else(|| note.what.strip_prefix("stopped ")) {
                sounding.take_if(|speech| over.starts_with(*speech));
            }
        }
    }

    /// After the instant at which a speech is stopped one frame of it leaves at most: its fade.
    fn stops_for_good(&self) {
        for (place, note) in self.notes.iter().enumerate() {
            let Some(speech) = note.what.strip_prefix("stop ") else { continue };
            let is_its = |note: &&Note| {
                ["frame ", "sounds ", "mixes "].iter().any(|kind| note.what.strip_prefix(kind) == Some(speech))
            };
            let more = self.notes[place..].iter().filter(|later| later.ms > note.ms).filter(is_its).count();
            self.hold(more <= 1, || format!("{more} frames of {speech} after it was stopped"));
        }
    }

    /// When something that begins with `what` was noted.
    pub fn noted(&self, what: &str) -> Vec<u64> {
        self.notes.iter().filter(|note| note.what.starts_with(what)).map(|note| note.ms).collect()
    }

    /// No speech sounds, or is shown, before all that the candidate said ahead of it is durable: answers, whatever they
    /// are answered with, and words that are in no answer yet.
    fn commits_before_it_replies(&self, left: usize) {
        let mut said: Vec<&Written> = Vec::new();
        for row in &self.kept.written[left..] {
            if has_words(row) {
                said.push(row);
            }
            if let SessionEvent::SpeechStarted { speech, text, .. } = &row.read {
                let sounds = self.noted(&format!("sounds #{speech};")).first().copied();
                // One that was only shown may say what another has said before.
                let shown = || self.noted(&format!("spoken {text}")).into_iter().find(|ms| *ms >= at_ms(row));
                let sounds = sounds.or_else(shown);
                self.hold(sounds.is_some(), || format!("{speech} never sounded"));
                let sounds = sounds.unwrap_or(0);
                let is_early = |row: &&&Written| {
                    // What is in no answer yet may be told while the line is on its way. Events have the time of the
                    // frame in which they come: one of the line's own first frame came after it had begun.
                    // So may words that correct an answer which was committed without them.
                    let under_way_ms = if is_first(row, &said) { 1 } else { FRAME_MS };
                    row.durable_ms > sounds && at_ms(row) + under_way_ms <= sounds
                };
                let early = said.iter().find(is_early).filter(|_| !self.was_dropped_at_once(*speech));
                self.hold(early.is_none(), || format!("{speech} sounded at {sounds}, before {early:?} was durable"));
            }
        }
    }

    /// A line that was on its way when it was stopped may leave one frame.
    fn was_dropped_at_once(&self, speech: SpeechId) -> bool {
        let stopped = format!("stopped #{speech}; after ");
        let sent = |note: &Note| note.what.strip_prefix(&stopped)?.parse::<u64>().ok();
        self.notes.iter().find_map(sent).is_some_and(|samples| samples <= FRAME_SAMPLES)
    }

    /// What counts as the reply to a turn sounded when its answer, as it stands, was durable; and no turn has two.
    fn replies_to_what_stands(&self) {
        let mut durable: BTreeMap<TurnId, u64> = BTreeMap::new();
        let mut replies: BTreeMap<TurnId, SpeechId> = BTreeMap::new();
        for row in &self.kept.written {
            if let SessionEvent::AnswerCommitted(answer) = &row.read {
                durable.insert(answer.turn, row.durable_ms);
            } else if let SessionEvent::FalseCutoffRecovered { turn, .. } = &row.read {
                durable.remove(turn);
                replies.remove(turn);
            } else if let SessionEvent::Replied { turn, speech, start_ms, .. } = &row.read {
                let answered = durable.get(turn).is_some_and(|durable_ms| durable_ms <= start_ms);
                self.hold(answered, || format!("{speech} counts as the reply to turn {turn}, and is none"));
                let first = *replies.entry(*turn).or_insert(*speech);
                self.hold(first == *speech, || format!("turn {turn} has two replies, {first} and {speech}"));
            }
        }
    }

    /// A final caption is in the log before it is shown, and in an answer, put aside, or open at the end.
    fn shows_what_is_durable(&self, left: usize) {
        let heard = heard(&self.kept.written);
        for note in &self.notes {
            let Some(text) = note.what.strip_prefix("caption ") else { continue };
            let mut shown = self.kept.written[left..].iter().filter(|row| row.durable_ms <= note.ms && has_words(row));
            let durable = shown.any(|row| holds(&row.read, text));
            self.hold(durable, || format!("shown before it was durable: {text}"));
            self.hold(heard.contains(text), || format!("shown and lost: {text}"));
        }
    }

    pub fn events(&self) -> impl Iterator<Item = SessionEvent> {
        self.kept.written.iter().map(Written::event)
    }

    pub fn has(&self, kind: &str) -> usize {
        self.kept.written.iter().filter(|row| row.kind == kind).count()
    }

    /// Answers in the order of their commitment; one that was reopened comes again.
    pub fn answers(&self) -> Vec<Answer> {
        answers(&self.kept.written)
    }

    /// When the nth answer was durable, ms.
    pub fn answer_durable_ms(&self, nth: usize) -> u64 {
        let mut answers = self.kept.written.iter().filter(|row| row.kind == "answer_committed");
        answers.nth(nth).unwrap_or_else(|| panic!("no answer {nth}\n{}", self.story())).durable_ms
    }

    pub fn outcomes(&self) -> Vec<(String, QuestionOutcome)> {
        let closed = |event| {
            if let SessionEvent::QuestionClosed { key, outcome } = event { Some((key, outcome)) } else { None }
        };
        self.events().filter_map(closed).collect()
    }

    /// How often questions were asked (again), by key.
    pub fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for event in self.events() {
            if let SessionEvent::SpeechStarted { line: LineKind::Question, question_key: Some(key), .. } = event {
                *asked.entry(key).or_default() += 1;
            }
        }
        asked
    }

    /// The transcript as its rows stand: who, to which question, what; what was not heard of a line in brackets.
    pub fn transcript(&self) -> String {
        let mut rows: Vec<_> = self.kept.rows.values().map(|(row, _)| row).collect();
        rows.sort_by_key(|row| (row.start_ms, row.end_ms));
        rows.iter().fold(String::new(), |mut lines, row| {
            let key = row.question_key.as_deref().unwrap_or("-");
            let (who, cut) = match row.role {
                Role::Interviewer => ("I", row.planned.as_deref().filter(|planned| *planned != row.content)),
                Role::Candidate | Role::Observer => ("C", None),
            };
            let cut = cut.map_or_else(String::new, |_| " [cut]".into());
            writeln!(lines, "{who} {key}: {}{cut}", row.content).expect("a string takes all");
            lines
        })
    }
}

/// A line that was handed to the room sounds within one frame, ms.
const FRAME_MS: u64 = 20;
/// The same of its samples (24 kHz).
const FRAME_SAMPLES: u64 = 480;

/// Where an entry stands on the session's clock, ms.
fn at_ms(row: &Written) -> u64 {
    row.payload["at_ms"].as_u64().expect("every entry has its time")
}

pub fn answers(written: &[Written]) -> Vec<Answer> {
    let answer =
        |row: &Written| if let SessionEvent::AnswerCommitted(answer) = &row.read { Some(answer.clone()) } else { None };
    written.iter().filter_map(answer).collect()
}

/// Texts of all that is in an answer, put aside, or still open.
pub fn heard(written: &[Written]) -> BTreeSet<String> {
    let mut texts = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut aside = BTreeSet::new();
    for row in written {
        if let SessionEvent::Aside { utterance } = &row.read {
            aside.insert(*utterance);
        } else if let SessionEvent::UtteranceTranscribed(utterance) = &row.read {
            texts.insert(utterance.id, utterance.text.clone());
        } else if let SessionEvent::AnswerCommitted(answer) = &row.read {
            known.extend(answer.utterances.iter().map(|utterance| utterance.text.clone()));
        }
    }
    known.extend(aside.iter().filter_map(|utterance| texts.get(utterance).cloned()));
    known.extend(open(written).into_iter().map(|utterance| utterance.text));
    known
}

/// What is in no answer yet, as whoever takes the session up finds it.
fn open(written: &[Written]) -> Vec<Utterance> {
    restore(written.iter().map(|row| (row.seq, row.kind.as_str(), &row.payload))).resumed.utterances
}

/// Every utterance is in one turn at most, a turn is committed once unless it was reopened, and none that was committed
/// is open again.
pub fn check_answers(written: &[Written], story: &dyn Fn() -> String) {
    let mut turns: BTreeMap<UtteranceId, TurnId> = BTreeMap::new();
    let mut committed: BTreeMap<TurnId, Vec<UtteranceId>> = BTreeMap::new();
    for row in written {
        if let SessionEvent::FalseCutoffRecovered { turn, .. } = &row.read {
            committed.remove(turn);
        } else if let SessionEvent::AnswerCommitted(answer) = &row.read {
            let ids: Vec<UtteranceId> = answer.utterances.iter().map(|utterance| utterance.id).collect();
            // An answer that is corrected has what it had, in other words.
            let before = committed.insert(answer.turn, ids.clone()).unwrap_or_else(|| ids.clone());
            assert_eq!(before, ids, "turn {} is committed twice\n{}", answer.turn, story());
            for utterance in &answer.utterances {
                let before = turns.insert(utterance.id, answer.turn).unwrap_or(answer.turn);
                assert_eq!(before, answer.turn, "{utterance:?} is in two turns\n{}", story());
            }
        }
    }
    for open in open(written) {
        let answered = turns.get(&open.id).is_some_and(|turn| committed.contains_key(turn));
        assert!(!answered, "{open:?} is answered and open\n{}", story());
    }
}

/// Whether words of the candidate's stand in it: who presses the button of the end without one has said nothing.
fn has_words(row: &Written) -> bool {
    if let SessionEvent::AnswerCommitted(answer) = &row.read {
        return !answer.text.is_empty() || !answer.utterances.is_empty();
    }
    row.kind == "utterance_transcribed"
}

/// Whether it commits an answer that no row of these committed before.
fn is_first(row: &Written, said: &[&Written]) -> bool {
    let turn =
        |row: &Written| if let SessionEvent::AnswerCommitted(answer) = &row.read { Some(answer.turn) } else { None };
    let this = turn(row);
    this.is_some() && said.iter().all(|other| other.seq >= row.seq || turn(other) != this)
}

/// Whether an event keeps an utterance with these words.
fn holds(event: &SessionEvent, text: &str) -> bool {
    if let SessionEvent::AnswerCommitted(answer) = event {
        return answer.utterances.iter().any(|utterance| utterance.text == text);
    }
    matches!(event, SessionEvent::UtteranceTranscribed(heard) if heard.text == text)
}

//! Timers of the floor and what they do: preparing, committing, holding, yielding, reopening. Must never be entered
//! but from the state machine above it.

use super::{
    Command, Committed, Due, Duration, Floor, Halt, Instant, Mouth, ONSET_LAG_MS, Reason, Turn, TurnTaking, Utterance,
    Verdict, interruption, ms_between,
};
use crate::interview::question::QuestionKind;
use crate::turn::endpointing::{self, Wait};
use crate::turn::words::Sign;
use crate::turn::{Decision, SilenceStep};

/// A button pressed while something still sounds takes the turn after so long at the latest, ms (the last word may be
/// under way; noise may never end).
const FINISHED_SOUND_MS_MAX: u64 = 1_500;
/// Words less complete than this are not worth a prepared reply: hardly anybody ends on them.
const PREPARE_COMPLETENESS_MIN: f32 = -0.75;

impl TurnTaking {
    /// The next timer; one that is due now may stand for a judgement that has just become possible.
    pub(super) fn next_due(&self, now: Instant) -> Option<(Instant, Due)> {
        if self.halt != Halt::default() {
            return None;
        }
        match &self.floor {
            Floor::Idle => self.ladder_due(),
            Floor::Open(turn) => {
                let commit = self.commit_due(turn, now);
                let prepare = self.worth_preparing(turn).then_some((now, Due::Prepare));
                let monologue = self.monologue_due(turn);
                // On a tie the commitment comes first: nothing is prepared for a turn that is complete.
                [commit, monologue, prepare].into_iter().flatten().min_by_key(|(at, _)| *at)
            }
            Floor::Overlap(overlap) => self.overlap_due(overlap, now),
            Floor::Committed(committed) => self.committed_due(committed, now),
        }
    }

    pub(super) fn take(&mut self, now: Instant, due: Due) {
        match due {
            Due::Commit(reason, silence_ms, patience_ms) => self.commit(now, reason, silence_ms, patience_ms),
            Due::Prepare => {
                if let Floor::Open(turn) = &mut self.floor {
                    turn.prepared = true;
                    self.commands.push_back(Command::Prepare { turn: turn.id });
                }
            }
            Due::Monologue => {
                if let Floor::Open(turn) = &mut self.floor {
                    turn.overlong = Some(now);
                    self.commands.push_back(Command::Monologue { turn: turn.id });
                }
            }
            Due::Hold => self.set_held(true),
            Due::Resume => self.set_held(false),
            Due::Yield => self.yield_floor(now),
            Due::Drop => self.drop_overlap(),
            Due::Close => {
                if let Floor::Committed(Committed { began: None, .. }) = self.floor {
                    // No reply came: the candidate is still the one to speak.
                    self.awaited = true;
                    self.ladder.alive(now);
                    self.ladder.spoken(now);
                }
                self.close_committed();
                if std::mem::take(&mut self.typed_waits) {
                    self.typed(now);
                }
            }
            Due::Ladder(step) => {
                self.ladder.took(step);
                self.commands.push_back(Command::Silence(step));
                if step == SilenceStep::End {
                    self.awaited = false;
                }
            }
        }
    }

    fn ladder_due(&self) -> Option<(Instant, Due)> {
        if !self.awaited || self.mouth != Mouth::Silent || self.voice.is_some() {
            return None;
        }
        self.ladder
            .due(&self.settings.silence, self.asked.map(|asked| asked.kind))
            .map(|(at, step)| (at, Due::Ladder(step)))
    }

    fn commit_due(&self, turn: &Turn, now: Instant) -> Option<(Instant, Due)> {
        let due_at = |at: Instant, since: Instant, wait: Wait| {
            (at, Due::Commit(wait.reason, ms_between(since, at.max(now)), wait.patience_ms))
        };
        let by_hand = Wait { ms: 0, patience_ms: 0, reason: Reason::Explicit };
        let too_long = Wait { ms: 0, patience_ms: 0, reason: Reason::Monologue };
        let Some((_, since)) = turn.silent_since() else {
            let finished = turn.finished.map(|at| {
                let sound_ms = if turn.is_talking() { FINISHED_SOUND_MS_MAX } else { 0 };
                let at = at + Duration::from_millis(sound_ms);
                due_at(at, at, by_hand)
            });
            let overlong = turn.overlong.map(|at| {
                let at = at + Duration::from_millis(self.settings.monologue_grace_ms);
                due_at(at, at, too_long)
            });
            // Typed text that was taken back by a noise only.
            let again = (turn.committed.is_some() && !turn.is_talking()).then(|| due_at(now, now, by_hand));
            return finished.or(overlong).or(again);
        };
        let (wait, at) = if let Some(pressed) = turn.finished {
            (by_hand, pressed.max(since))
        } else if let Some(passed) = turn.overlong {
            (too_long, passed.max(since))
        } else if turn.adds_nothing() {
            (Wait { ms: 0, patience_ms: 0, reason: Reason::Patience }, since)
        } else {
            let wait = endpointing::wait(&self.settings, &self.own, &turn.pause());
            (wait, self.pause_ends(turn, since, wait))
        };
        let at = if turn.words_settled() {
            at
        } else {
            at.max(since + Duration::from_millis(self.settings.words_wait_ms_max))
        };
        Some(due_at(at, since, wait))
    }

    /// When the pause since `since` has lasted for `wait`, typing and lost connections considered.
    fn pause_ends(&self, turn: &Turn, since: Instant, wait: Wait) -> Instant {
        let wait_ms = Duration::from_millis(wait.ms);
        let mut at = since + wait_ms;
        if let Some(quiet_from) = self.quiet_from.filter(|from| *from > since) {
            at = at.max(quiet_from + wait_ms.max(Duration::from_millis(self.settings.back_grace_ms)));
        }
        if let Some(typed_at) = self.typed_at {
            let hold = Duration::from_millis(self.settings.typing_hold_ms);
            let explicit = wait.reason == Reason::Explicit;
            let hold = if turn.kind() == Some(QuestionKind::Code) && !explicit { hold.max(wait_ms) } else { hold };
            at = at.max(typed_at + hold);
        }
        at
    }

    fn worth_preparing(&self, turn: &Turn) -> bool {
        if turn.prepared || turn.utterances.is_empty() || turn.is_talking() || !turn.words_settled() {
            return false;
        }
        let pause = turn.pause();
        pause.completeness.is_some_and(|completeness| completeness > PREPARE_COMPLETENESS_MIN)
            && pause.kind != Some(QuestionKind::Code)
            && !pause.thinking
            && (pause.sign != Sign::Moment || pause.only_moment)
    }

    fn monologue_due(&self, turn: &Turn) -> Option<(Instant, Due)> {
        if turn.overlong.is_some() {
            return None;
        }
        let factor = if turn.kind() == Some(QuestionKind::Code) { self.settings.silence.code_factor.max(1) } else { 1 };
        Some((
            turn.opened + Duration::from_millis(self.settings.monologue_ms_max.saturating_mul(factor)),
            Due::Monologue,
        ))
    }

    fn overlap_due(&self, overlap: &Turn, now: Instant) -> Option<(Instant, Due)> {
        match self.mouth {
            Mouth::Speaking { interruptible: true, .. } if overlap.committed.is_some() => Some((now, Due::Yield)),
            Mouth::Speaking { interruptible: true, held, .. } => self.judgement_due(overlap, held, now),
            Mouth::Speaking { interruptible: false, .. } => None,
            // Nobody speaks over whom any more.
            Mouth::Silent | Mouth::Stopping { .. } => Some((now, Due::Yield)),
        }
    }

    fn judgement_due(&self, overlap: &Turn, held: bool, now: Instant) -> Option<(Instant, Due)> {
        let settings = &self.settings.interruption;
        match interruption::judge(settings, overlap, now) {
            Verdict::Interruption => Some((now, Due::Yield)),
            Verdict::Aside => Some((now, Due::Drop)),
            Verdict::Open(limit) if held => limit
                .map(|limit| (limit, Due::Yield))
                .or_else(|| interruption::hold_ends(settings, overlap).map(|at| (at, Due::Resume))),
            Verdict::Open(_) => interruption::is_speech_from(settings, overlap).map(|at| (at, Due::Hold)),
        }
    }

    fn committed_due(&self, committed: &Committed, now: Instant) -> Option<(Instant, Due)> {
        let Committed { at, began, more, closed, .. } = committed;
        let no_reply = (*at + Duration::from_millis(self.settings.reply_wait_ms_max), Due::Close);
        if *closed || more.utterances.is_empty() {
            return match began {
                None => Some(no_reply),
                Some(_) if *closed && self.mouth != Mouth::Silent => None,
                Some(began) => {
                    Some((*began + Duration::from_millis(self.settings.recovery_ms + ONSET_LAG_MS), Due::Close))
                }
            };
        }
        match self.mouth {
            Mouth::Speaking { interruptible: true, held, .. } => self.judgement_due(more, held, now),
            Mouth::Speaking { interruptible: false, .. } => None,
            Mouth::Silent | Mouth::Stopping { .. } => {
                let settings = &self.settings.interruption;
                match interruption::judge(settings, more, now) {
                    Verdict::Interruption => Some((now, Due::Yield)),
                    Verdict::Aside => Some((now, Due::Drop)),
                    Verdict::Open(_) => {
                        interruption::is_speech_from(settings, more).map(|at| (at, Due::Yield)).or_else(|| {
                            let wordless = Duration::from_millis(self.settings.words_wait_ms_max);
                            more.silent_since().map(|(_, when)| (when + wordless, Due::Drop))
                        })
                    }
                }
            }
        }
    }

    pub(super) fn commit(&mut self, now: Instant, reason: Reason, silence_ms: u64, patience_ms: u64) {
        let Floor::Open(mut turn) = std::mem::replace(&mut self.floor, Floor::Idle) else { return };
        if turn.reopened > 0 && turn.adds_nothing() {
            turn.reopened -= 1;
        } else if turn.reopened > 0 {
            self.own.cut_off();
        }
        let pause = turn.pause();
        let speech_end =
            turn.utterances.iter().filter_map(Utterance::ended).map(|(at, _)| at).max().unwrap_or(self.last_pos);
        let decision = Decision {
            reason,
            speech_end,
            silence_ms,
            patience_ms,
            completion: pause.completion,
            words_completeness: pause.completeness,
            reopened: turn.reopened,
            kind: turn.kind(),
            probe: pause.probe,
            covered: pause.covered,
        };
        let utterances = turn.utterances.iter().map(|utterance| utterance.id).collect();
        self.commands.push_back(Command::Commit { turn: turn.id, utterances, decision });
        turn.committed = Some(turn.utterances.len());
        turn.finished = None;
        turn.overlong = None;
        turn.thinking = false;
        turn.prepared = false;
        self.awaited = false;
        self.ladder.alive(now);
        let more = Turn::new(turn.id, turn.asked, now);
        let closed = match reason {
            Reason::Monologue | Reason::Overruled => true,
            Reason::Confident | Reason::Patience | Reason::Explicit => false,
        };
        self.floor = Floor::Committed(Committed { turn, at: now, began: None, more, closed });
    }

    /// The candidate takes the floor: over the interviewer's speech, or by going on after a commitment.
    pub(super) fn yield_floor(&mut self, now: Instant) {
        match std::mem::replace(&mut self.floor, Floor::Idle) {
            Floor::Overlap(overlap) => {
                self.stop_speaking();
                self.floor = Floor::Open(overlap);
            }
            Floor::Committed(Committed { mut turn, more, .. }) => {
                let speech = self.silence_mouth();
                self.commands.push_back(Command::Reopen { turn: turn.id, speech });
                if let (Some((_, since)), Some(first)) = (turn.silent_since(), more.utterances.first()) {
                    turn.went_on_after(ms_between(since, first.start), &mut self.own);
                }
                turn.reopened += 1;
                more.utterances.into_iter().for_each(|utterance| turn.take(utterance));
                self.asked = turn.asked;
                self.awaited = true;
                self.ladder.alive(now);
                self.floor = Floor::Open(turn);
                self.drop_noise();
            }
            other @ (Floor::Idle | Floor::Open(_)) => self.floor = other,
        }
    }

    /// What sounds over the interviewer (or after a commitment) wants nothing.
    pub(super) fn drop_overlap(&mut self) {
        match std::mem::replace(&mut self.floor, Floor::Idle) {
            Floor::Overlap(overlap) => self.aside(&overlap.utterances),
            Floor::Committed(mut committed) => {
                let mut dropped = std::mem::take(&mut committed.more.utterances);
                dropped.retain(|utterance| !committed.turn.holds(utterance.id));
                self.aside(&dropped);
                self.floor = Floor::Committed(committed);
            }
            other @ (Floor::Idle | Floor::Open(_)) => self.floor = other,
        }
        self.set_held(false);
    }

    /// The commitment stands for good.
    pub(super) fn close_committed(&mut self) {
        match std::mem::replace(&mut self.floor, Floor::Idle) {
            Floor::Committed(Committed { turn, mut more, .. }) => {
                more.utterances.retain(|utterance| !turn.holds(utterance.id));
                self.aside(&more.utterances);
                self.stands(&turn);
            }
            other @ (Floor::Idle | Floor::Open(_) | Floor::Overlap(_)) => self.floor = other,
        }
    }

    /// Nothing is added to the utterances of `turn` any more.
    pub(super) fn stands(&mut self, turn: &Turn) {
        self.taken = turn.utterances.iter().map(|utterance| utterance.id).max().max(self.taken);
    }

    /// Utterances of the open turn that turned out to hold no word leave it; a turn of nothing else never was one.
    pub(super) fn drop_noise(&mut self) {
        let Floor::Open(turn) = &mut self.floor else { return };
        let (noise, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut turn.utterances).into_iter().partition(Utterance::is_noise);
        turn.utterances = kept;
        let vanished =
            turn.utterances.is_empty() && turn.finished.is_none() && turn.committed.is_none() && !noise.is_empty();
        self.aside(&noise);
        if vanished {
            self.discard();
            self.floor = Floor::Idle;
        }
    }

    /// What was prepared for the open turn is worthless.
    pub(super) fn discard(&mut self) {
        if let Floor::Open(turn) = &mut self.floor
            && std::mem::take(&mut turn.prepared)
        {
            self.commands.push_back(Command::Discard { turn: turn.id });
        }
    }

    pub(super) fn aside(&mut self, utterances: &[Utterance]) {
        self.commands.extend(utterances.iter().map(|utterance| Command::Aside { utterance: utterance.id }));
    }

    /// Stops what is being said, if it may be stopped.
    pub(super) fn stop_speaking(&mut self) {
        if let Some(speech) = self.silence_mouth() {
            self.commands.push_back(Command::Stop { speech });
        }
    }

    fn silence_mouth(&mut self) -> Option<crate::id::SpeechId> {
        match self.mouth {
            Mouth::Speaking { speech, interruptible: true, .. } => {
                self.mouth = Mouth::Stopping { speech };
                Some(speech)
            }
            Mouth::Speaking { interruptible: false, .. } | Mouth::Stopping { .. } | Mouth::Silent => None,
        }
    }

    fn set_held(&mut self, hold: bool) {
        match &mut self.mouth {
            Mouth::Speaking { speech, interruptible: true, held } if *held != hold => {
                *held = hold;
                let speech = *speech;
                self.commands.push_back(if hold { Command::Hold { speech } } else { Command::Resume { speech } });
            }
            Mouth::Speaking { .. } | Mouth::Stopping { .. } | Mouth::Silent => {}
        }
    }
}

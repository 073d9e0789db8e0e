//! Where the log says that turns ended and replies began, and what the recording says of the silence between. Pure. Must
//! never leave a disagreement unsaid.

use super::event::{MeasuredGap, SessionEvent};
use crate::audio::gaps::Loudness;
use crate::id::TurnId;
use crate::interview::question::QuestionKind;
use std::collections::BTreeMap;
use std::ops::Range;

/// Events and waveform may differ by so much, ms: a window of the detector, a frame, and the soft end of a word.
pub const DISAGREEMENT_MS: u64 = 100;

/// A spoken turn and its reply, as the events have them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub turn: TurnId,
    pub question: Option<QuestionKind>,
    pub answer_ms: Range<u64>,
    pub start_ms: u64,
}

/// The replies that a log tells of, in their order. One that was taken back with a false cut-off is none.
#[must_use]
pub fn replies<'a>(log: impl Iterator<Item = &'a SessionEvent>) -> Vec<Reply> {
    let mut answers: BTreeMap<TurnId, Range<u64>> = BTreeMap::new();
    let mut replies: BTreeMap<TurnId, Reply> = BTreeMap::new();
    for event in log {
        if let SessionEvent::AnswerCommitted(answer) = event {
            let spoken = answer.decision.as_ref().filter(|_| !answer.typed);
            let start_ms = answer.utterances.iter().map(|utterance| utterance.start_ms).min();
            if let (Some(decision), Some(start_ms)) = (spoken, start_ms) {
                answers.insert(answer.turn, start_ms..decision.speech_end.ms().max(start_ms));
            }
        } else if let SessionEvent::FalseCutoffRecovered { turn, .. } = event {
            replies.remove(turn);
        } else if let SessionEvent::Replied { turn, question, start_ms, .. } = event
            && let Some(answer_ms) = answers.get(turn)
        {
            let (turn, question, start_ms) = (*turn, *question, *start_ms);
            replies.insert(turn, Reply { turn, question, answer_ms: answer_ms.clone(), start_ms });
        }
    }
    replies.into_values().collect()
}

/// The gaps of these replies by the sound of both sides; those that cannot be heard are left out.
#[must_use]
pub fn measure(replies: &[Reply], loudness: &Loudness) -> Vec<MeasuredGap> {
    let measured = |reply: &Reply| {
        let waveform_ms = loudness.gap_ms(&reply.answer_ms, reply.start_ms)?;
        let events_ms = reply.start_ms.saturating_sub(reply.answer_ms.end);
        Some(MeasuredGap { turn: reply.turn, question: reply.question, events_ms, waveform_ms })
    };
    replies.iter().filter_map(measured).collect()
}

impl MeasuredGap {
    /// Events and waveform tell different stories.
    #[must_use]
    pub fn disagrees(&self) -> bool {
        i64::try_from(self.events_ms).unwrap_or(i64::MAX).abs_diff(self.waveform_ms) > DISAGREEMENT_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::SamplePos;
    use crate::id::{SpeechId, UtteranceId};
    use crate::session::event::{Answer, Stages, Utterance};
    use crate::turn::{Decision, Reason};

    fn answered(turn: u64, start_ms: u64, end_ms: u64, typed: bool) -> SessionEvent {
        let utterance = Utterance {
            id: UtteranceId(turn),
            turn: Some(TurnId(turn)),
            text: "It is so.".into(),
            start_ms,
            end_ms,
            confidence: None,
            damaged: false,
        };
        let decision = Decision {
            reason: Reason::Confident,
            speech_end: SamplePos::from_ms(end_ms),
            silence_ms: 300,
            patience_ms: 1_000,
            completion: None,
            words_completeness: None,
            reopened: 0,
            kind: None,
            probe: false,
            covered: None,
        };
        SessionEvent::AnswerCommitted(Answer {
            turn: TurnId(turn),
            question_key: None,
            text: "It is so.".into(),
            typed,
            utterances: vec![utterance],
            decision: Some(decision),
            transcribed_ms: None,
        })
    }

    fn replied(turn: u64, start_ms: u64) -> SessionEvent {
        let (turn, speech) = (TurnId(turn), SpeechId(turn));
        SessionEvent::Replied { turn, speech, question: None, start_ms, stages: Stages::default() }
    }

    #[test]
    fn a_reply_belongs_to_its_spoken_turn_as_it_was_committed_last() {
        let log = [
            answered(1, 1_000, 3_000, false),
            replied(1, 3_500),
            SessionEvent::FalseCutoffRecovered { turn: TurnId(1), speech: None },
            answered(1, 1_000, 6_000, false),
            replied(1, 6_700),
            answered(2, 9_000, 9_000, true),
            replied(2, 9_200),
        ];
        let found = replies(log.iter());
        assert_eq!(found, [Reply { turn: TurnId(1), question: None, answer_ms: 1_000..6_000, start_ms: 6_700 }]);
        let sounds = |ms: u64| (i16::from((1_000..6_000).contains(&ms)) * 4_000, i16::from(ms >= 6_850) * 3_000);
        let loudness = Loudness::of((0..10_000_u64 * 16).map(|n| sounds(n / 16)), 16_000);
        let gaps = measure(&found, &loudness);
        assert_eq!((gaps[0].events_ms, gaps[0].waveform_ms, gaps[0].disagrees()), (700, 850, true));
    }
}

//! What a rehearsal found: gaps by kind, what became of each utterance, how well it could be heard; as a table, as JSON,
//! and as a verdict. Pure. Must never leave out a call that failed.

use super::candidate::Turn;
use super::compare::{Comparison, compare, word_errors, word_errors_of, words};
use super::interject::{Effect, Interjection, InterjectionSummary, Kind};
use super::rest::Line;
use crate::session::event::MeasuredGap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Kind under which answers to follow-ups are counted: what a probe asks for is not what its question asks for.
const FOLLOW_UP: &str = "follow_up";

/// One call, looked at from all sides.
#[derive(Debug, Default)]
pub struct CallOutcome {
    pub turns: Vec<Turn>,
    /// Utterances as they were said, in order: what the comparison's indices mean.
    pub said: Vec<String>,
    pub comparison: Comparison,
    /// Words that the candidate said, and how many of them the record has differently.
    pub said_words: usize,
    pub said_errors: usize,
    /// Words of the interviewer's record, and how many of them were heard differently.
    pub heard_words: usize,
    pub heard_errors: usize,
    /// What came of each interjection, and lines of the interviewer that the record has as stopped.
    pub effects: Vec<Effect>,
    pub lines_stopped: usize,
    /// The silences before replies as the server measured them on its recording.
    pub gaps: Vec<MeasuredGap>,
    pub report_url: String,
    /// Why the call counts as failed, each in a sentence.
    pub failures: Vec<String>,
}

impl CallOutcome {
    /// Compares what was said and heard with the record. What was said into the interviewer's lines was said as well; a
    /// listener's sound may stand in the record, and need not.
    #[must_use]
    pub fn of(
        turns: Vec<Turn>,
        interjections: &[Interjection],
        heard: &[String],
        record: &[Line],
        report_url: String,
    ) -> Self {
        let all = in_order(&turns, interjections);
        let said: Vec<String> = all.iter().filter(|(_, is_needed)| *is_needed).map(|(text, _)| text.clone()).collect();
        let of_role = |role: &str| -> Vec<String> {
            record.iter().filter(|line| line.role == role).map(|line| line.content.clone()).collect()
        };
        let rows = of_role("candidate");
        let comparison = compare(&said, &rows);
        let mut spoken = Vec::new();
        for (text, is_needed) in &all {
            spoken.extend(words(text).into_iter().map(|word| (word, *is_needed)));
        }
        let said_words = spoken.iter().filter(|(_, is_needed)| *is_needed).count();
        let said_errors = word_errors_of(&spoken, &words(&rows.join(" ")));
        let (reference, heard) = (words(&of_role("interviewer").join(" ")), words(&heard.join(" ")));
        let heard_errors = word_errors(&reference, &heard);
        let heard_words = reference.len();
        let lines_stopped = record.iter().filter(|line| line.role == "interviewer" && line.interrupted).count();
        Self {
            turns,
            said,
            comparison,
            said_words,
            said_errors,
            heard_words,
            heard_errors,
            lines_stopped,
            report_url,
            ..Self::default()
        }
    }
}

/// All that the candidate said, in the order in which it was begun, and whether the record must have it.
fn in_order(turns: &[Turn], interjections: &[Interjection]) -> Vec<(String, bool)> {
    let answers = turns.iter().flat_map(|turn| turn.utterances.iter().map(|text| (turn.began, text, true)));
    let others = interjections.iter().map(|one| (one.from, &one.text, one.kind == Kind::Words));
    let mut all: Vec<_> = answers.chain(others).collect();
    // Stable: utterances of one answer keep their order.
    all.sort_by_key(|(began, ..)| *began);
    all.into_iter().map(|(_, text, is_needed)| (text.clone(), is_needed)).collect()
}

impl CallOutcome {
    /// Each utterance that is not once and in its place in the record, and what is wrong with it.
    pub fn misses(&self) -> impl Iterator<Item = (usize, &'static str)> + '_ {
        let Comparison { lost, doubled, misordered } = &self.comparison;
        let each = [(lost, "LOST"), (doubled, "DOUBLED"), (misordered, "MISORDERED")];
        each.into_iter().flat_map(|(indices, what)| indices.iter().map(move |index| (*index, what)))
    }
}

/// p50, p95 and p99 of some gaps, and how many they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    pub p50: Option<u64>,
    pub p95: Option<u64>,
    pub p99: Option<u64>,
    pub max: Option<u64>,
    /// Gaps that could be measured.
    pub n: usize,
}

impl Percentiles {
    #[must_use]
    pub fn of(values: &[u64]) -> Self {
        let of = |percent| percentile(values, percent);
        Self { p50: of(50), p95: of(95), p99: of(99), max: of(100), n: values.len() }
    }
}

/// All calls together; its JSON is the last line of `--json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub calls: usize,
    pub calls_failed: usize,
    pub turns: usize,
    /// Of all answers to factual questions, those to their follow-ups as well.
    pub gap_ms: Percentiles,
    pub gap_ms_by_kind: BTreeMap<String, Percentiles>,
    /// Of all spoken answers, as the server's recording has them, and as its events do; and how many of them differ by
    /// more than 100 ms.
    pub recorded_gap_ms: Percentiles,
    pub event_gap_ms: Percentiles,
    pub gaps_disagreeing: usize,
    /// How the interviewer bore being interrupted (`--interrupt`).
    pub interrupt: Option<InterjectionSummary>,
    pub lost: usize,
    pub doubled: usize,
    pub misordered: usize,
    /// Answers within which the interviewer began to talk, and those of them where it fell silent again.
    pub talked_over: usize,
    pub recovered: usize,
    /// Share of the candidate's words that the record has differently (its word error rate); none if nothing was said.
    pub said_wer: Option<f64>,
    /// Share of the interviewer's words that were heard differently; none if nothing was transcribed.
    pub heard_wer: Option<f64>,
    pub voice: String,
    pub failures: Vec<String>,
    pub report_url: Option<String>,
    pub report_urls: Vec<String>,
}

impl Summary {
    #[must_use]
    pub fn of(outcomes: &[CallOutcome], voice: String) -> Self {
        let turns = || outcomes.iter().flat_map(|outcome| &outcome.turns);
        let mut gaps: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for turn in turns() {
            let kind = if turn.is_follow_up { FOLLOW_UP.to_owned() } else { turn.kind.clone() };
            gaps.entry(kind).or_default().extend(turn.gap_ms());
        }
        let measured = |of: fn(&MeasuredGap) -> u64| -> Vec<u64> {
            outcomes.iter().flat_map(|outcome| &outcome.gaps).map(of).collect()
        };
        let factual: Vec<u64> = turns().filter(|turn| turn.kind == "factual").filter_map(Turn::gap_ms).collect();
        let effects: Vec<Effect> = outcomes.iter().flat_map(|outcome| outcome.effects.iter().copied()).collect();
        let count = |of: fn(&Comparison) -> usize| outcomes.iter().map(|outcome| of(&outcome.comparison)).sum();
        let share = |errors: usize, words: usize| (words > 0).then(|| round(errors as f64 / words as f64));
        let said_words: usize = outcomes.iter().map(|outcome| outcome.said_words).sum();
        let said_errors: usize = outcomes.iter().map(|outcome| outcome.said_errors).sum();
        let heard_words: usize = outcomes.iter().map(|outcome| outcome.heard_words).sum();
        let heard_errors: usize = outcomes.iter().map(|outcome| outcome.heard_errors).sum();
        let urls = outcomes.iter().map(|outcome| &outcome.report_url).filter(|url| !url.is_empty());
        let report_urls: Vec<String> = urls.cloned().collect();
        Self {
            calls: outcomes.len(),
            calls_failed: outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count(),
            turns: turns().count(),
            gap_ms: Percentiles::of(&factual),
            gap_ms_by_kind: gaps.iter().map(|(kind, gaps)| (kind.clone(), Percentiles::of(gaps))).collect(),
            recorded_gap_ms: Percentiles::of(&measured(|gap| u64::try_from(gap.waveform_ms).unwrap_or(0))),
            event_gap_ms: Percentiles::of(&measured(|gap| gap.events_ms)),
            gaps_disagreeing: outcomes.iter().flat_map(|outcome| &outcome.gaps).filter(|gap| gap.disagrees()).count(),
            interrupt: InterjectionSummary::of(&effects, outcomes.iter().map(|outcome| outcome.lines_stopped).sum()),
            lost: count(|comparison| comparison.lost.len()),
            doubled: count(|comparison| comparison.doubled.len()),
            misordered: count(|comparison| comparison.misordered.len()),
            talked_over: turns().filter(|turn| turn.talked_over).count(),
            recovered: turns().filter(|turn| turn.recovered).count(),
            said_wer: share(said_errors, said_words),
            heard_wer: share(heard_errors, heard_words),
            voice,
            failures: outcomes.iter().flat_map(|outcome| outcome.failures.clone()).collect(),
            report_url: report_urls.last().cloned(),
            report_urls,
        }
    }

    /// Whether the rehearsal went well: every call to its end, every utterance once and in its place, nobody talked over
    /// without falling silent again, every interruption heeded, and every line that was held gone on with. (A synthetic "okay" is now and then heard as words: told apart.)
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let heeded = |interrupt: &InterjectionSummary| interrupt.unheeded == 0 && interrupt.not_resumed == 0;
        self.interrupt.as_ref().is_none_or(heeded)
            && self.calls > 0
            && self.calls_failed == 0
            && self.lost == 0
            && self.doubled == 0
            && self.misordered == 0
            && self.talked_over == self.recovered
    }

    /// For a person.
    #[must_use]
    pub fn table(&self) -> String {
        let ms = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
        let mut out = String::from("\nGap at the ear, ms    n     p50     p95     p99     max\n");
        for (kind, gaps) in &self.gap_ms_by_kind {
            let (p50, p95, p99, max) = (ms(gaps.p50), ms(gaps.p95), ms(gaps.p99), ms(gaps.max));
            let _ = writeln!(out, "  {kind:<14} {:>7} {p50:>7} {p95:>7} {p99:>7} {max:>7}", gaps.n);
        }
        let over_all =
            [("(all factual)", self.gap_ms), ("(recording)", self.recorded_gap_ms), ("(events)", self.event_gap_ms)];
        for (name, gaps) in over_all {
            let (p50, p95, p99, max) = (ms(gaps.p50), ms(gaps.p95), ms(gaps.p99), ms(gaps.max));
            let _ = writeln!(out, "  {name:<14} {:>7} {p50:>7} {p95:>7} {p99:>7} {max:>7}", gaps.n);
        }
        if self.gaps_disagreeing > 0 {
            let _ = writeln!(out, "recording and events differ by more than 100 ms at {}", self.gaps_disagreeing);
        }
        if let Some(interrupt) = &self.interrupt {
            let (silent, resumed) = (&interrupt.silent_ms, &interrupt.resumed_ms);
            let _ = writeln!(
                out,
                "\ninterruptions {}, unheeded {}; silent at the ear after p50 {} p95 {} ms\n\
                 sounds that want nothing {}, not resumed {}, taken for words {}; the line went on after p50 {} p95 {} ms",
                interrupt.interruptions,
                interrupt.unheeded,
                ms(silent.p50),
                ms(silent.p95),
                interrupt.sounds,
                interrupt.not_resumed,
                interrupt.wrongly_stopped,
                ms(resumed.p50),
                ms(resumed.p95)
            );
        }
        let _ = writeln!(
            out,
            "\nanswers {}, of them talked over {} (recovered {})",
            self.turns, self.talked_over, self.recovered
        );
        let _ =
            writeln!(out, "utterances lost {}, doubled {}, misordered {}", self.lost, self.doubled, self.misordered);
        if let Some(rate) = self.said_wer {
            let _ = writeln!(out, "the candidate's words that the record has differently: {:.1} %", rate * 100.0);
        }
        if let Some(rate) = self.heard_wer {
            let _ = writeln!(out, "the interviewer's words heard differently: {:.1} %", rate * 100.0);
        }
        let _ = writeln!(out, "the candidate's voice: {}", self.voice);
        for failure in &self.failures {
            let _ = writeln!(out, "FAILED: {failure}");
        }
        for url in &self.report_urls {
            let _ = writeln!(out, "report: {url}");
        }
        out
    }
}

/// The value at or below which `percent` of the values lie (nearest rank); `None` without values.
#[must_use]
pub fn percentile(values: &[u64], percent: u64) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
    sorted.get(usize::try_from(rank - 1).ok()?).copied()
}

fn round(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 99), Some(7));
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&values, 50), Some(50));
        assert_eq!(percentile(&values, 95), Some(95));
        assert_eq!(percentile(&values, 100), Some(100));
    }

    fn turn(kind: &str, is_follow_up: bool, gap_ms: Option<u64>, text: &str) -> Turn {
        let now = Instant::now();
        Turn {
            question: "q".into(),
            kind: kind.into(),
            is_follow_up,
            utterances: vec![text.into()],
            began: now,
            ended: now,
            gap: gap_ms.map(Duration::from_millis),
            talked_over: gap_ms.is_none(),
            recovered: false,
        }
    }

    fn line(role: &str, content: &str) -> Line {
        Line { role: role.into(), content: content.into(), question_key: None, interrupted: false, latency_ms: None }
    }

    #[test]
    fn calls_are_summed_up() {
        let turns = vec![
            turn("factual", false, Some(700), "An index makes reading faster."),
            turn("factual", true, Some(900), "I am not sure about that."),
            turn("design", false, None, "I would begin with the numbers that we have."),
        ];
        let record = [
            line("interviewer", "What does an index do?"),
            line("candidate", "an index makes reading faster"),
            line("candidate", "I would begin with the numbers that we have"),
        ];
        let heard = ["what does an index do".to_owned(), "thank you".to_owned()];
        let outcome = CallOutcome::of(turns, &[], &heard, &record, "http://host/report/1".into());
        assert_eq!(outcome.comparison, Comparison { lost: vec![1], ..Comparison::default() });
        let failed = CallOutcome { failures: vec!["call 2: it broke".into()], ..CallOutcome::default() };
        let summary = Summary::of(&[outcome, failed], "tone".into());
        assert_eq!((summary.calls, summary.calls_failed, summary.turns, summary.lost), (2, 1, 3, 1));
        assert_eq!((summary.gap_ms.p95, summary.gap_ms.n), (Some(900), 2));
        assert_eq!((summary.gap_ms_by_kind["factual"].p50, summary.gap_ms_by_kind["factual"].n), (Some(700), 1));
        assert_eq!(summary.gap_ms_by_kind[FOLLOW_UP].p50, Some(900));
        assert_eq!(summary.gap_ms_by_kind["design"], Percentiles::default());
        assert_eq!((summary.talked_over, summary.recovered, summary.heard_wer), (1, 0, Some(0.4)));
        // 5 + 6 + 9 words, of which the record lacks 6.
        assert_eq!(summary.said_wer, Some(0.3));
        assert!(!summary.is_clean());
        let json: serde_json::Value = serde_json::to_value(&summary).expect("plain data");
        assert_eq!(json["gap_ms"]["p95"], 900);
        assert_eq!(json["report_url"], "http://host/report/1");
        assert!(summary.table().contains("FAILED: call 2: it broke"));
    }

    #[test]
    fn talking_over_the_candidate_is_clean_only_when_it_was_mended() {
        let text = "An index makes reading faster.";
        let summary = |recovered: bool| {
            let turn = Turn { talked_over: true, recovered, ..turn("factual", false, Some(700), text) };
            let outcome =
                CallOutcome::of(vec![turn], &[], &[], &[line("candidate", text)], "http://host/report/1".into());
            Summary::of(&[outcome], "tone".into())
        };
        assert!(summary(true).is_clean() && !summary(false).is_clean());
    }

    /// An interruption is said and stands in the record; a listener's sound may or may not.
    #[test]
    fn what_was_said_into_a_line_was_said() {
        let answer = turn("factual", false, Some(700), "An index makes reading faster.");
        let before = |ms: u64| answer.began.checked_sub(Duration::from_millis(ms)).expect("a clock that runs");
        let said = |kind, text: &str, from| Interjection { kind, text: text.into(), from, to: from };
        let interjections = [
            said(Kind::Words, "Could you repeat the question, please?", before(9_000)),
            said(Kind::Sound, "Okay.", before(4_000)),
        ];
        let outcome = |rows: &[&str]| {
            let record: Vec<Line> = rows.iter().map(|row| line("candidate", row)).collect();
            CallOutcome::of(vec![answer.clone()], &interjections, &[], &record, String::new())
        };
        let (question, answered) = ("could you repeat the question please", "an index makes reading faster");
        for rows in [
            &[question, answered][..],
            &[question, "okay", answered],
            &[question, "okay an index makes reading faster"],
        ] {
            let outcome = outcome(rows);
            assert_eq!((outcome.said_words, outcome.said_errors), (11, 0), "{rows:?}");
            assert_eq!(outcome.comparison, Comparison::default(), "{rows:?}");
        }
        let lost = outcome(&[answered]);
        assert_eq!((lost.said_errors, lost.comparison.lost), (6, vec![0]));
    }

    #[test]
    fn a_rehearsal_of_no_call_is_not_clean() {
        assert!(!Summary::of(&[], "tone".into()).is_clean());
    }
}

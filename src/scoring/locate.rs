//! When words were said: from a stretch of an answer's text to milliseconds on the session's clock. Must never invent
//! words; times are exact to a word where the recogniser told them, else in proportion within an utterance.

use super::facts::{AnswerTurn, Evidence, Timed};
use super::report::Quote;
use crate::interview::words::PARAGRAPH;
use std::ops::Range;

/// The quote for a byte range of [`Evidence::text`]. The text is copied from the answer, never composed.
#[must_use]
pub fn quote(evidence: &Evidence<'_>, range: &Range<usize>) -> Option<Quote> {
    let mut offset = 0;
    for turn in &evidence.turns {
        let inside = offset <= range.start && range.end <= offset + turn.text.len();
        if inside {
            let within = range.start - offset..range.end - offset;
            let (start_ms, end_ms) = times(turn, &within);
            let text = turn.text.get(within)?.to_owned();
            return Some(Quote { text, start_ms: Some(start_ms), end_ms: Some(end_ms) });
        }
        offset += turn.text.len() + PARAGRAPH.len();
    }
    None
}

/// When a byte range of a turn's text was said, ms.
fn times(turn: &AnswerTurn, range: &Range<usize>) -> (u64, u64) {
    let pieces = placed(&turn.text, &turn.words).or_else(|| placed(&turn.text, &turn.utterances));
    let whole = (0..turn.text.len(), turn.start_ms..turn.end_ms.max(turn.start_ms));
    let pieces = pieces.unwrap_or_else(|| vec![whole]);
    let start = pieces.iter().rfind(|(at, _)| at.start <= range.start).or(pieces.first());
    let end = pieces.iter().find(|(at, _)| at.end >= range.end).or(pieces.last());
    let start_ms = start.map_or(turn.start_ms, |piece| proportional(piece, range.start));
    let end_ms = end.map_or(turn.end_ms, |piece| proportional(piece, range.end));
    (start_ms, end_ms.max(start_ms))
}

type Piece = (Range<usize>, Range<u64>);

/// Where each timed piece stands in the text; `None` unless every one is found, in order.
fn placed(text: &str, timed: &[Timed]) -> Option<Vec<Piece>> {
    let mut from = 0;
    let mut pieces = Vec::with_capacity(timed.len());
    for piece in timed.iter().filter(|piece| !piece.text.trim().is_empty()) {
        let wanted = piece.text.trim();
        let at = from + text.get(from..)?.find(wanted)?;
        from = at + wanted.len();
        pieces.push((at..from, piece.start_ms..piece.end_ms.max(piece.start_ms)));
    }
    (!pieces.is_empty()).then_some(pieces)
}

fn proportional((at, ms): &Piece, byte: usize) -> u64 {
    let length = u64::try_from(at.len().max(1)).unwrap_or(u64::MAX);
    let into = u64::try_from(byte.clamp(at.start, at.end) - at.start).unwrap_or(0);
    ms.start + (ms.end - ms.start) * into / length
}

#[cfg(test)]
mod tests {
    use super::quote;
    use crate::scoring::facts::{AnswerTurn, Evidence, Timed};

    fn timed(text: &str, start_ms: u64, end_ms: u64) -> Timed {
        Timed { text: text.into(), start_ms, end_ms }
    }

    fn turn() -> AnswerTurn {
        AnswerTurn { text: "Get reads. Post writes.".into(), start_ms: 1_000, end_ms: 5_000, ..AnswerTurn::default() }
    }

    fn check(turn: AnswerTurn, wanted: &str, start_ms: u64, end_ms: u64) {
        let first = AnswerTurn { text: "Well.".into(), ..AnswerTurn::default() };
        let evidence = Evidence { turns: vec![&first, &turn], code: None };
        let at = evidence.text().find(wanted).expect("in the text");
        let quote = quote(&evidence, &(at..at + wanted.len())).expect("a quote");
        assert_eq!((quote.text.as_str(), quote.start_ms, quote.end_ms), (wanted, Some(start_ms), Some(end_ms)));
    }

    #[test]
    fn by_words_where_there_are_any() {
        let words = vec![
            timed("Get", 1_000, 1_200),
            timed("reads.", 1_300, 1_700),
            timed("Post", 3_000, 3_400),
            timed("writes.", 3_500, 5_000),
        ];
        check(AnswerTurn { words, ..turn() }, "Post writes.", 3_000, 5_000);
    }

    #[test]
    fn by_utterances_else() {
        let utterances = vec![timed("Get reads.", 1_000, 2_000), timed("Post writes.", 4_000, 5_000)];
        check(AnswerTurn { utterances, ..turn() }, "Post writes.", 4_000, 5_000);
    }

    #[test]
    fn in_proportion_to_the_turn_at_least() {
        let utterances = vec![timed("something else", 0, 1)];
        check(AnswerTurn { utterances, ..turn() }, "Post writes.", 1_000 + 4_000 * 11 / 23, 5_000);
    }

    #[test]
    fn nothing_across_two_turns() {
        let (first, second) = (turn(), turn());
        let evidence = Evidence { turns: vec![&first, &second], code: None };
        assert_eq!(quote(&evidence, &(5..40)), None);
    }
}

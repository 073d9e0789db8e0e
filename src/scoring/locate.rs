//! When words were said: from a stretch of an answer's text to milliseconds on the session's clock. Must never invent
//! words; times are exact to a word where the recogniser told them, else in proportion within an utterance.

use super::facts::{AnswerTurn, Evidence, Timed};
use super::report::Quote;
use crate::interview::words::PARAGRAPH;
use std::ops::Range;

/// Longest stretch that a quote is widened to, characters: about half a minute of speech is read at a glance.
const QUOTE_CHARS_MAX: usize = 400;

/// The quote for a byte range of [`Evidence::text`], widened to whole sentences. The text is copied from the answer,
/// never composed.
#[must_use]
pub fn quote(evidence: &Evidence<'_>, range: &Range<usize>) -> Option<Quote> {
    let mut offset = 0;
    for turn in &evidence.turns {
        let inside = offset <= range.start && range.end <= offset + turn.text.len();
        if inside {
            let within = sentences(&turn.text, range.start - offset..range.end - offset);
            let (start_ms, end_ms) = times(turn, &within);
            let text = turn.text.get(within)?.to_owned();
            return Some(Quote { text, start_ms: Some(start_ms), end_ms: Some(end_ms) });
        }
        offset += turn.text.len() + PARAGRAPH.len();
    }
    None
}

/// A stretch of code, widened to whole lines.
#[must_use]
pub fn lines(code: &str, range: Range<usize>) -> Option<&str> {
    code.get(range.clone())?;
    let start = code[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = code[range.end..].find('\n').map_or(code.len(), |at| range.end + at);
    let wide = code[start..end].trim_end();
    Some(if wide.chars().count() <= QUOTE_CHARS_MAX { wide } else { &code[range] })
}

/// The range with the sentences in which it begins and ends; as it is where they are too long to quote.
fn sentences(text: &str, range: Range<usize>) -> Range<usize> {
    let (Some(before), Some(inner), Some(after)) =
        (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
    else {
        return range;
    };
    // A sentence ends where no small letter goes on: "e.g. a cache" is one.
    let ends = |at: usize, c: char, text: &str| {
        let rest = &text[at + c.len_utf8()..];
        let parted = rest.chars().next().is_none_or(char::is_whitespace);
        let goes_on = rest.trim_start().chars().next().is_some_and(char::is_lowercase);
        c == '\n' || (matches!(c, '.' | '!' | '?' | '\u{2026}') && parted && !goes_on)
    };
    let start = before.char_indices().rev().find(|(at, c)| ends(*at, *c, text)).map_or(0, |(at, c)| at + c.len_utf8());
    // What already ends with a sentence needs no more of it.
    let whole = inner.char_indices().next_back().is_some_and(|(at, c)| ends(range.start + at, c, text));
    let end = if whole {
        range.end
    } else {
        let stop = after.char_indices().find(|(at, c)| ends(range.end + at, *c, text));
        range.end + stop.map_or(after.len(), |(at, c)| at + if c == '\n' { 0 } else { c.len_utf8() })
    };
    let wide = &text[start..end];
    let wide_start = start + (wide.len() - wide.trim_start().len());
    let wide = wide_start..wide_start + wide.trim().len();
    let fits = text[wide.clone()].chars().count() <= QUOTE_CHARS_MAX;
    if fits && wide.start <= range.start && range.end <= wide.end { wide } else { range }
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
    fn a_quote_is_of_whole_sentences() {
        let text = "First, it is e.g. a cache. Then a replica lags behind the primary, say 2.5 s. And so on";
        let turn = AnswerTurn { text: text.into(), ..AnswerTurn::default() };
        let evidence = Evidence { turns: vec![&turn], code: None };
        let quoted = |wanted: &str| {
            let at = text.find(wanted).expect("in the text");
            quote(&evidence, &(at..at + wanted.len())).expect("a quote").text
        };
        assert_eq!(quoted("replica lags"), "Then a replica lags behind the primary, say 2.5 s.");
        assert_eq!(
            quoted("a replica lags behind the primary, say 2.5 s."),
            "Then a replica lags behind the primary, say 2.5 s."
        );
        assert_eq!(quoted("so"), "And so on");
        let both = "First, it is e.g. a cache. Then a replica lags behind the primary, say 2.5 s.";
        assert_eq!(quoted("cache. Then"), both);
        assert_eq!(quoted("it is e.g."), "First, it is e.g. a cache.");
    }

    #[test]
    fn nothing_across_two_turns() {
        let (first, second) = (turn(), turn());
        let evidence = Evidence { turns: vec![&first, &second], code: None };
        assert_eq!(quote(&evidence, &(5..40)), None);
    }
}

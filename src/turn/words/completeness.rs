//! How complete the words of a pause look: trailing conjunctions, articles and fillers, open clauses, words that people
//! end on. English and Ukrainian. Must never decide: it gives a number, `endpointing` weighs it.

use super::endings::{
    CLAUSE_STARTS, DETERMINERS, ENDING, FIRST_SUBJECTS, LAST_PAIRS, LAST_WORDS, LY_ENDING, NOUN_STARTS, PREPOSITIONS,
    PRONOUNS, VERBS,
};
use super::{Sign, alternatives, clause_words, ends_with_any, is_among, plain_words, sign};

/// Sounds and words that hold the floor.
const FILLERS: &str =
    "ah | eh | er | erm | hm | hmm | mm | uh | uhm | um | e | е | ее | ем | ет | значить | мм | ну | типу | отже | хм";

/// Fillers that are words as well ("it scales well."): they hold the floor where they stand alone.
const WORD_FILLERS: &str = "so | well | basically | actually";

/// Fillers of several words, and what is mostly more of a filler than an end.
const FILLER_PHRASES: &[(f32, &str)] = &[
    (-0.9, "kind of | sort of | let's see | as well as | a lot of | як би | так би мовити | ну от"),
    (-0.6, "i mean | for example | for instance | such as"),
    (-0.1, "you know"),
];

/// First words of a clause that wants another one.
const SUBORDINATORS: &str = "although | if | unless | when | whenever | while | коли | оскільки | поки | хоча | якщо";

/// Complete answers of one word or two.
const SHORT_ANSWERS: &str = "yes | no | yeah | yep | nope | true | false | correct | exactly | maybe | never | always | both | \
    neither | i don't know | i do not know | no idea | not sure | i'm not sure | i have no idea | так | ні | \
    звісно | ніколи | завжди | не знаю | я не знаю | не впевнений | не впевнена";

/// Endings that close a list or a thought.
const CLOSERS: &str = "and so on | et cetera | and things like that | and stuff like that | or something like that | \
    and that kind of thing | and all that | or something | or whatever | and everything | and stuff | \
    if that makes sense | does that answer your question | so yeah | basically that's it | і так далі | \
    тощо | якось так | приблизно так";

/// Auxiliaries that end a short answer which begins with one of the words below ("yes it is", "no i don't").
const AUXILIARIES: &str =
    "am | are | can | could | did | do | does | had | has | have | is | was | were | will | would | should | might";
const AGREEING: &str = "yes | yeah | yep | no | nope | sure | oh | well";
/// Such an answer has at most so many words.
const ELLIPSIS_WORDS_MAX: usize = 4;

/// A word that goes on nearly always.
const OPEN: f32 = -1.0;
/// A hesitation: something is to come, though some trail off with it.
const HESITANT: f32 = -0.8;
/// The transcriber itself saw no end (a comma, a dash, an ellipsis), or a word broke off.
const UNCLOSED: f32 = -0.7;
/// A subordinate clause without its main clause.
const CLAUSE_OPEN: f32 = -0.5;
/// The subject of a clause, and nothing of it yet.
const SUBJECT: f32 = -0.7;
/// An adverb, a possessive, or a noun with which a clause begins: mostly something is to come.
const HALFWAY: f32 = -0.4;
/// A subject and a verb: as often half a clause as all of it.
const VERB: f32 = -0.2;
/// A preposition and its noun: what they belong to is mostly whole.
const PHRASE: f32 = 0.4;
/// Less complete by this, where the transcriber has ended sentences before and not here.
const UNSEEN: f32 = 0.35;
/// A full stop is believed behind words that are more complete than this.
const FULL_STOP_MIN: f32 = -0.6;
/// Nothing speaks for either: most pauses within a turn stand behind such words too.
const PLAIN: f32 = 0.25;
/// A sentence is seen to end in a word that mostly goes on: transcribers put full stops behind those too, so it takes
/// the turn model to be sure.
const ENDED: f32 = 0.3;
/// Transcribers that punctuate put a full stop behind almost anything, so it says little.
const CLOSED: f32 = 0.6;
/// The words say so themselves.
const COMPLETE: f32 = 1.0;

/// Whether `text` looks complete: -1 clearly not .. 1 clearly; `None` where there are no words.
#[must_use]
pub fn completeness(text: &str) -> Option<f32> {
    let words = plain_words(text);
    let last = words.last()?.as_str();
    let joined = words.join(" ");
    let trimmed = text.trim_end();
    let ending = trimmed.chars().next_back().unwrap_or(' ');
    let is_closed = matches!(ending, '.' | '!' | '?') && !trimmed.ends_with("..");
    if matches!(sign(text), Sign::Done | Sign::DontKnow)
        || is_among(SHORT_ANSWERS, &joined)
        || ends_with_any(&joined, CLOSERS)
    {
        return Some(COMPLETE);
    }
    if let Some(filler) = filler(text, last, &joined, is_closed) {
        return Some(filler);
    }
    if matches!(ending, ',' | '-' | '\u{2013}' | '\u{2014}' | ':' | '\u{2026}') || trimmed.ends_with("..") {
        return Some(UNCLOSED);
    }
    if is_closed {
        return Some(closed(text, &words, ending));
    }
    let known = last_words(&words);
    if known.is_some_and(|known| known < 0.0) {
        return known;
    }
    if clause_is_open(text) {
        return Some(CLAUSE_OPEN);
    }
    let known = known.unwrap_or(PLAIN);
    Some(if has_full_stop(trimmed) { known - UNSEEN } else { known })
}

/// How complete a text looks behind which a sentence's end was written.
fn closed(text: &str, words: &[String], ending: char) -> f32 {
    match last_word(words).filter(|known| *known < 0.0) {
        Some(known) if ending == '?' || known > FULL_STOP_MIN || is_last_among(ENDING, words) => ENDED,
        // A full stop behind a word that cannot end is the transcriber's guess at a pause.
        Some(_) => OPEN,
        None if clause_is_open(text) => CLAUSE_OPEN,
        None => CLOSED,
    }
}

/// Whether a sentence was seen to end before the last words: then this transcriber saw no end behind those.
fn has_full_stop(text: &str) -> bool {
    [". ", "? ", "! "].iter().any(|stop| text.contains(stop))
}

/// What a hesitation at the end says, if there is one.
fn filler(text: &str, last: &str, joined: &str, is_closed: bool) -> Option<f32> {
    if is_among(FILLERS, last) {
        return Some(HESITANT);
    }
    if is_among(WORD_FILLERS, last) {
        let alone = clause_words(text) <= 1;
        return match (is_closed, alone) {
            (_, true) => Some(OPEN),
            (true, false) => Some(ENDED),
            (false, false) => None,
        };
    }
    FILLER_PHRASES.iter().find(|(_, phrases)| ends_with_any(joined, phrases)).map(|(says, _)| *says)
}

pub(super) fn is_filler(word: &str) -> bool {
    is_among(FILLERS, word) || is_among(WORD_FILLERS, word)
}

/// What the last words say, where they say anything and no punctuation does.
fn last_words(words: &[String]) -> Option<f32> {
    let [.., before, last] = words else { return last_word(words) };
    let pair = format!("{before} {last}");
    if let Some((says, _)) = LAST_PAIRS.iter().find(|(_, pairs)| is_among(pairs, &pair)) {
        return Some(*says);
    }
    if is_among(CLAUSE_STARTS, before) && is_among(FIRST_SUBJECTS, last) {
        return Some(SUBJECT);
    }
    last_word(words).or_else(|| {
        let halfway = last.ends_with("'s")
            || (last.len() >= LY_LENGTH_MIN && last.ends_with("ly") && !is_among(LY_ENDING, last))
            || is_noun_alone(words);
        if halfway || is_among(VERBS, last) {
            Some(HALFWAY)
        } else if is_among(PRONOUNS, before) {
            Some(VERB)
        } else {
            is_phrase(words).then_some(PHRASE)
        }
    })
}

/// Whether the last words are a preposition with its noun.
fn is_phrase(words: &[String]) -> bool {
    match words {
        [.., preposition, determiner, _] if is_among(DETERMINERS, determiner) => is_among(PREPOSITIONS, preposition),
        // "To" alone stands before verbs more often.
        [.., preposition, _] => preposition != "to" && is_among(PREPOSITIONS, preposition),
        _ => false,
    }
}

/// Whether a clause has begun with a noun and nothing was said of it yet ("because the kids").
fn is_noun_alone(words: &[String]) -> bool {
    let [.., start, determiner, _] = words else { return false };
    is_among(NOUN_STARTS, start) && is_among(DETERMINERS, determiner)
}

/// Shorter words in "-ly" are no adverbs, bytes.
const LY_LENGTH_MIN: usize = 5;

fn is_last_among(list: &'static str, words: &[String]) -> bool {
    words.last().is_some_and(|last| is_among(list, last))
}

/// What the last word says, where it says anything.
fn last_word(words: &[String]) -> Option<f32> {
    let last = words.last()?;
    let is_short = (2..=ELLIPSIS_WORDS_MAX).contains(&words.len());
    if is_short && is_among(AUXILIARIES, last) && is_among(AGREEING, &words[0]) {
        return Some(0.0);
    }
    LAST_WORDS.iter().find(|(_, list)| alternatives(list).any(|word| word == last)).map(|(says, _)| *says)
}

/// Whether the last sentence is a subordinate clause without its main clause ("if the client retries").
fn clause_is_open(text: &str) -> bool {
    let trimmed = text.trim_end().trim_end_matches(['.', '!', '?']);
    let sentence = trimmed.rsplit(['.', '!', '?']).next().unwrap_or("");
    if sentence.contains(',') {
        return false;
    }
    let words = plain_words(sentence);
    words.first().is_some_and(|first| is_among(SUBORDINATORS, first)) && words.len() <= OPEN_CLAUSE_WORDS_MAX
}

/// Longer sentences than this hold their main clause, comma or not.
const OPEN_CLAUSE_WORDS_MAX: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_go_on_and_words_that_end() {
        let cases = [
            ("", None),
            ("We use a queue and", Some(OPEN)),
            ("We use a queue, um", Some(HESITANT)),
            ("it is kind of", Some(-0.9)),
            ("if the client retries", Some(CLAUSE_OPEN)),
            ("If the client retries, the key is the same.", Some(CLOSED)),
            ("first,", Some(UNCLOSED)),
            ("we put the th-", Some(UNCLOSED)),
            ("The key makes the request safe to repeat.", Some(CLOSED)),
            ("the key makes the request safe to repeat", Some(PLAIN)),
            ("I don\u{2019}t know.", Some(COMPLETE)),
            ("and that's all", Some(COMPLETE)),
            ("Ми використовуємо чергу, бо", Some(OPEN)),
            ("Не знаю.", Some(COMPLETE)),
            ("I am not sure about that one, to be honest.", Some(COMPLETE)),
            ("and it has not happened since.", Some(ENDED)),
            ("and it has not happened since", Some(-0.5)),
            ("It has not happened since then.", Some(ENDED)),
            ("Since then it works.", Some(CLOSED)),
            ("That is what the key is for.", Some(ENDED)),
            ("What is that for?", Some(ENDED)),
            ("We check it before and after.", Some(ENDED)),
            ("It scales well.", Some(ENDED)),
            ("We use a queue, so.", Some(OPEN)),
            ("We use a queue. Well.", Some(OPEN)),
            ("We put a queue in front, and.", Some(OPEN)),
            ("We take the lock because.", Some(OPEN)),
            ("We take the..", Some(UNCLOSED)),
            ("It times out after one second.", Some(CLOSED)),
        ];
        for (text, expected) in cases {
            assert_eq!(completeness(text), expected, "{text:?}");
        }
    }

    #[test]
    fn talk_without_punctuation() {
        let ordered = [
            "and then we went to the",
            "well i mean it was um",
            "we were looking for",
            "we live in dallas but",
            "they moved away so",
            "we have two kids you know",
            "we have been to the lake",
            "i like that too",
            "they sell books and stuff like that",
        ];
        for pair in ordered.windows(2) {
            let (less, more) = (completeness(pair[0]), completeness(pair[1]));
            assert!(less <= more, "{:?} {less:?} is not before {:?} {more:?}", pair[0], pair[1]);
        }
        assert_eq!(completeness("yeah it is"), Some(0.0));
        assert_eq!(completeness("first there is"), Some(-0.8));
        assert_eq!(completeness("and the reason for that is"), Some(-0.8));
        assert_eq!(completeness("well"), Some(OPEN));
        assert_eq!(completeness("uh-huh"), Some(0.45));
    }
}

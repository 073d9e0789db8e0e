//! What the words of a pause say of its being an end: how complete they are, "that's all", "let me think",
//! backchannels. English and Ukrainian. Must never judge what an answer is worth.

mod completeness;
mod endings;
mod unknown;

pub use completeness::completeness;
pub use unknown::is_dont_know;

/// What words announce about the turn, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    Nothing,
    /// "That's all", "I'm done".
    Done,
    /// "I don't know", and nothing else (see [`is_dont_know`]).
    DontKnow,
    /// "Let me think", "give me a moment".
    Moment,
}

/// What a listener says without wanting the floor.
const BACKCHANNELS: &str = "ah | aha | alright | cool | good | great | ha | haha | hm | hmm | mhm | mm | mm-hm | mm-hmm | mmhm | \
    nice | oh | ok | okay | right | sure | uh | uh-huh | um | understood | yeah | yep | yes | ага | авжеж | \
    добре | зрозуміло | мгм | ммм | ну | ого | так | угу | ясно";

const BACKCHANNEL_PHRASES: &str = "i see | got it | of course | that's right | makes sense | all right";

/// Ends of a turn that says so itself.
const DONE: &str = "that's it | that is it | that's all | that is all | i'm done | i am done | i'm finished | i am finished | \
    that's my answer | that is my answer | that's everything | that would be it | that'd be it | \
    nothing else | nothing to add | nothing more to add | nothing more to say | i'm all done | that's about it | that's all i have | that's all i know | \
    це все | я все | я закінчив | я закінчила | на цьому все | от і все | ось і все | більше нічого";

/// Requests for time.
const MOMENT: &str = "let me think | let me think about it | let me think about that | let me think for a moment | \
    let me think for a second | give me a moment | give me a second | give me a minute | just a moment | \
    just a second | just a minute | one moment | one second | one moment please | hold on | hang on | \
    hold on a second | let me see | i need a moment | i need a second | i need to think | wait a second | \
    wait a moment | give me some time | a moment please | дайте подумати | дайте мені подумати | \
    дайте мені хвилинку | дайте хвилинку | хвилинку | секунду | одну секунду | одну хвилинку | \
    зараз подумаю | зачекайте | мені треба подумати";

/// Of those, what is said of other things too ("it takes about one second"): a request only where it is a clause.
const MOMENT_CLAUSES: &str = "just a moment | just a second | just a minute | one moment | one second | one moment please | hold on |     hang on | let me see | wait a second | wait a moment | хвилинку | секунду | одну секунду | одну хвилинку";

/// Whether two texts say the same, however they are written.
#[must_use]
pub fn are_the_same(one: &str, other: &str) -> bool {
    one == other || plain_words(one) == plain_words(other)
}

/// Words are lower-cased and parted from their punctuation; apostrophes are made straight. What was heard and is no word
/// ("[laughter]", "<noise>") is left out; what some transcribers write apart ("it 's") is put together.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for token in text.split_whitespace() {
        let token = token.replace(['\u{2019}', '\u{02BC}'], "'").to_lowercase();
        let ending = token.trim_end_matches(|c: char| !c.is_alphanumeric());
        if let Some(last) = words.last_mut().filter(|_| is_among(CLITICS, ending)) {
            last.push_str(ending);
            continue;
        }
        let word = spoken(&token).trim_matches(|c: char| !c.is_alphanumeric());
        if !word.is_empty() {
            words.push(word.to_owned());
        }
    }
    words
}

/// Ends of words that some transcribers write apart.
const CLITICS: &str = "'s | 'm | 're | 've | 'll | 'd | n't";

/// The word in `token`: marks in brackets hold none, or one after a dash ("[laughter-yeah]").
fn spoken(token: &str) -> &str {
    let inside = |open, close| token.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    match inside('[', ']').or_else(|| inside('<', '>')) {
        Some(mark) => mark.split_once('-').map_or("", |(_, word)| word),
        None => token,
    }
}

/// Words of the last clause: what stands behind the last comma or full stop before the end.
fn clause_words(text: &str) -> usize {
    let trimmed = text.trim_end().trim_end_matches(|c: char| !c.is_alphanumeric());
    plain_words(trimmed.rsplit([',', ';', ':', '.', '!', '?', '\u{2013}', '\u{2014}']).next().unwrap_or("")).len()
}

/// What `text` announces at its end.
#[must_use]
pub fn sign(text: &str) -> Sign {
    let joined = plain_words(text).join(" ");
    if ends_with_any(&joined, DONE) {
        Sign::Done
    } else if is_dont_know(text) {
        Sign::DontKnow
    } else if asks_for_time(text, &joined) {
        Sign::Moment
    } else {
        Sign::Nothing
    }
}

/// Whether `text` ends in a request for time.
fn asks_for_time(text: &str, joined: &str) -> bool {
    let is_clause = |phrase: &str| {
        let words = plain_words(text);
        let own = phrase.split(' ').count();
        let lead = clause_words(text).saturating_sub(own);
        words[words.len() - own - lead..words.len() - own]
            .iter()
            .all(|word| completeness::is_filler(word) || is_among(BACKCHANNELS, word) || is_among(BEFORE_MOMENT, word))
    };
    alternatives(MOMENT)
        .filter(|phrase| ends_with(joined, phrase))
        .any(|phrase| !is_among(MOMENT_CLAUSES, phrase) || is_clause(phrase))
}

/// What may stand before a short request for time, in its own clause.
const BEFORE_MOMENT: &str = "please | sorry | can | could | you | just | i | need | now | wait | give | me | but | and | будь | ласка |     дайте | мені | ще";

/// Whether `text` is nothing but backchannels (or nothing at all).
#[must_use]
pub fn is_backchannel(text: &str) -> bool {
    content_words(text) == 0
}

/// How many words of `text` are no backchannels; long runs of backchannels are still none.
#[must_use]
pub fn content_words(text: &str) -> usize {
    let mut joined = format!(" {} ", plain_words(text).join(" "));
    for phrase in alternatives(BACKCHANNEL_PHRASES) {
        joined = joined.replace(&format!(" {phrase} "), " ");
    }
    joined.split_whitespace().filter(|word| !is_among(BACKCHANNELS, word)).count()
}

/// Whether `heard` is what the interviewer itself is `saying`, come back through the candidate's microphone: all but a
/// few of at least three words occur there in this order.
#[must_use]
pub fn is_echo(heard: &str, saying: &str) -> bool {
    let heard = plain_words(heard);
    if heard.len() < ECHO_WORDS_MIN {
        return false;
    }
    let saying = plain_words(saying);
    let mut rest = saying.as_slice();
    let mut found = 0;
    for word in &heard {
        if let Some(place) = rest.iter().position(|said| said == word) {
            rest = &rest[place + 1..];
            found += 1;
        }
    }
    found * 5 >= heard.len() * 4
}

/// Fewer words agree by chance.
const ECHO_WORDS_MIN: usize = 3;

/// The lists above part their entries by bars.
fn alternatives(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(" | ")
}

fn is_among(list: &'static str, word: &str) -> bool {
    alternatives(list).any(|entry| entry == word)
}

fn ends_with_any(joined: &str, phrases: &'static str) -> bool {
    alternatives(phrases).any(|phrase| ends_with(joined, phrase))
}

fn ends_with(joined: &str, phrase: &str) -> bool {
    joined.strip_suffix(phrase).is_some_and(|before| before.is_empty() || before.ends_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs() {
        assert_eq!(sign("So we shard it. Hmm, let me think."), Sign::Moment);
        assert_eq!(sign("Okay, I'm done!"), Sign::Done);
        assert_eq!(sign("Дайте подумати"), Sign::Moment);
        assert_eq!(sign("It is a key. One second."), Sign::Moment);
        assert_eq!(sign("Um, just a second, please, one moment please."), Sign::Moment);
        assert_eq!(sign("Okay, could you just hold on?"), Sign::Moment);
        assert_eq!(sign("The timeout is about one second."), Sign::Nothing);
        assert_eq!(sign("It releases the lock that others hold on."), Sign::Nothing);
        assert_eq!(sign("I don't know more about it than what I said."), Sign::DontKnow);
        assert_eq!(sign("I am not sure, but I would think the index"), Sign::Nothing);
        assert_eq!(sign("A thread is done when it returns."), Sign::Nothing);
    }

    #[test]
    fn backchannels_and_echo() {
        assert!(is_backchannel("Mm-hm. Okay, I see."));
        assert!(is_backchannel(""));
        assert!(!is_backchannel("Okay, but wait"));
        assert!(is_echo("how would you scale", "Tell me, how would you scale this service?"));
        assert!(!is_echo("I would scale it", "Tell me, how would you scale this service?"));
    }
}

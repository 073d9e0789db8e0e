//! What the words of a pause say of its being an end: trailing conjunctions and fillers, open clauses, "that's all",
//! "let me think", backchannels. English and Ukrainian. Must never judge what an answer is worth.

mod unknown;

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

/// Words after which a sentence goes on.
const CONNECTING: &str = "a | about | across | after | although | an | and | are | as | at | because | before | between | but | by | \
    can | could | during | each | either | every | for | from | had | has | have | he | her | his | how | i | \
    i'd | i'll | i'm | i've | if | in | including | into | is | it's | its | just | like | may | might | \
    mostly | must | my | nor | of | on | onto | or | our | per | plus | quite | really | she | should | \
    since | some | such | than | that's | the | their | then | there's | these | they | they're | though | \
    through | to | towards | under | unless | until | upon | use | using | very | was | we | we'd | we'll | \
    we're | we've | were | what | when | where | whereas | whether | which | while | who | whose | why | \
    will | with | within | without | would | you | you'd | you're | your | а | або | адже | але | без | бо | \
    буде | був | були | в | ваш | він | вони | від | де | для | до | з | за | зі | й | його | із | із-за | \
    і | її | їх | коли | ми | можна | мій | на | над | наприклад | наш | не | ні | об | оскільки | перед | \
    по | поки | при | про | під | після | та | такий | також | те | тільки | тобто | тому | то | треба | у | \
    хоча | це | цей | через | чи | що | щоб | як | яка | яке | який | якщо | які | між";

/// Of those, words that a sentence may end in ("it has not happened since."), if it is seen to end.
const ENDING: &str = "about | across | after | as | at | before | between | by | can | could | each | either | for | from | had |     has | have | her | his | how | in | including | is | like | may | might | must | of | on | over | per | really |     should | since | some | such | that's | then | though | through | to | towards | under | until | use | using | was |     we | were | what | when | where | while | who | why | will | with | within | without | would | you | after |     буде | був | були | вони | від | він | до | їх | її | його | коли | ми | мій | можна | наш | ні | по | після | про |     так | такий | те | то | треба | це | цей | як | яка | яке | який | які";

/// Of the fillers, words that also end a sentence they belong to ("it scales well.").
const ENDING_FILLERS: &str = "so | well | basically | actually";

/// Sounds and words that hold the floor.
const FILLERS: &str = "ah | eh | er | erm | hm | hmm | mm | so | uh | uhm | um | well | basically | actually | e | е | ее | ем | \
    ет | значить | мм | ну | типу | отже | хм";

/// Fillers of several words.
const FILLER_PHRASES: &str = "you know | i mean | kind of | sort of | let's see | як би | так би мовити | ну от";

/// First words of a clause that wants another one.
const SUBORDINATORS: &str = "although | because | if | since | unless | when | whenever | while | коли | оскільки | поки | хоча | \
    якщо";

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

/// Complete answers of one word or two.
const SHORT_ANSWERS: &str = "yes | no | yeah | yep | nope | true | false | correct | exactly | maybe | never | always | both | \
    neither | i don't know | i do not know | no idea | not sure | i'm not sure | i have no idea | так | ні | \
    звісно | ніколи | завжди | не знаю | я не знаю | не впевнений | не впевнена";

/// Endings that close a list or a thought.
const CLOSERS: &str = "and so on | et cetera | and things like that | and stuff like that | or something like that | \
    if that makes sense | does that answer your question | so yeah | basically that's it | і так далі | \
    тощо | якось так | приблизно так";

/// Words are lower-cased and parted from their punctuation; apostrophes are made straight.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| !c.is_alphanumeric()).replace(['\u{2019}', '\u{02BC}'], "'").to_lowercase()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether `text` looks complete: -1 clearly not .. 1 clearly; `None` where there are no words.
#[must_use]
pub fn completeness(text: &str) -> Option<f32> {
    let words = plain_words(text);
    let last = words.last()?.as_str();
    let joined = words.join(" ");
    let ending = text.trim_end().chars().next_back().unwrap_or(' ');
    let is_closed = matches!(ending, '.' | '!' | '?') && !text.trim_end().ends_with("..");
    if matches!(sign(text), Sign::Done | Sign::DontKnow)
        || is_among(SHORT_ANSWERS, &joined)
        || ends_with_any(&joined, CLOSERS)
    {
        return Some(1.0);
    }
    if is_among(FILLERS, last) || ends_with_any(&joined, FILLER_PHRASES) {
        let belongs = is_among(ENDING_FILLERS, last) && is_closed && clause_words(text) > 1;
        return Some(if belongs { ENDED } else { -1.0 });
    }
    if is_among(CONNECTING, last) {
        return Some(if is_closed && (ending == '?' || is_among(ENDING, last)) { ENDED } else { -1.0 });
    }
    if matches!(ending, ',' | '-' | '\u{2013}' | '\u{2014}' | ':' | '\u{2026}') || text.trim_end().ends_with("..") {
        return Some(-0.7);
    }
    if clause_is_open(text) {
        return Some(-0.5);
    }
    // Transcribers that punctuate put a full stop behind almost anything, so it says little.
    Some(if matches!(ending, '.' | '!' | '?') { 0.6 } else { 0.25 })
}

/// A sentence is seen to end in a word that mostly goes on: transcribers put full stops behind those too, so it takes
/// the turn model to be sure.
const ENDED: f32 = 0.3;

/// Words of the last clause: what stands behind the last comma or full stop before the end.
fn clause_words(text: &str) -> usize {
    let trimmed = text.trim_end().trim_end_matches(|c: char| !c.is_alphanumeric());
    plain_words(trimmed.rsplit([',', ';', ':', '.', '!', '?', '\u{2013}', '\u{2014}']).next().unwrap_or("")).len()
}

/// Whether the last sentence is a subordinate clause without its main clause ("if the client retries").
fn clause_is_open(text: &str) -> bool {
    let trimmed = text.trim_end().trim_end_matches(['.', '!', '?']);
    let sentence = trimmed.rsplit(['.', '!', '?']).next().unwrap_or("");
    if sentence.contains(',') {
        return false;
    }
    let words = plain_words(sentence);
    let is_adverb =
        words.first().is_some_and(|first| first == "since") && words.get(1).is_some_and(|next| next == "then");
    words.first().is_some_and(|first| is_among(SUBORDINATORS, first))
        && !is_adverb
        && words.len() <= OPEN_CLAUSE_WORDS_MAX
}

/// Longer sentences than this hold their main clause, comma or not.
const OPEN_CLAUSE_WORDS_MAX: usize = 9;

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
            .all(|word| is_among(FILLERS, word) || is_among(BACKCHANNELS, word) || is_among(BEFORE_MOMENT, word))
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
    fn words_that_go_on_and_words_that_end() {
        let cases = [
            ("", None),
            ("We use a queue and", Some(-1.0)),
            ("We use a queue, um", Some(-1.0)),
            ("it is kind of", Some(-1.0)),
            ("if the client retries", Some(-0.5)),
            ("If the client retries, the key is the same.", Some(0.6)),
            ("first,", Some(-0.7)),
            ("The key makes the request safe to repeat.", Some(0.6)),
            ("the key makes the request safe to repeat", Some(0.25)),
            ("I don\u{2019}t know.", Some(1.0)),
            ("and that's all", Some(1.0)),
            ("Ми використовуємо чергу, бо", Some(-1.0)),
            ("Не знаю.", Some(1.0)),
            ("I am not sure about that one, to be honest.", Some(1.0)),
            ("and it has not happened since.", Some(ENDED)),
            ("and it has not happened since", Some(-1.0)),
            ("It has not happened since then.", Some(ENDED)),
            ("Since then it works.", Some(0.6)),
            ("That is what the key is for.", Some(ENDED)),
            ("What is that for?", Some(ENDED)),
            ("We check it before and after.", Some(ENDED)),
            ("It scales well.", Some(ENDED)),
            ("We use a queue, so.", Some(-1.0)),
            ("We use a queue. Well.", Some(-1.0)),
            ("We put a queue in front, and.", Some(-1.0)),
            ("We take the lock because.", Some(-1.0)),
            ("We take the..", Some(-1.0)),
            ("It times out after one second.", Some(0.6)),
        ];
        for (text, expected) in cases {
            assert_eq!(completeness(text), expected, "{text:?}");
        }
    }

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

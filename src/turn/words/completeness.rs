//! How complete the words of a pause look: trailing conjunctions, articles and fillers, open clauses, words that people
//! end on. English and Ukrainian. Must never decide: it gives a number, `endpointing` weighs it.

use super::{Sign, alternatives, clause_words, ends_with_any, is_among, plain_words, sign};

/// Last words, and how complete a text looks that ends in them without punctuation, the first that fits. Nobody ends on
/// an article or a subject; prepositions, verbs that want something and "but" are sometimes left hanging; "you know" and
/// "so" do both; "too", "though" and "it" mostly end.
const LAST_WORDS: &[(f32, &str)] = &[
    (
        -1.0,
        "a | an | the | my | our | your | their | its | every | i | i'm | i've | i'll | i'd | we | we're | we've | we'll | \
         we'd | they | they're | they've | they'll | they'd | you're | you've | you'll | you'd | he | he's | he'll | he'd | \
         she | she's | she'll | she'd | it'll | there's | who's | what's | where's | and | because | 'cause | cause | cuz | \
         if | than | nor | whether | although | whereas | unless | until | of | into | onto | towards | upon | via | very | \
         quite | gonna | wanna | mr | mrs | dr | а | або | адже | але | без | бо | буде | був | були | в | ваш | він | вони | від | \
         де | для | до | з | за | зі | й | його | із | із-за | і | її | їх | коли | ми | можна | мій | на | над | наприклад | \
         наш | не | об | оскільки | перед | по | поки | при | про | під | після | та | такий | також | те | тільки | \
         тобто | тому | то | треба | у | хоча | це | цей | через | чи | що | щоб | як | яка | яке | який | якщо | які | між",
    ),
    (
        -0.8,
        "it's | to | from | or | is | are | was | were | am | been | be | being | just | like | as | with | for | at | by | \
         these | those | some | such | each | including | during | between | per | plus | pretty | kinda | sorta | maybe | \
         probably | even | also | only | mostly | usually | basically | which | whose | while | got | gotta | having | \
         getting | going | trying | using",
    ),
    (
        -0.5,
        "but | in | on | about | across | after | before | over | through | under | within | without | since | then | that's | \
         has | have | had | can | could | will | would | should | may | might | must | does | did | where | when | \
         how | why | who | what | his | her | use | get | put | make | take | want | need | said | says | say | went | came | \
         called | any | another | other | more | two | three | real | really | always | never | either | first | new",
    ),
    (
        -0.2,
        "so | do | you | think | well | actually | don't | didn't | can't | doesn't | isn't | wasn't | wouldn't | couldn't | no | one",
    ),
    (
        0.45,
        "too | though | anyway | anyways | anymore | yet | everything | anything | nothing | stuff | there | here | them | \
         him | me | us | it | that | this | today | yesterday | tomorrow | tonight | ago | right | yeah | yes | okay | ok | \
         whatever | again | myself | yourself | themselves | together | all | home | thing | things | guess | sure | true | \
         now | uh-huh | um-hum | mm-hm | mm-hmm | mhm | exactly | definitely | course | years | days | time | lot | bad | good | great | nice | fun",
    ),
];

/// Of those that go on, words that a sentence may end in ("it has not happened since."), if it is seen to end.
const ENDING: &str = "about | across | after | as | at | before | between | by | can | could | each | either | for | from | had | \
    has | have | her | his | how | in | including | is | like | may | might | must | of | on | over | per | really | \
    should | since | some | such | that's | then | though | through | to | towards | under | until | use | using | was | \
    we | were | what | when | where | while | who | why | will | with | within | without | would | you | are | am | been | \
    be | being | these | those | maybe | probably | even | also | only | mostly | usually | trying | going | does | did | \
    but | get | put | make | take | want | need | said | say | says | went | came | called | any | another | other | more | \
    two | three | real | always | never | first | new | do | think | actually | don't | didn't | can't | doesn't | isn't | \
    wasn't | wouldn't | couldn't | no | one | буде | був | були | вони | від | він | до | їх | її | його | коли | ми | \
    мій | можна | наш | по | після | про | так | такий | те | то | треба | це | цей | як | яка | яке | який | які";

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
    if let Some(known) = last_word(&words).filter(|known| *known < 0.0) {
        let ends = is_closed && (ending == '?' || is_among(ENDING, last));
        return Some(match (ends, is_closed) {
            (true, _) => ENDED,
            // A full stop behind a word that cannot end is the transcriber's guess at a pause.
            (false, true) => OPEN,
            (false, false) => known,
        });
    }
    if clause_is_open(text) {
        return Some(CLAUSE_OPEN);
    }
    Some(if is_closed { CLOSED } else { last_word(&words).unwrap_or(PLAIN) })
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

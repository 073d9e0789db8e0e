//! Phrases that are wishes and not answers: "could you repeat that", "skip", "I don't know", "yes please". English and
//! Ukrainian. Must never find a wish inside a longer answer: every word beside the phrase must be courtesy.

use super::Wish;
use crate::turn::words::{Sign, is_dont_know, plain_words, sign};

/// What a short utterance says beside an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phrase {
    Wish(Wish),
    /// "That's all", and nothing more.
    Done,
    /// "I don't know", and nothing more.
    DontKnow,
    Yes,
    No,
}

/// Longer utterances are answers, words.
const PHRASE_WORDS_MAX: usize = 14;

/// What `text` is, if it is essentially that.
#[must_use]
pub fn hear(text: &str) -> Option<Phrase> {
    if is_dont_know(text) {
        return Some(Phrase::DontKnow);
    }
    let words = plain_words(text);
    if words.is_empty() || words.len() > PHRASE_WORDS_MAX {
        return None;
    }
    let bare: Vec<&str> = words.iter().map(String::as_str).filter(|word| !is_among(HESITATIONS, word)).collect();
    if bare.iter().all(|word| is_among(YES, word)) {
        return (!bare.is_empty() && bare.iter().any(|word| is_among(YES_CORE, word))).then_some(Phrase::Yes);
    }
    if bare.iter().any(|word| is_among(NO_CORE, word)) && bare.iter().all(|word| is_among(NO, word)) {
        return Some(Phrase::No);
    }
    let joined = format!(" {} ", words.join(" "));
    let found = PHRASES.iter().find(|(_, phrases)| phrases.split(" | ").any(|phrase| is_essentially(&joined, phrase)));
    match (found, sign(text)) {
        (Some((phrase, _)), _) => Some(*phrase),
        (None, Sign::Moment) => Some(Phrase::Wish(Wish::Moment)),
        (None, Sign::Done) if words.len() <= DONE_WORDS_MAX => Some(Phrase::Done),
        (None, Sign::Done | Sign::DontKnow | Sign::Nothing) => None,
    }
    .filter(|phrase| *phrase != Phrase::Wish(Wish::Moment) || words.len() <= MOMENT_WORDS_MAX)
}

/// "Okay so I think that's all" is an end, "we hash the key and that's it" may be an answer.
const DONE_WORDS_MAX: usize = 6;
/// "Hmm, that's a good one, could you give me a moment, please" is a plea for time.
const MOMENT_WORDS_MAX: usize = 12;

/// Whether all of `joined` but `phrase` is courtesy.
fn is_essentially(joined: &str, phrase: &str) -> bool {
    let Some(at) = joined.find(&format!(" {phrase} ")) else { return false };
    let rest = joined[..at].split_whitespace().chain(joined[at + phrase.len() + 2..].split_whitespace());
    rest.into_iter().all(|word| is_among(COURTESY, word) || is_among(HESITATIONS, word))
}

fn is_among(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|entry| entry == word)
}

const HESITATIONS: &str = "um uh uhm er erm hm hmm mm mhm ah oh well so like eh ну ем хм ммм е";

const YES_CORE: &str = "yes yeah yep yup sure please ok okay go так авжеж звісно добре";
const YES: &str = "yes yeah yep yup sure please ok okay go ahead that would be great nice good fine let's do it i would thanks \
    thank you так авжеж звісно добре будь ласка дякую";
const NO_CORE: &str = "no nope nah not ні";
const NO: &str = "no nope nah not thanks thank you i'm i am good fine that's ok okay yet really now it's all right ні дякую не \
    треба";

/// Words that may stand around a wish without making it an answer.
const COURTESY: &str = "a about actually again all am an and answer any anything are around at be better bit but can can't could \
    did do does don't excuse final first for from give got guess have hear hello here hey hi honest honestly i i'd i'll i'm i've if \
    interview is it it's its just kindly know last let let's like little made may maybe me might mind moment more my need now of okay \
    ok on one or our part please possible prefer question quite rather ready really right said say sir sorry speak talk than thank thanks \
    that that's the then there they thing think this time to today unfortunately us very want wanna was we what will with would \
    yes yeah you your no not \
    будь ласка вибачте перепрошую можна можете могли б це питання запитання мені я ви ми для так ні на жаль будьте добрі чи що \
    не дуже то про давайте хочу хотів хотіла б";

const PHRASES: &[(Phrase, &str)] = &[
    (
        Phrase::Wish(Wish::Rephrase),
        "rephrase | what do you mean | what does that mean | what does it mean | don't understand | do not understand | \
         didn't understand | did not understand | explain the question | explain what you mean | put it differently | \
         put it another way | put that another way | put that differently | in other words | clarify | not clear | \
         ask it differently | simpler words | перефразуйте | перефразувати | що ви маєте на увазі | не розумію | \
         не зрозумів | не зрозуміла | поясніть | іншими словами",
    ),
    (
        Phrase::Wish(Wish::Slower),
        "slower | slow down | too fast | more slowly | slowly | повільніше | помаліше | надто швидко | занадто швидко",
    ),
    (
        Phrase::Wish(Wish::Repeat),
        "repeat | say that again | say it again | say again | ask it again | ask again | once again | once more | one more time | \
         come again | pardon | didn't hear | did not hear | couldn't hear | can't hear you | didn't catch | did not catch | \
         didn't get | what was the question | what's the question | what is the question | what was that | what did you say | \
         повторіть | повторити | повтори | ще раз | не почув | не почула | не розчув | не розчула | яке було питання",
    ),
    (
        Phrase::Wish(Wish::End),
        "end the interview | stop the interview | finish the interview | end this interview | stop this interview | \
         quit the interview | cancel the interview | end it here | end here | stop here | leave the interview | goodbye | \
         закінчити інтерв'ю | завершити інтерв'ю | закінчити співбесіду | завершити співбесіду | закінчимо на цьому",
    ),
    (
        Phrase::Wish(Wish::Skip),
        "skip | skip it | skip this | next question | move on | move on to the next | move on to another | go to the next | go on to the next | pass | leave it | \
         пропустити | пропустіть | пропустимо | пропускаю | наступне питання | наступне запитання | далі",
    ),
    (
        Phrase::Wish(Wish::Pause),
        "pause | take a break | have a break | need a break | short break | quick break | зробити паузу | зробимо паузу | пауза | \
         паузу | перерву | перерва",
    ),
    (
        Phrase::Wish(Wish::Resume),
        "resume | continue | i'm back | i am back | carry on | продовжуймо | продовжимо | продовжити | я повернувся | я повернулася",
    ),
    (
        Phrase::DontKnow,
        "don't know | do not know | no idea | haven't a clue | no clue | not sure | can't answer | cannot answer | don't remember | \
         can't remember | do not remember | never heard of | haven't heard of | not familiar | don't have an answer | \
         не знаю | гадки не маю | не пам'ятаю | не впевнений | не впевнена | не можу відповісти",
    ),
    (
        Phrase::Wish(Wish::Moment),
        "a moment | a second | a minute | let me think | hold on | hang on | need to think | some time | \
         хвилинку | секунду | подумати | зачекайте",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_heard() {
        let cases = [
            ("Could you repeat the question, please?", Phrase::Wish(Wish::Repeat)),
            ("Sorry, I didn't catch that.", Phrase::Wish(Wish::Repeat)),
            ("Pardon?", Phrase::Wish(Wish::Repeat)),
            ("What do you mean?", Phrase::Wish(Wish::Rephrase)),
            ("I'm sorry, I don't understand the question.", Phrase::Wish(Wish::Rephrase)),
            ("Can you speak a little slower please?", Phrase::Wish(Wish::Slower)),
            ("Let's skip this one.", Phrase::Wish(Wish::Skip)),
            ("Can we move on to the next question?", Phrase::Wish(Wish::Skip)),
            ("Hmm, give me a moment please.", Phrase::Wish(Wish::Moment)),
            ("Let me think.", Phrase::Wish(Wish::Moment)),
            ("Could we take a break?", Phrase::Wish(Wish::Pause)),
            ("I would like to end the interview.", Phrase::Wish(Wish::End)),
            ("I'm done.", Phrase::Done),
            ("Um, I don't know, sorry.", Phrase::DontKnow),
            ("Honestly, I have no idea.", Phrase::DontKnow),
            ("I am not sure about that one, to be honest.", Phrase::DontKnow),
            ("I don't know more about it than what I said.", Phrase::DontKnow),
            ("I'm not sure.", Phrase::DontKnow),
            ("I am not really sure, sorry.", Phrase::DontKnow),
            ("I do not know anything more about that.", Phrase::DontKnow),
            ("Yes, please.", Phrase::Yes),
            ("No, thanks.", Phrase::No),
            ("Повторіть, будь ласка, питання", Phrase::Wish(Wish::Repeat)),
            ("Не знаю.", Phrase::DontKnow),
            ("Дайте мені хвилинку", Phrase::Wish(Wish::Moment)),
            ("Давайте пропустимо це питання", Phrase::Wish(Wish::Skip)),
        ];
        for (text, expected) in cases {
            assert_eq!(hear(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn answers_are_no_wishes() {
        for text in [
            "You repeat the request with the same key.",
            "The client can repeat the call once more after a timeout.",
            "A cursor lets you skip rows.",
            "The garbage collector may pause all threads.",
            "Then the worker resumes from the checkpoint.",
            "I don't know the exact number but I would measure the latency first.",
            "I am not sure, but I would think the index is skipped.",
            "I don't know, I would guess it is the planner.",
            "No, because the index is not used there.",
            "We hash the key and that's it, then the router picks a shard.",
            "Yes, with a unique constraint.",
            "",
        ] {
            assert_eq!(hear(text), None, "{text:?}");
        }
    }
}

//! "I don't know", in the many ways it is said: a phrase that says so, with nothing but courtesy around it. English and
//! Ukrainian. Must never find it in an answer that only begins like that ("I am not sure, but I would think …").

use super::{alternatives, plain_words};

/// Longer texts hold more than that, words.
const WORDS_MAX: usize = 18;

/// What says it.
const CORES: &str = "don't know | do not know | don't really know | do not really know | don't actually know | don't even know | \
    no idea | haven't a clue | no clue | don't have a clue | haven't got a clue | \
    not sure | not really sure | not quite sure | not so sure | not too sure | not entirely sure | not certain | \
    can't answer | cannot answer | can't really answer | can't say | cannot say | can't tell you | couldn't tell you | \
    don't remember | do not remember | can't remember | cannot remember | don't recall | do not recall | can't recall | \
    never heard of | haven't heard of | have not heard of | not familiar | not really familiar | don't have an answer | \
    do not have an answer | have no answer | \
    не знаю | гадки не маю | не маю гадки | не пам'ятаю | не пригадую | не впевнений | не впевнена | не можу відповісти | \
    не можу сказати | нічого не знаю | не чув | не чула";

/// Words that may stand before it.
const BEFORE: &str = "a afraid ah actually about also am as be er erm eh everything for frankly good guess hmm hm hard have honest \
    honestly i i'd i'll i'm i've im is it it's just like mm must no now of oh okay ok one question really right say so sorry \
    something still that that's the there there's think this to um uh uhm unfortunately we well with yeah yes \
    е ем мм хм ну я на жаль чесно кажучи вибачте перепрошую про це цього цю цей тут поки що або нажаль";

/// What may follow it, the longest way first where one begins another.
const AFTER: &str = "anything more about that than what i said | anything more about that | anything more about it | \
    anything about that | anything about it | anything about this | anything more | anything else | anything | \
    any more about that | any more about it | any more | anymore | more about that one | more about this one | \
    more about that | more about this | more about it | more on that | more than what i have said | more than what i said | \
    more than what i've said | more than i have said | more than i said | more than i've said | more than that | more | \
    much more than that | much more about that | much more about it | much more | much about that | much about it | \
    much about this | much | enough about that | enough about it | enough about this | enough | \
    than what i have already said | than what i already said | than what i have said | than what i've said | \
    than what i just said | than what i said | than what i told you | than i have already said | than i have said | than i already said | \
    than i said | than i told you | than that | \
    about that one | about this one | about that question | about this question | about the answer | about that | \
    about this | about it | of that one | of this one | of that | of this | of it | on that one | on this one | on that | \
    on this | with that one | with this one | with that topic | with this topic | with that | with this | with it | \
    that one | this one | that | this | it | \
    what that is | what this is | what it is | what that means | what this means | what it means | what to say | \
    how to answer that | how to answer this | how to answer | how to do that | how to say it | how that works | \
    how it works | how this works | the answer to that one | the answer to this one | the answer to that question | \
    the answer to this question | the answer to that | the answer to this | the answer | an answer | \
    for that one | for this one | for that | for this | either | at all | exactly | really | actually | here | yet | \
    right now | now | at the moment | off the top of my head | off hand | offhand | to be honest | to be fair | honestly | \
    frankly | sorry about that | sorry | i'm sorry | i am sorry | i'm afraid | i am afraid | unfortunately | thank you | \
    thanks | please | i guess | i must say | i have to say | i have to admit | i must admit | so | \
    на жаль | нажаль | чесно кажучи | чесно | вибачте | перепрошую | цього | про це | відповіді | відповідь | точно | \
    що це | більше нічого | більше | нічого | щодо цього | у цьому | в цьому | дякую";

/// Whether `text` says that the candidate does not know, and nothing else. One that breaks off ("I'm not sure, …") does
/// not count.
#[must_use]
pub fn is_dont_know(text: &str) -> bool {
    let text = text.trim_end();
    if text.ends_with([',', '-', '\u{2013}', '\u{2014}', ':', ';', '\u{2026}', '?']) || text.ends_with("..") {
        return false;
    }
    let words = plain_words(text);
    if words.is_empty() || words.len() > WORDS_MAX {
        return false;
    }
    (0..words.len()).any(|at| {
        words[..at].iter().all(|word| BEFORE.split_whitespace().any(|entry| entry == word))
            && phrases_at(&words[at..], CORES).any(|taken| is_courtesy(&words[at + taken..]))
    })
}

/// Whether all of `words` are phrases that may follow, or the same said once more.
fn is_courtesy(words: &[String]) -> bool {
    let mut rest = words;
    while !rest.is_empty() {
        // The longest way is the best: no way of the list ends where another must begin.
        let Some(taken) = phrases_at(rest, AFTER).max() else { return is_again(rest) };
        rest = &rest[taken..];
    }
    true
}

/// "I don't know, I have no idea."
fn is_again(words: &[String]) -> bool {
    let lead = words.iter().take_while(|word| BEFORE.split_whitespace().any(|entry| entry == *word)).count();
    (0..=lead).any(|at| {
        phrases_at(&words[at..], CORES).any(|taken| {
            let rest = &words[at + taken..];
            rest.len() < words.len() && is_courtesy(rest)
        })
    })
}

/// How many words each of the `phrases` takes that `words` begin with.
fn phrases_at<'a>(words: &'a [String], phrases: &'static str) -> impl Iterator<Item = usize> + 'a {
    alternatives(phrases).filter_map(move |phrase| {
        let mut count = 0;
        for part in phrase.split(' ') {
            if words.get(count).is_none_or(|word| word != part) {
                return None;
            }
            count += 1;
        }
        Some(count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_knowing_is_heard() {
        for text in [
            "I don't know.",
            "I am not sure about that one, to be honest.",
            "I'm not sure about that one to be honest",
            "I don't know more about it than what I said.",
            "I do not know more about it than I have said, sorry.",
            "I am not sure.",
            "I'm not really sure, sorry.",
            "Um, I don't know, I have no idea.",
            "To be honest, I have no idea what that is.",
            "Honestly, I've never heard of it.",
            "Sorry, I can't remember that right now.",
            "I don't know anything more about that.",
            "That one I don't know, I'm afraid.",
            "Я, чесно кажучи, не знаю.",
            "На жаль, не пам'ятаю.",
        ] {
            assert!(is_dont_know(text), "{text:?}");
        }
    }

    #[test]
    fn answers_that_begin_or_end_like_that_are_answers() {
        for text in [
            "I am not sure, but I would think the index is not used.",
            "I am not sure, but",
            "I'm not sure, I would think",
            "I am not sure,",
            "I'm not sure\u{2026}",
            "I don't know the exact number but I would measure the latency first.",
            "I'm not sure about that one, maybe the planner",
            "I don't know if the index is used.",
            "I don't know, because",
            "The client does not know that.",
            "The server has no idea what that is.",
            "I am not sure that one index is enough.",
            "We made sure that nobody says I don't know.",
            "Не знаю, але думаю, що індекс",
            "",
        ] {
            assert!(!is_dont_know(text), "{text:?}");
        }
    }
}

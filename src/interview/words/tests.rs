//! What makes two words the same, and what a denial reaches.

use super::{Denial, clauses, joined, same, stem, words};

fn plain(text: &str) -> Vec<String> {
    words(text).into_iter().map(|w| w.plain).collect()
}

#[test]
fn forms_of_one_word_share_a_stem() {
    for group in [
        &["retry", "retries", "retried", "retrying"][..],
        &["lock", "locks", "locked", "locking"],
        &["cache", "caches", "cached", "caching"],
        &["idempotent", "idempotency", "idempotence"],
        &["consistent", "consistency", "consistently"],
        &["commit", "commits", "committed", "committing"],
        &["isolate", "isolation", "isolated"],
        &["partition", "partitions", "partitioned", "partitioning"],
        &["process", "processes", "processing", "processed"],
        &["query", "queries"],
    ] {
        for form in group {
            assert_eq!(stem(form), stem(group[0]), "{form}");
        }
    }
}

#[test]
fn opposites_stay_apart() {
    for (a, b) in [
        ("synchronous", "asynchronous"),
        ("ordered", "unordered"),
        ("consistent", "inconsistent"),
        ("stateless", "stateful"),
    ] {
        assert!(!same(&words(a)[0], &words(b)[0]), "{a} {b}");
    }
}

#[test]
fn slips_of_the_recogniser_are_forgiven() {
    assert!(same(&words("consistancy")[0], &words("consistency")[0]));
    let heard = words("item potent");
    assert!(joined(&heard[0], &heard[1]).is_some_and(|whole| same(&whole, &words("idempotent")[0])));
}

#[test]
fn numbers_said_in_words_are_numbers() {
    assert_eq!(plain("a four hundred and nine or four oh four"), ["a", "409", "or", "404"]);
    assert_eq!(plain("two thousand five hundred rows"), ["2500", "rows"]);
    assert_eq!(
        plain("the first one of twenty three, 1,000 or 1.5"),
        ["the", "first", "one", "of", "23", "1000", "or", "1.5"]
    );
}

#[test]
fn ranges_point_at_the_text() {
    let text = "It\u{2019}s the \u{201c}same\u{201d} effect, isn't it?";
    for word in words(text) {
        assert_eq!(text[word.at.clone()].to_lowercase().replace(['\'', '\u{2019}'], ""), word.plain);
    }
}

#[test]
fn a_denial_reaches_the_next_words_of_its_clause() {
    let denials = |text: &str, word: &str| words(text).into_iter().find(|w| w.plain == word).map(|w| w.denial);
    assert_eq!(denials("it does not lock the row", "lock"), Some(Denial::Denied));
    assert_eq!(denials("it does not block, it locks the row", "locks"), Some(Denial::Affirmed));
    assert_eq!(denials("if there is no index it scans", "index"), Some(Denial::Affirmed));
    assert_eq!(denials("not only the index", "index"), Some(Denial::Affirmed));
    assert_eq!(denials("i don't really know what a deadlock is", "deadlock"), Some(Denial::Unsaid));
    assert_eq!(denials("i'm not sure but a deadlock waits", "deadlock"), Some(Denial::Affirmed));
}

#[test]
fn clauses_are_bounded_without_punctuation() {
    let text = "word ".repeat(100);
    let words = words(&text);
    assert!(clauses(&words).iter().all(|c| c.len() <= super::CLAUSE_WORDS_MAX));
    assert_eq!(clauses(&words).iter().map(ExactSizeIterator::len).sum::<usize>(), 100);
}

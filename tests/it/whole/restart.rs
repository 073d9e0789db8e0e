//! The server dies in mid-answer: whoever comes back by the same link goes on, and what was acknowledged is there, once.

use super::alone;
use crate::support::person::{Interview, Person, Screen, silence, spoken};
use crate::support::server::Server;
use vivavoce::cli::rehearse::compare::{Comparison, compare};

const FIRST: &str = "I would put a queue between the two services, so that a slow reader never blocks the writer.";
const SECOND: &str = "My second point is that every message carries a number of its own.";
const CUT_OFF: &str = "Whoever reads a message twice can notice that by its number and throw the copy away, which is \
                       much simpler than trying to deliver each message exactly once over a network that breaks.";
const AFTER: &str = "As I was saying, the reader remembers the highest number and ignores everything below it.";

#[tokio::test]
async fn nothing_acknowledged_is_missing_after_a_kill_in_mid_answer() {
    let Some(_alone) = alone().await else { return };
    let (first, second, cut_off, after) =
        (spoken(FIRST).await, spoken(SECOND).await, spoken(CUT_OFF).await, spoken(AFTER).await);
    let server = Server::start(&[]).await;
    let address = server.address.clone();
    let interview = Interview::make(&server.url(), 2).await;
    let mut person = Person::join(&interview).await.expect("it is our interview");
    person.until("a question", Screen::is_our_turn).await;
    person.say(first).await;
    person.until("the first answer's words", |screen| !screen.finals.is_empty()).await;
    person.until("another question", Screen::is_our_turn).await;

    let acknowledged = person.screen.finals.len();
    let question = person.screen.question.clone();
    // A pause closes the utterance; then the candidate is cut off in the next one.
    let said = person.begin_to_say([second, silence(1_600), cut_off].concat());
    person.until("the second point's words", |screen| screen.finals.len() > acknowledged).await;
    assert!(!said.is_finished(), "the candidate was to be cut off");
    println!("acknowledged before: {:?}", person.screen.finals);
    let home = server.kill();
    let mut finals = person.screen.finals.clone();
    person.vanish();

    let server = Server::start_in(home, &address, &[]).await;
    let mut person = Person::join_at_last(&interview).await;
    person.until("the interview goes on", Screen::is_our_turn).await;
    println!("question before {question:?}, after {:?}", person.screen.question);
    assert!(person.screen.question.is_some(), "{:?}", person.screen);
    person.say(after).await;
    person.until("words after the restart", |screen| !screen.finals.is_empty()).await;
    person.until("a reply", |screen| screen.is_our_turn() || screen.ended.is_some()).await;
    finals.extend(person.screen.finals.clone());
    interview.end().await;

    let rows = interview.lines_of("candidate").await;
    println!("acknowledged {finals:?}\nrecord {rows:?}");
    assert_eq!(compare(&finals, &rows), Comparison::default(), "acknowledged: {finals:?}\nin the record: {rows:?}");
    let said = [FIRST, SECOND, AFTER].map(str::to_owned);
    assert_eq!(compare(&said, &rows), Comparison::default(), "said: {said:?}\nin the record: {rows:?}");
    person.close().await;
    server.stop().await;
}

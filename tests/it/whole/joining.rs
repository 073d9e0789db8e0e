//! Who takes a place: a client that asks for one and never comes, and two that come by the same link.

use super::alone;
use crate::support::person::{Interview, Person, Screen};
use crate::support::server::Server;
use vivavoce::room::client::{Client, ClientError, ClientSettings};

#[tokio::test]
async fn whoever_never_connects_gives_the_place_back_and_keeps_the_link() {
    let Some(_alone) = alone().await else { return };
    let settings = [
        ("VIVAVOCE_LIMITS__SESSIONS_MAX", "1"),
        ("VIVAVOCE_ROOM__WEBRTC__CONNECT_S", "3"),
        ("VIVAVOCE_ROOM__WEBRTC__RECONNECT_S", "3"),
        ("VIVAVOCE_PROVIDERS__LLM", "none"),
    ];
    let server = Server::start(&settings).await;
    let ghost = Interview::make(&server.url(), 1).await;
    let other = Interview::make(&server.url(), 1).await;
    let mut answered = None;
    let gone = Client::connect(ClientSettings::default(), async |offer| {
        answered = Some(ghost.offer(offer).await.map_err(|problem| problem.to_string())?.sdp);
        Err::<String, String>("never comes".to_owned())
    });
    assert!(matches!(gone.await, Err(ClientError::Refused(why)) if why == "never comes"));
    assert!(answered.is_some_and(|answer| answer.starts_with("v=0")));

    let full = Person::join(&other).await.err().expect("the only place is taken");
    assert!(full.contains("/problems/full"), "{full}");
    // The one that does come is let in once the setting's time is over.
    let mut person = Person::join_at_last(&other).await;
    person.until("the interview begins", |screen| !screen.phase.is_empty()).await;
    other.end().await;
    person.close().await;

    let mut late = Person::join_at_last(&ghost).await;
    late.until("a question", Screen::is_our_turn).await;
    ghost.end().await;
    late.until("the end is told", |screen| screen.ended.is_some()).await;
    late.close().await;
    server.stop().await;
}

#[tokio::test]
async fn the_second_of_two_tabs_takes_the_interview_over() {
    let Some(_alone) = alone().await else { return };
    let server = Server::start(&[("VIVAVOCE_PROVIDERS__LLM", "none")]).await;
    let interview = Interview::make(&server.url(), 1).await;
    let mut first = Person::join(&interview).await.expect("the link is good");
    first.until("a question", Screen::is_our_turn).await;
    let question = first.screen.question.clone();
    let mut second = Person::join(&interview).await.expect("the link is still good");
    first.until("it is told", |screen| screen.ended.is_some()).await;
    assert_eq!(first.screen.ended.as_deref(), Some("taken_over"));
    first.close().await;

    second.until("where things stand", |screen| !screen.phase.is_empty()).await;
    assert_eq!((second.screen.question.clone(), second.screen.ended.clone()), (question, None));
    let text = "I would measure it first, and then decide by the numbers.";
    second.say(crate::support::person::spoken(text).await).await;
    second.until("its words", |screen| !screen.finals.is_empty()).await;
    interview.end().await;
    second.until("the end is told", |screen| screen.ended.is_some()).await;
    let rows = interview.lines_of("candidate").await;
    assert!(rows.iter().any(|row| row.to_lowercase().contains("decide by the numbers")), "{rows:?}");
    second.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_change_of_network_is_told_over_http_and_the_talk_goes_on() {
    let Some(_alone) = alone().await else { return };
    let server = Server::start(&[("VIVAVOCE_PROVIDERS__LLM", "none")]).await;
    let interview = Interview::make(&server.url(), 1).await;
    let mut person = Person::join(&interview).await.expect("the link is good");
    let first = person.connection.clone();
    let candidate = "a=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n".to_owned();
    let (status, ..) = interview.change(&first.location, &first.etag, candidate.clone()).await;
    assert_eq!(status, 204, "a candidate that trickles in is taken");
    person.changes_network(&interview).await.expect("restarted");
    assert_ne!(person.connection.etag, first.etag);
    let (status, ..) = interview.change(&first.location, &first.etag, candidate).await;
    assert_eq!(status, 412, "the version before is over");
    person.changes_network(&interview).await.expect("once more, from the new version");
    person.until("a question", Screen::is_our_turn).await;
    interview.end().await;
    person.until("the end is told", |screen| screen.ended.is_some()).await;
    person.close().await;
    server.stop().await;
}

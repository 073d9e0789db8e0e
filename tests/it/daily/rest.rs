//! The REST client against a fake of Daily's, with its documented shapes.

use super::fake::Hall;
use super::fake::rest::{ENDLESS, FakeRest, KEY};
use serde_json::json;
use std::time::Duration;
use vivavoce::room::daily::rest::token::Token;
use vivavoce::room::daily::rest::{ErrorCode, NewRoom, Privacy, Rest, RestError, RoomProperties, WebhookWish};

fn client(fake: &FakeRest, key: &str) -> Rest {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Rest::new(&fake.url, key, Duration::from_secs(10)).expect("a client")
}

fn new_room(name: &str) -> NewRoom {
    let properties =
        RoomProperties { exp: Some(4_000_000_000), eject_at_room_exp: Some(true), ..RoomProperties::default() };
    NewRoom { name: name.to_owned(), privacy: Privacy::Private, properties }
}

#[tokio::test]
async fn daily_rooms_are_made_read_changed_and_deleted() {
    let fake = FakeRest::start(&Hall::default()).await;
    let rest = client(&fake, KEY);
    let domain = rest.domain().await.expect("the domain");
    assert_eq!((domain.domain_name.as_str(), domain.domain_id.as_str()), ("fake", "domain-id"));
    let made = rest.create_room(&new_room("a room/1")).await.expect("made");
    assert_eq!(made.privacy, Privacy::Private);
    let body = fake.books().bodies.last().cloned().expect("a body");
    let properties = json!({ "exp": 4_000_000_000_i64, "eject_at_room_exp": true });
    assert_eq!(body, json!({ "name": "a room/1", "privacy": "private", "properties": properties }));
    assert_eq!(rest.room("a room/1").await.expect("there"), made);
    let longer = RoomProperties { exp: Some(4_000_000_001), ..RoomProperties::default() };
    let changed = rest.update_room("a room/1", &longer).await.expect("changed");
    assert_eq!((changed.config.exp, changed.config.eject_at_room_exp), (Some(4_000_000_001), Some(true)));
    assert_eq!(rest.delete_room("a room/1").await, Ok(true));
    assert_eq!(rest.delete_room("a room/1").await, Ok(false), "it is gone already");
    let asked = fake.books().asked.clone();
    assert!(asked.contains(&"DELETE /rooms/a%20room%2F1".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn daily_tokens_presence_messages_recordings_and_webhooks() {
    let hall = Hall::default();
    let fake = FakeRest::start(&hall).await;
    let rest = client(&fake, KEY);
    let token = Token {
        room_name: "r".into(),
        exp: 4_000_000_000,
        nbf: None,
        is_owner: false,
        user_name: "Ada".into(),
        user_id: "user-1".into(),
        eject_at_token_exp: true,
        start_video_off: false,
        start_audio_off: false,
    };
    let made = rest.token(&token).await.expect("made");
    let claims = super::fake::claims(&made).expect("a token");
    assert_eq!((&claims["r"], &claims["ud"], &claims["o"]), (&json!("r"), &json!("user-1"), &json!(false)));
    let signed = rest.sign_token(&token, "domain-id", 1).expect("signed");
    let own = super::fake::claims(&signed).expect("a token");
    for claim in ["r", "d", "u", "ud", "exp", "ejt"] {
        assert_eq!(own[claim], claims[claim], "{claim}: as Daily's own");
    }

    let guest = super::fake::Guest::join_silently(&hall, "r", "Ada", Some("user-1"));
    let there = rest.presence("r").await.expect("presence");
    assert_eq!(
        (there.len(), there[0].id.as_str(), there[0].user_id.as_deref()),
        (1, guest.id.as_str(), Some("user-1"))
    );
    let ids = [guest.id.clone(), "nobody".to_owned()];
    assert_eq!(rest.eject("r", &ids, &[], false).await.expect("ejected"), std::slice::from_ref(&guest.id));
    rest.send_message("r", &json!({ "a": 1 }), "*").await.expect("sent");
    assert_eq!(fake.books().bodies.last(), Some(&json!({ "data": { "a": 1 }, "recipient": "*" })));
    let long = json!("x".repeat(5_000));
    assert!(matches!(rest.send_message("r", &long, "*").await, Err(RestError::Unusable { .. })));

    let one = |n: u32| json!({ "id": format!("rec-{n}"), "room_name": "r", "status": "finished", "duration": n });
    fake.books().recordings = (0..150).map(one).collect();
    let recordings = rest.recordings("r").await.expect("two pages");
    assert_eq!((recordings.len(), recordings[149].id.as_str()), (150, "rec-149"));
    assert_eq!(rest.recording("rec-3").await.expect("there").duration, Some(3.0));
    assert!(rest.recording_link("rec-3", 60).await.expect("a link").download_link.ends_with("rec-3.mp4"));
    assert_eq!(rest.delete_recording("rec-3").await, Ok(true));
    // An answer without an end, and without a stated length, is not read to the memory's end.
    let endless = tokio::time::timeout(Duration::from_secs(9), rest.recording(ENDLESS)).await.expect("it is given up");
    assert!(matches!(endless, Err(RestError::Unreadable { .. })), "{endless:?}");
    rest.start_recording("r").await.expect("started");
    rest.stop_recording("r").await.expect("stopped");

    let wish =
        WebhookWish { url: "https://here/daily".into(), event_types: vec!["participant.left".into()], hmac: None };
    let hook = rest.create_webhook(&wish).await.expect("made");
    assert_eq!(
        (hook.uuid.as_str(), hook.hmac.as_deref(), hook.state.as_deref()),
        ("hook-1", Some("a2V5"), Some("ACTIVE"))
    );
    assert!(!format!("{hook:?}").contains("a2V5"), "the key of its signatures is not shown");
    fake.books().webhooks[0]["state"] = json!("FAILED");
    assert_eq!(rest.webhooks().await.expect("listed")[0].state.as_deref(), Some("FAILED"));
    assert_eq!(rest.update_webhook("hook-1", &wish).await.expect("changed").state.as_deref(), Some("ACTIVE"));
    assert_eq!((rest.delete_webhook("hook-1").await, rest.delete_webhook("hook-1").await), (Ok(true), Ok(false)));
}

#[tokio::test]
async fn daily_refusals_have_their_codes_and_what_may_pass_is_tried_again() {
    let fake = FakeRest::start(&Hall::default()).await;
    let stranger = client(&fake, "another-key");
    let error = stranger.domain().await.expect_err("a stranger");
    assert_eq!(error.code(), Some(ErrorCode::Authentication));
    assert_eq!(fake.books().asked.len(), 1, "that is not tried again");
    assert!(!format!("{stranger:?} {error:?} {error}").contains("another-key"));

    let rest = client(&fake, KEY);
    assert_eq!(rest.room("nowhere").await.expect_err("none").code(), Some(ErrorCode::NotFound));
    for (status, code, expected) in [
        (403, "forbidden-error", ErrorCode::Forbidden),
        (400, "json-parsing-error", ErrorCode::JsonParsing),
        (400, "invalid-request-error", ErrorCode::InvalidRequest),
        (418, "something-new", ErrorCode::Other),
    ] {
        fake.books().refusals.push_back((status, code, None));
        assert_eq!(rest.domain().await.expect_err("refused").code(), Some(expected));
    }
    fake.books().asked.clear();
    fake.books().refusals.extend([(429, "rate-limit-error", Some(0)), (500, "server-error", None), (503, "", None)]);
    rest.domain().await.expect("at last");
    assert_eq!(fake.books().asked.len(), 4);
    fake.books().refusals.extend([(429, "rate-limit-error", Some(0)); 4]);
    assert_eq!(rest.domain().await.expect_err("too often").code(), Some(ErrorCode::RateLimit));

    // The room is made, the answer is lost on its way: the second attempt finds it.
    fake.books().loses_answer = true;
    let made = rest.create_room(&new_room("lost")).await.expect("it is taken as it is");
    assert_eq!((made.name.as_str(), fake.books().rooms.len()), ("lost", 1));
}

#[tokio::test]
async fn daily_that_is_not_there_is_told_without_the_key() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rest = Rest::new("http://127.0.0.1:9", KEY, Duration::from_secs(2)).expect("a client");
    let error = rest.domain().await.expect_err("nobody is there");
    assert!(matches!(error, RestError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains(KEY));
    assert!(Rest::new("http://127.0.0.1:9", "a\nb", Duration::from_secs(2)).is_err(), "no such key");
}

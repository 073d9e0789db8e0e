//! A recording in Daily's cloud, by the whole server: told of by a webhook, kept with its interview, handed out, and deleted
//! at Daily when its interview is erased.

use super::house::{House, room_of};
use super::stage::comes;
use super::webhook::{HMAC, signature};
use crate::support::person::Interview;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daily_recording_is_kept_with_its_interview_and_goes_with_it() {
    let Some(_alone) = crate::whole::alone().await else { return };
    let house = House::build(&[("VIVAVOCE_ROOM__DAILY__WEBHOOK_HMAC", HMAC)]).await;
    let server = house.server().await;
    let interview = Interview::make_in(&server.url(), 1, "daily").await;
    let room = room_of(&interview);
    let recording = |id: &str| json!({ "id": id, "room_name": room, "status": "finished", "duration": 61 });
    house.rest.books().recordings = vec![recording("rec-1"), recording("rec-2")];
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let tell_of = async |event: &str, recording: &str, room: &str| {
        let body = json!({ "version": "1.0.0", "type": "recording.ready-to-download", "id": event, "event_ts": 1.0,
            "payload": { "type": "cloud", "recording_id": recording, "room_name": room, "duration": 61,
                "status": "finished", "start_ts": 1, "max_participants": 2, "s3_key": "key", "tracks": [] } });
        let (body, now) = (body.to_string(), chrono::Utc::now().timestamp().to_string());
        let request = http.post(format!("{}/api/v1/daily/webhook", server.url())).header("x-webhook-timestamp", &now);
        let request = request.header("x-webhook-signature", signature(&now, &body)).body(body);
        request.send().await.expect("answered").status().as_u16()
    };
    let tell = async |event: &str, recording: &str| tell_of(event, recording, &room).await;
    assert_eq!((tell("e1", "rec-1").await, tell("e1", "rec-1").await, tell("e2", "rec-1").await), (200, 200, 200));
    let listed = interview.get("/daily/recordings").await;
    let listed = listed["recordings"].as_array().expect("a list");
    assert_eq!(listed.len(), 1, "told three times: {listed:?}");
    assert_eq!((&listed[0]["id"], &listed[0]["seconds"]), (&json!("rec-1"), &json!(61.0)));
    let link = interview.get("/daily/recordings/rec-1").await;
    assert!(link["download_url"].as_str().is_some_and(|url| url.ends_with("rec-1.mp4")), "{link}");

    let url = format!("{}/api/v1/interviews/{}", server.url(), interview.id);
    let of_another = http.get(format!("{url}/daily/recordings/rec-2")).send().await.expect("answered");
    assert_eq!(of_another.status(), 404, "one that nobody told of is not handed out");
    let kept: Value = server.json(&format!("/api/v1/interviews/{}/export", interview.id)).await;
    assert!(kept.to_string().contains("rec-1"), "{kept}");

    let erased = http.delete(&url).send().await.expect("answered");
    assert_eq!(erased.status(), 204);
    let is_there = |id: &str| house.rest.books().recordings.iter().any(|one| one["id"] == id);
    comes("it is deleted at Daily", || !is_there("rec-1")).await;
    assert!(is_there("rec-2"));
    // What becomes ready only after its interview was erased goes as well.
    assert_eq!(tell("e3", "rec-2").await, 200);
    comes("the other is deleted at Daily", || !is_there("rec-2")).await;
    // One of a room that another server has made in the same domain is none of ours.
    let elsewhere = "vivavoce-0197c7f0-0000-7000-8000-000000000001";
    house.rest.books().recordings.push(json!({ "id": "rec-3", "room_name": elsewhere, "status": "finished" }));
    assert_eq!(tell_of("e4", "rec-3", elsewhere).await, 200);
    comes("it is left alone", || server.told("was_ours=false") == 1).await;
    assert!(is_there("rec-3"));
    server.stop().await;
}

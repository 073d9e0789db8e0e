//! An interview in a Daily room whose server dies, or whose maker hangs up: the interviewer goes back into the room, at the
//! same question; no room is left behind; and a worker knows no key.

use super::fake::rest::{FakeRest, KEY};
use super::house::{House, begins, found, room_of};
use super::network::alone;
use super::stage::{LOOK, LOOKS, comes};
use super::worker::left;
use crate::support::person::Interview;
use crate::support::server::Server;
use std::time::Duration;

/// How long Daily takes to make a room where somebody does not wait for it, ms.
const SLOW_MS: u64 = 1_000;

/// Which question is in hand, once there is one.
async fn question(interview: &Interview) -> String {
    let look = async || interview.get("").await["question"]["id"].as_str().map(str::to_owned);
    found("a question is asked", look).await
}

/// Daily makes the room, and then does not answer what a token needs: nothing is left of the interview.
async fn whoever_gets_no_way_in_leaves_no_room(server: &Server, rest: &FakeRest) {
    rest.books().has_no_domain = true;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let wish = serde_json::json!({ "category": "backend", "level": "middle", "room": "daily" });
    let made = http.post(format!("{}/api/v1/interviews", server.url())).json(&wish).send().await.expect("answered");
    assert_eq!(made.status(), 503);
    rest.books().has_no_domain = false;
    assert!(rest.books().asked.contains(&"POST /rooms".to_owned()), "there was a room");
    comes("the room is deleted", || rest.books().rooms.is_empty()).await;
    let listed = server.json("/api/v1/interviews").await;
    let states: Vec<&str> =
        listed["interviews"].as_array().expect("a list").iter().filter_map(|one| one["status"].as_str()).collect();
    assert_eq!(states, ["cancelled"]);
}

/// Whoever wants an interview hangs up while its room is being made: it is made to the end all the same.
async fn whoever_hangs_up_leaves_no_room(server: &Server, rest: &FakeRest) {
    rest.books().slow_ms = SLOW_MS;
    let (brief, url) = (Duration::from_millis(SLOW_MS / 2), server.url());
    let asked = tokio::time::timeout(brief, Interview::make_in(&url, 1, "daily")).await;
    assert!(asked.is_err(), "it was made sooner than its room");
    rest.books().slow_ms = 0;
    for _ in 0..LOOKS {
        let rooms: Vec<String> = rest.books().rooms.keys().cloned().collect();
        let listed = server.json("/api/v1/interviews").await;
        let ids: Vec<&str> =
            listed["interviews"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
        if !rooms.is_empty() && rooms.iter().all(|room| ids.iter().any(|id| room.ends_with(id))) {
            rest.books().rooms.clear();
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("a room is left that belongs to no interview");
}

#[test]
fn daily_interview_goes_on_after_its_server_has_died_and_leaves_no_room() {
    alone(|| async {
        let Some(_alone) = crate::whole::alone().await else { return };
        let house = House::build(&[]).await;
        let (fake, rest) = (&house.fake, &house.rest);
        let server = house.server().await;
        whoever_gets_no_way_in_leaves_no_room(&server, rest).await;
        whoever_hangs_up_leaves_no_room(&server, rest).await;

        let interview = Interview::make_in(&server.url(), 1, "daily").await;
        let room = room_of(&interview);
        let _guest = house.candidate(&interview).await;
        begins(&interview).await;
        let asked = question(&interview).await;
        let workers = left(fake);
        assert_eq!(workers.len(), 1);
        let environment = std::fs::read(format!("/proc/{}/environ", workers[0])).expect("it runs");
        assert!(!String::from_utf8_lossy(&environment).contains(KEY), "the worker has the key in its environment");

        let address = server.address.clone();
        let home = server.kill();
        comes("the worker goes with its server", || left(fake).is_empty()).await;
        let server = house.server_again(home, &address).await;
        house.interviewer_comes(&room).await;
        assert_eq!(question(&interview).await, asked, "at the same question");

        // Ended while nobody holds it: the record alone closes it, and its room goes too.
        let home = server.kill();
        comes("the worker goes with its server", || left(fake).is_empty()).await;
        let server = house.server_again(home, &address).await;
        found("it may be ended", async || (interview.ask_to_end().await == Some(202)).then_some(())).await;
        comes("the room is deleted", || rest.books().rooms.is_empty()).await;
        assert!(!interview.get("").await["end_time"].is_null());
        server.stop().await;
    });
}

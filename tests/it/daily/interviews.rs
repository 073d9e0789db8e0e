//! Many interviews by the real server, whose workers die at random: none of them leaves a room, a worker or a file behind.

use super::fake::rest::{FakeRest, KEY};
use super::fake::{FakeDaily, Guest, claims};
use super::many::{calls, kill, open_files_of};
use super::network::alone;
use super::worker::left;
use crate::support::person::Interview;
use crate::support::server::Server;
use std::time::Duration;

/// Looks, 100 ms apart, for what comes soon.
const LOOKS: usize = 300;

pub async fn comes(what: &str, is: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: never");
}

pub async fn begins(interview: &Interview) {
    for _ in 0..LOOKS {
        if !interview.get("").await["start_time"].is_null() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the interview begins: never");
}

#[test]
fn daily_many_interviews_with_random_kills_leave_nothing_behind() {
    alone(|| async {
        let Some(_alone) = crate::whole::alone().await else { return };
        let fake = FakeDaily::start().await;
        let rest = FakeRest::start(&fake.hall).await;
        let authority = fake.authority.display().to_string();
        let settings = [
            ("VIVAVOCE_ROOM__DAILY__API_KEY", KEY),
            ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.as_str()),
            ("VIVAVOCE_ROOM__DAILY__PROXY_URL", fake.proxy_url.as_str()),
            ("VIVAVOCE_ROOM__DAILY__RECONNECT_S", "3"),
            ("SSL_CERT_FILE", authority.as_str()),
        ];
        let server = Server::start(&settings).await;
        let (calls, mut killed, mut files) = (calls(), 0, 0);
        for call in 0..calls {
            let interview = Interview::make_in(&server.url(), 1, "daily").await;
            let room = format!("vivavoce-{}", interview.id);
            assert!(rest.books().rooms.contains_key(&room), "the room is made with the interview");
            let token = claims(&interview.go_to_daily().await).expect("claims");
            let guest = Guest::join(&fake.hall, &room, "Candidate", token["ud"].as_str());
            if rand::random_range(0..3) == 0 {
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..900))).await;
                killed += kill(&fake);
            }
            comes("the interviewer is in the room", || !fake.hall.clients_in(&room).is_empty()).await;
            if rand::random_range(0..3) == 0 {
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..400))).await;
                killed += kill(&fake);
            }
            if rand::random_range(0..3) == 0 {
                begins(&interview).await;
                // Who stays away ends it.
                drop(guest);
            } else {
                interview.end().await;
            }
            comes("the interview is over", || rest.books().rooms.is_empty()).await;
            comes("the worker is gone", || left(&fake).is_empty()).await;
            println!("interview {call}: over");
            if call == 0 {
                files = open_files_of(server.pid());
            }
        }
        let more = open_files_of(server.pid()).saturating_sub(files);
        println!("{calls} interviews, {killed} workers killed, {more} more files open than after the first");
        assert!(more <= 8, "{more} files are left open after {calls} interviews");
        server.stop().await;
    });
}

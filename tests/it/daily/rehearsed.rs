//! A whole interview in a Daily room: the real server, the real native client, and the program's own candidate as a guest
//! of the fake's room. The same rehearsal that the browser's room passes.

use super::bridge::Bridge;
use super::fake::rest::{FakeRest, KEY};
use super::fake::{FakeDaily, Guest};
use super::network::alone;
use crate::support::person::spoken;
use crate::support::server::{Rehearsal, Server};
use std::time::Duration;

const REMARK: &str = "Excuse me, we will need the room with the red chairs afterwards.";

#[test]
fn daily_rehearsed_interview_leaves_a_whole_record() {
    alone(|| async {
        let Some(_alone) = crate::whole::alone().await else { return };
        let fake = FakeDaily::start().await;
        let rest = FakeRest::start(&fake.hall).await;
        let authority = fake.authority.display().to_string();
        let settings = [
            ("VIVAVOCE_ROOM__DAILY__API_KEY", KEY),
            ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.as_str()),
            ("VIVAVOCE_ROOM__DAILY__PROXY_URL", fake.proxy_url.as_str()),
            ("VIVAVOCE_ROOM__DAILY__OBSERVERS", "transcribe"),
            ("SSL_CERT_FILE", authority.as_str()),
        ];
        let remark = spoken(REMARK).await;
        let server = Server::start(&settings).await;
        let bridge = Bridge::start(&server.url(), &fake.hall).await;
        let rehearsal = Rehearsal::start_at(&server, &bridge.url, &["--questions", "2"]);
        // A recruiter listens, and says a word in between.
        let room = loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let named = rest.books().rooms.keys().next().cloned();
            if let Some(room) = named.filter(|room| !fake.hall.clients_in(room).is_empty()) {
                break room;
            }
        };
        let recruiter = Guest::join(&fake.hall, &room, "Recruiter", Some("recruiter-9"));
        tokio::time::sleep(Duration::from_secs(3)).await;
        recruiter.say(remark);
        let result = rehearsal.went_well().await;
        println!("{result}");
        assert!(result["turns"].as_u64().is_some_and(|turns| turns >= 2), "{result}");
        let report_url = result["report_url"].as_str().expect("an address");
        let id = report_url.rsplit('/').next().expect("an id");
        let interview = server.json(&format!("/api/v1/interviews/{id}")).await;
        assert_eq!((&interview["status"], &interview["room"]), (&"completed".into(), &"daily".into()));
        assert!(interview["daily_room_url"].as_str().is_some_and(|url| url.ends_with(id)), "{interview}");
        let transcript = server.json(&format!("/api/v1/interviews/{id}/transcript")).await;
        let of = |role: &str| -> String {
            let lines = transcript["transcript"].as_array().expect("lines").iter().filter(|line| line["role"] == role);
            lines.map(|line| line["content"].as_str().expect("text").to_lowercase()).collect::<Vec<_>>().join(" ")
        };
        assert!(of("observer").contains("chairs"), "the recruiter was heard: {:?}", of("observer"));
        assert!(!of("candidate").contains("chairs"), "and not as the candidate");
        for _ in 0..100 {
            if rest.books().rooms.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(rest.books().rooms.is_empty(), "the room is deleted when the interview is over");
        assert!(fake.hall.clients_in(&format!("vivavoce-{id}")).is_empty(), "the interviewer has left");
        server.stop().await;
    });
}

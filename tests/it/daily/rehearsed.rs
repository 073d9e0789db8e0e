//! A whole interview in a Daily room: the real server, the real native client, and the program's own candidate as a guest
//! of the fake's room. The same rehearsal that the browser's room passes.

use super::bridge::Bridge;
use super::fake::FakeDaily;
use super::fake::rest::{FakeRest, KEY};
use super::network::alone;
use crate::support::server::{Rehearsal, Server};

#[test]
fn daily_rehearsed_interview_leaves_a_whole_record() {
    if ["onnxruntime", "silero-vad", "moonshine-encoder", "kokoro", "piper"]
        .iter()
        .any(|name| crate::models::support::file(name).is_none())
    {
        return;
    }
    alone(|| async {
        let fake = FakeDaily::start().await;
        let rest = FakeRest::start(&fake.hall).await;
        let authority = fake.authority.display().to_string();
        let settings = [
            ("VIVAVOCE_ROOM__DAILY__API_KEY", KEY),
            ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.as_str()),
            ("VIVAVOCE_ROOM__DAILY__PROXY_URL", fake.proxy_url.as_str()),
            ("SSL_CERT_FILE", authority.as_str()),
        ];
        let server = Server::start(&settings).await;
        let bridge = Bridge::start(&server.url(), &fake.hall).await;
        let result = Rehearsal::start_at(&server, &bridge.url, &["--questions", "2"]).went_well().await;
        println!("{result}");
        assert!(result["turns"].as_u64().is_some_and(|turns| turns >= 2), "{result}");
        let report_url = result["report_url"].as_str().expect("an address");
        let id = report_url.rsplit('/').next().expect("an id");
        let interview = server.json(&format!("/api/v1/interviews/{id}")).await;
        assert_eq!((&interview["status"], &interview["room"]), (&"completed".into(), &"daily".into()));
        assert!(interview["daily_room_url"].as_str().is_some_and(|url| url.ends_with(id)), "{interview}");
        for _ in 0..100 {
            if rest.books().rooms.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(rest.books().rooms.is_empty(), "the room is deleted when the interview is over");
        assert!(fake.hall.clients_in(&format!("vivavoce-{id}")).is_empty(), "the interviewer has left");
        server.stop().await;
    });
}

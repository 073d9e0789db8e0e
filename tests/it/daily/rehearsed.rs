//! A whole interview in a Daily room: the real server, the real native client, and the program's own candidate as a guest
//! of the fake's room. The same rehearsal that the browser's room passes.

use super::bridge::Bridge;
use super::fake::Guest;
use super::house::{House, found};
use super::network::alone;
use super::stage::comes;
use crate::support::person::spoken;
use crate::support::server::Rehearsal;
use std::time::Duration;

const REMARK: &str = "Excuse me, we will need the room with the red chairs afterwards.";

#[test]
fn daily_rehearsed_interview_leaves_a_whole_record() {
    alone(|| async {
        let Some(_alone) = crate::whole::alone().await else { return };
        let house = House::build(&[("VIVAVOCE_ROOM__DAILY__OBSERVERS", "transcribe")]).await;
        let (fake, rest) = (&house.fake, &house.rest);
        let remark = spoken(REMARK).await;
        let server = house.server().await;
        let bridge = Bridge::start(&server.url(), &fake.hall).await;
        let rehearsal = Rehearsal::start_at(&server, &bridge.url, &["--questions", "2"]);
        // A recruiter listens, and says a word in between.
        let room = found("the interviewer is in a room", async || {
            let named = rest.books().rooms.keys().next().cloned();
            named.filter(|room| !fake.hall.clients_in(room).is_empty())
        })
        .await;
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
        comes("the room is deleted when the interview is over", || rest.books().rooms.is_empty()).await;
        assert!(fake.hall.clients_in(&format!("vivavoce-{id}")).is_empty(), "the interviewer has left");
        server.stop().await;
    });
}

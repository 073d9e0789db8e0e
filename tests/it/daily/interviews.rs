//! Many interviews by the real server, whose workers die at random: none of them leaves a room, a worker, a session or an
//! open file behind.

use super::house::{House, begins, found, room_of};
use super::many::{Died, calls, files_of, kill, zombies_of};
use super::network::alone;
use super::stage::comes;
use super::worker::left;
use crate::support::person::Interview;
use crate::support::server::Server;

/// Files that a server may have opened since its first interview: connections to its database, which it opens as it needs
/// them.
const MORE_FILES_MAX: usize = 8;

/// How many sessions the server holds.
async fn sessions(server: &Server) -> f64 {
    let text = String::from_utf8(server.get("/metrics").await).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix("vivavoce_sessions ")).expect("a gauge of them");
    value.trim().parse().expect("a number")
}

/// One interview from its room to its end; how many of its workers were killed.
async fn held(house: &House, server: &Server, number: u32) -> usize {
    let interview = Interview::make_in(&server.url(), 1, "daily").await;
    let room = room_of(&interview);
    assert!(house.rest.books().rooms.contains_key(&room), "the room is made with the interview");
    let guest = house.candidate(&interview).await;
    let died = Died::of(number);
    let mut killed = 0;
    if died.on_the_way() {
        killed += kill(&house.fake, 900).await;
    }
    house.interviewer_comes(&room).await;
    if died.in_the_call() {
        killed += kill(&house.fake, 400).await;
    }
    if rand::random_range(0..3) == 0 {
        begins(&interview).await;
        // Who stays away ends it.
        drop(guest);
    } else {
        interview.end().await;
    }
    if died.at_the_end() {
        killed += kill(&house.fake, 400).await;
    }
    comes("the interview is over, and its room deleted", || house.rest.books().rooms.is_empty()).await;
    comes("the worker is gone", || left(&house.fake).is_empty() && zombies_of(server.pid()).is_empty()).await;
    comes("nobody of ours is in the room", || house.fake.hall.clients_in(&room).is_empty()).await;
    println!("interview {number}: over ({died:?}, {killed} killed)");
    killed
}

#[test]
fn daily_many_interviews_with_random_kills_leave_nothing_behind() {
    alone(|| async {
        let Some(_alone) = crate::whole::alone().await else { return };
        let house = House::build(&[("VIVAVOCE_ROOM__DAILY__RECONNECT_S", "3")]).await;
        let server = house.server().await;
        let (calls, mut killed) = (calls(), 0);
        let (mut files, mut handles) = (0, 0);
        for number in 0..calls {
            killed += held(&house, &server, number).await;
            if number == 0 {
                (files, handles) = (files_of(server.pid(), ""), files_of(server.pid(), "pidfd"));
            }
        }
        assert!(killed > 0, "nobody was killed: this shows nothing");
        comes("no process is held any more", || files_of(server.pid(), "pidfd") <= handles).await;
        comes("what was open for the calls is closed", || files_of(server.pid(), "") <= files + MORE_FILES_MAX).await;
        found("every session is over", async || (sessions(&server).await == 0.0).then_some(())).await;
        let more = files_of(server.pid(), "").saturating_sub(files);
        println!("{calls} interviews, {killed} workers killed, {more} more files open than after the first");
        server.stop().await;
    });
}

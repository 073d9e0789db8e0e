//! The native client joins, is heard and hears: tones both ways, each of its height.

use super::fake::{FakeDaily, Guest};
use super::network::alone;
use super::sounds::{is_tone, tone};
use super::worker::Worker;
use serde_json::json;
use std::time::{Duration, Instant};
use vivavoce::audio::frame::{EAR_RATE_HZ, VOICE_RATE_HZ};
use vivavoce::room::daily::wire::{Ask, Tell};

#[test]
fn daily_tones_pass_both_ways_at_their_height() {
    alone(|| async {
        let fake = FakeDaily::start().await;
        let mut guest = Guest::join(&fake.hall, "tones", "Candidate", Some("candidate-1"));
        let mut worker = Worker::start(&fake).await;
        let asked = Instant::now();
        worker.join(&fake, "tones");
        let own =
            worker.until("it is in", |tell| if let Tell::Joined { id } = tell { Some(id.clone()) } else { None }).await;
        println!("joined as {own} after {} ms", asked.elapsed().as_millis());
        let person = worker
            .until(
                "the guest is seen",
                |tell| if let Tell::Present(person) = tell { Some(person.clone()) } else { None },
            )
            .await;
        assert_eq!((person.user_id.as_deref(), person.name.as_str()), (Some("candidate-1"), "Candidate"));
        worker.ask(Ask::Hear { participant: person.id, tag: 7 });
        guest.say(tone(440.0, 4_000, 24_000));
        let voice = tone(660.0, 3_000, VOICE_RATE_HZ);
        let (heard, (said, _)) = tokio::join!(worker.say(&voice), guest.listen(Duration::from_secs(3)));
        let said: Vec<i16> = said.into_iter().flat_map(|(_, pcm)| pcm).collect();
        let middle = &said[said.len() / 3..said.len() * 2 / 3];
        assert!(is_tone(middle, 660.0, 24_000), "what the guest heard");
        assert!(heard.iter().all(|(tag, _)| *tag == 7));
        let heard: Vec<i16> = heard.into_iter().flat_map(|(_, pcm)| pcm).collect();
        let middle = &heard[heard.len() / 3..heard.len() * 2 / 3];
        assert!(is_tone(middle, 440.0, EAR_RATE_HZ), "what the worker heard");

        worker.ask(Ask::Send { message: json!({ "label": "rtvi-ai", "type": "bot-ready" }), to: None });
        let (_, messages) = guest.listen(Duration::from_secs(1)).await;
        assert_eq!(messages, [json!({ "label": "rtvi-ai", "type": "bot-ready" })]);
        guest.send(&json!({ "type": "client-ready" }));
        let message = worker
            .until("the guest's message", |tell| {
                if let Tell::Message { message, .. } = tell { Some(message.clone()) } else { None }
            })
            .await;
        assert_eq!(message, json!({ "type": "client-ready" }));
        worker.ask(Ask::Leave);
        worker.until("it has left", |tell| matches!(tell, Tell::Over { said: None }).then_some(())).await;
    });
}

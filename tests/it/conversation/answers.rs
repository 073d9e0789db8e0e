//! Spoken turns: from the greeting to the goodbye, late words, false cut-offs, interruptions.

use super::parts::{HALF, WHOLE, asks, probes};
use super::stage::{Scene, Talk};
use expect_test::expect;
use vivavoce::interview::{EndReason, QuestionOutcome};
use vivavoce::session::event::SessionEvent;

#[tokio::test(start_paused = true)]
async fn from_the_greeting_to_the_goodbye_every_answer_is_durable_before_its_reply() {
    let mut talk = Scene { saving_ms: 300, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.answers(&asks("queues"), HALF).await;
    talk.answers(&probes("queues"), "Then a mutex decides.").await;
    talk.answers(&asks("caches"), WHOLE).await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed));
    expect![[r#"
        I -: Hello, and welcome.
        I -: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
        I locks: What do you know of locks, and what would you tell a new colleague?
        C locks: It rests on a ledger and on a mutex.
        I locks: Thank you. Let us go on.
        I queues: What do you know of queues, and what would you tell a new colleague?
        C queues: We always keep a ledger.
        I queues: All right.
        I queues: What if two people do queues at once?
        C queues: Then a mutex decides.
        I queues: Thank you. This is the last question.
        I caches: What do you know of caches, and what would you tell a new colleague?
        C caches: It rests on a ledger and on a mutex.
        I caches: All right, thank you.
        I caches: That was the last question. Thank you for your time and your answers. Goodbye.
    "#]]
    .assert_eq(&over.transcript());
    let answered = |key: &str| (key.to_owned(), QuestionOutcome::Answered);
    assert_eq!(over.outcomes(), [answered("locks"), answered("queues"), answered("caches")]);
    assert_eq!(over.has("answer_committed"), 4, "{}", over.story());
    assert_eq!(over.has("ended"), 1);
}

/// What was said last before a reply is written down with every stage of it.
#[tokio::test(start_paused = true)]
async fn a_reply_waits_for_the_log_and_tells_its_stages() {
    let mut talk = Scene { saving_ms: 700, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    let begins = talk.begins("").await;
    talk.leaves();
    let over = talk.over().await;
    let durable = over.answer_durable_ms(0);
    assert!(begins >= durable, "{begins} before {durable}\n{}", over.story());
    let row = over.kept.rows.values().map(|(row, _)| row).find(|row| row.turn.is_some() && row.planned.is_some());
    let stages = &row.expect("the reply has a row").stages["reply"];
    let ms = |stage: &str| stages[stage].as_u64().unwrap_or_else(|| panic!("no {stage} in {stages}"));
    assert!(ms("decision_ms") < ms("committed_ms"), "{stages}");
    assert!(
        ms("committed_ms") >= ms("decision_ms") + 700 && ms("first_sample_sent_ms") >= ms("committed_ms"),
        "{stages}"
    );
}

#[tokio::test(start_paused = true)]
async fn words_that_come_late_go_to_their_own_turn() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.ears.take_ms(20_000);
    talk.says("The first words are late.", 2_000).await;
    talk.begins("I am sorry, I did not catch that.").await;
    talk.ears.take_ms(250);
    talk.hears("I am sorry, I did not catch that.").await;
    talk.says(WHOLE, 2_000).await;
    talk.hears(&asks("queues")).await;
    talk.sees("caption The first words are late.").await;
    talk.leaves();
    let over = talk.over().await;
    let answers = over.answers();
    assert_eq!(answers[0].text, "", "{}", over.story());
    assert!(answers[0].utterances.iter().all(|utterance| utterance.damaged), "{}", over.story());
    assert_eq!(answers[1].text, WHOLE);
    // The answer is written again with its words, in the same row, and nobody replies to it.
    assert_eq!((answers[2].turn, answers[2].text.as_str()), (answers[0].turn, "The first words are late."));
    assert!(over.transcript().contains("C locks: The first words are late."), "{}", over.transcript());
    assert_eq!(over.noted("begins I am sorry").len(), 1, "{}", over.story());
    let late = |event| if let SessionEvent::UtteranceTranscribed(heard) = event { Some(heard) } else { None };
    let late = over.events().filter_map(late).find(|heard| heard.text.starts_with("The first"));
    assert_eq!(late.and_then(|late| late.turn), Some(answers[0].turn));
}

#[tokio::test(start_paused = true)]
async fn a_turn_waits_for_its_words_and_no_longer_than_its_limit() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.ears.take_ms(3_000);
    talk.says(WHOLE, 2_000).await;
    talk.hears(&asks("queues")).await;
    talk.ears.take_ms(60_000);
    talk.waits(500).await;
    talk.says(WHOLE, 2_000).await;
    let stopped = talk.begins("I am sorry, I did not catch that.").await;
    talk.leaves();
    let over = talk.over().await;
    let answers = over.answers();
    assert_eq!((answers[0].text.as_str(), answers[0].utterances[0].damaged), (WHOLE, false));
    let end_ms = answers[1].utterances.iter().map(|utterance| utterance.end_ms).max().expect("it was heard");
    // The floor's wait for the words and the record's are one.
    assert!((4_000..=4_600).contains(&(stopped - end_ms)), "{} ms\n{}", stopped - end_ms, over.story());
}

/// A pause that looked like the end, and the candidate goes on as the reply begins.
async fn cut_off() -> Talk {
    let mut talk = Scene::default().opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.answers(&asks("queues"), HALF).await;
    talk.begins("").await;
    talk.waits(300).await;
    talk.says("And then a mutex guards all of it.", 2_000).await;
    talk
}

#[tokio::test(start_paused = true)]
async fn a_false_cut_off_is_taken_back_without_trace() {
    let mut talk = cut_off().await;
    talk.hears(&asks("caches")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.has("false_cutoff_recovered"), 1, "{}", over.story());
    let answers = over.answers();
    assert_eq!(answers.len(), 3, "{}", over.story());
    assert_eq!((answers[1].turn, answers[1].text.as_str()), (answers[2].turn, HALF));
    let joined = format!("{HALF} And then a mutex guards all of it.");
    assert_eq!(answers[2].text, joined);
    let turn = i64::try_from(answers[2].turn.0).expect("few turns");
    let rows: Vec<_> =
        over.kept.rows.values().filter(|(row, _)| row.turn == Some(turn) && row.planned.is_none()).collect();
    assert_eq!(rows.len(), 1, "{}", over.story());
    assert_eq!((rows[0].0.content.as_str(), rows[0].1), (joined.as_str(), 2));
    expect![[r#"
        I -: Hello, and welcome.
        I -: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
        I locks: What do you know of locks, and what would you tell a new colleague?
        C locks: It rests on a ledger and on a mutex.
        I locks: Thank you. Let us go on.
        I queues: What do you know of queues, and what would you tell a new colleague?
        C queues: We always keep a ledger. And then a mutex guards all of it.
        I queues: All right.
        I queues: Thank you. This is the last question.
        I caches: What do you know of caches, and what would you tell a new colleague?
    "#]]
    .assert_eq(&over.transcript());
}

#[tokio::test(start_paused = true)]
async fn words_stop_the_interviewer_and_the_record_has_what_was_heard() {
    let mut talk = Scene::default().opens();
    talk.begins(&asks("locks")).await;
    talk.waits(1_000).await;
    talk.says("We always keep a ledger for that, of course.", 2_400).await;
    talk.hears(&probes("locks")).await;
    talk.leaves();
    let over = talk.over().await;
    expect![[r#"
        I -: Hello, and welcome.
        I -: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
        I locks: What do you know of [cut]
        C locks: We always keep a ledger for that, of course.
        I locks: I see.
        I locks: What if two people do locks at once?
    "#]]
    .assert_eq(&over.transcript());
    assert_eq!(over.has("speech_held"), 1, "{}", over.story());
    assert_eq!((over.noted("interrupted").len(), over.noted("stop #").len()), (1, 1), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn a_backchannel_holds_the_interviewer_for_a_moment_only() {
    let mut talk = Scene::default().opens();
    talk.begins(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("Mm-hmm.", 500).await;
    talk.answers(&asks("locks"), WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!((over.has("speech_held"), over.has("speech_resumed"), over.has("aside")), (1, 1, 1), "{}", over.story());
    assert!(over.noted("interrupted").is_empty());
    expect![[r#"
        I -: Hello, and welcome.
        I -: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
        I locks: What do you know of locks, and what would you tell a new colleague?
        C locks: It rests on a ledger and on a mutex.
        I locks: Thank you. Let us go on.
        I queues: What do you know of queues, and what would you tell a new colleague?
    "#]]
    .assert_eq(&over.transcript());
}

/// The interviewer falls silent within a frame of the hold, and after a stop nothing of it is heard any more.
#[tokio::test(start_paused = true)]
async fn an_interruption_is_heard_within_the_least_length_of_speech_and_a_frame() {
    let mut talk = Scene::default().opens();
    talk.begins(&asks("locks")).await;
    talk.waits(1_000).await;
    let started = talk.now_ms();
    talk.says("We always keep a ledger for that, of course.", 2_400).await;
    talk.hears(&probes("locks")).await;
    talk.leaves();
    let over = talk.over().await;
    let held = over.noted("hold #")[0];
    // 180 ms of speech, and the frame in which the microphone hands it over.
    assert!((160..=230).contains(&(held - started)), "{} ms\n{}", held - started, over.story());
    let speech = over.notes.iter().find_map(|note| note.what.strip_prefix("hold #")).expect("it was held").to_owned();
    let after: Vec<u64> = over.noted(&format!("frame #{speech}")).into_iter().filter(|ms| *ms > held).collect();
    assert!(after.len() <= 1, "{after:?} after {held}\n{}", over.story());
}

/// The candidate takes the floor back while the reply has just begun: it is silent as soon as it is known to be speech.
#[tokio::test(start_paused = true)]
async fn a_reply_that_came_too_early_falls_silent_at_once() {
    let mut talk = Scene::default().opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.answers(&asks("queues"), HALF).await;
    talk.begins("").await;
    talk.waits(300).await;
    let started = talk.now_ms();
    talk.says("And then a mutex guards all of it.", 2_000).await;
    talk.hears(&asks("caches")).await;
    talk.leaves();
    let over = talk.over().await;
    let sounding = over.notes.iter().filter(|note| note.what.starts_with("frame #") && note.ms > started);
    let last = sounding.map(|note| note.ms).take_while(|ms| *ms < started + 1_000).last().unwrap_or(started);
    assert!(last - started <= 180 + 200, "{} ms\n{}", last - started, over.story());
    assert_eq!(over.has("false_cutoff_recovered"), 1, "{}", over.story());
}

/// What the client still held when the last frame left, it has played by the time the speech is stopped for good.
#[tokio::test(start_paused = true)]
async fn the_clients_buffer_is_played_while_a_speech_is_held() {
    let mut heard = Vec::new();
    for buffered_ms in [0, 200] {
        let mut talk = Scene::default().opens();
        talk.buffers(buffered_ms);
        talk.begins(&asks("locks")).await;
        talk.waits(1_000).await;
        talk.says("We always keep a ledger for that, of course.", 2_400).await;
        talk.hears(&probes("locks")).await;
        talk.leaves();
        let over = talk.over().await;
        heard.extend(over.transcript().lines().find(|line| line.starts_with("I locks: What do")).map(str::to_owned));
    }
    assert_eq!(heard[0], heard[1]);
}

/// What begins with a cough is the same utterance, and its words are waited for no longer than others.
#[tokio::test(start_paused = true)]
async fn a_cough_before_the_first_word_costs_nothing() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("", 300).await;
    talk.waits(800).await;
    talk.says(WHOLE, 2_000).await;
    let said = talk.now_ms();
    let replied = talk.begins("").await;
    assert!(replied - said < 1_500, "{} ms", replied - said);
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.answers()[0].text, WHOLE, "{}", over.story());
}

/// Whoever speaks into the words that lead on to the next question stops them: a wish is granted, and what belongs to the
/// question before is kept with it, and the next one is asked in full.
#[tokio::test(start_paused = true)]
async fn what_is_said_into_the_words_that_lead_on_is_not_met_with_silence() {
    for said in ["Could you repeat the question, please?", "And that is why we keep it."] {
        let mut talk = Scene::default().opens();
        talk.answers(&asks("locks"), WHOLE).await;
        talk.answers(&asks("queues"), WHOLE).await;
        talk.begins("Thank you. This is the last question.").await;
        talk.waits(1_720).await;
        talk.says(said, 1_800).await;
        let stopped = talk.now_ms();
        let asked = talk.hears(&asks("caches")).await;
        assert!(asked - stopped < 9_000, "{} ms", asked - stopped);
        talk.waits(500).await;
        talk.says(WHOLE, 2_000).await;
        let over = talk.over().await;
        assert!(over.transcript().contains(&format!("C queues: {said}")), "{}", over.story());
        assert_eq!(over.has("silence"), 0, "{}", over.story());
    }
}

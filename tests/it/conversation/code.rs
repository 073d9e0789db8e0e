//! Code questions: written, talked about, handed in, asked about; and what is written is kept.

use super::parts::{WHOLE, asks, probes};
use super::record::Door;
use super::stage::{Scene, Talk};
use vivavoce::interview::QuestionOutcome;
use vivavoce::session::event::SessionEvent;

/// The interview up to the code question.
async fn writing() -> Talk {
    let mut talk = Scene { code: true, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.waits(1_000).await;
    talk
}

#[tokio::test(start_paused = true)]
async fn silence_while_code_is_written_is_work_and_what_is_handed_in_is_asked_about() {
    let mut talk = writing().await;
    for line in ["with ledger:", "with ledger:\n    write()"] {
        talk.writes("queues", line, false);
        talk.waits(20_000).await;
    }
    assert!(!talk.has_seen("begins"), "nobody disturbs who writes");
    talk.writes("queues", "with ledger:\n    write()\n    close()", true);
    talk.answers(&probes("queues"), "Then a mutex decides.").await;
    talk.hears(&asks("caches")).await;
    talk.leaves();
    let over = talk.over().await;
    let versions = |event| {
        let SessionEvent::CodeChanged { version, submitted, content, .. } = event else { return None };
        Some((version, submitted, content.lines().count()))
    };
    assert_eq!(over.events().filter_map(versions).collect::<Vec<_>>(), [(1, false, 1), (2, false, 2), (3, true, 3)]);
    assert_eq!(over.outcomes()[1], ("queues".into(), QuestionOutcome::Answered), "{}", over.story());
    assert_eq!(over.answers()[1].question_key.as_deref(), Some("queues"));
}

/// Who was told that the code is there finds it there, whatever happens next.
#[tokio::test(start_paused = true)]
async fn code_is_answered_when_it_is_durable_and_not_before() {
    let mut talk = writing().await;
    talk.notebook.door(Door::Away);
    talk.writes("queues", "with ledger:", false);
    talk.waits(5_000).await;
    assert!(!talk.has_seen("stored"), "the database is away");
    talk.notebook.door(Door::Open);
    talk.sees("stored code 12").await;
    // The same again is there already; another question's code and what comes too fast is refused.
    talk.writes("queues", "with ledger:", false);
    talk.sees("stored code 12").await;
    talk.writes("locks", "lock()", false);
    talk.sees("refused code 6").await;
    talk.waits(1_000).await;
    talk.writes("queues", "with ledgers:", false);
    talk.writes("queues", "with all ledgers:", false);
    talk.sees("refused code 17").await;
    talk.sees("stored code 13").await;
    talk.leaves();
    talk.over().await;
}

#[tokio::test(start_paused = true)]
async fn who_thinks_aloud_while_writing_is_heard_and_not_hurried() {
    let mut talk = writing().await;
    talk.writes("queues", "with ledger:", false);
    talk.says("First I open the ledger.", 2_000).await;
    talk.waits(15_000).await;
    talk.says("Then I take the mutex.", 2_000).await;
    talk.waits(15_000).await;
    assert!(!talk.has_seen("begins"), "a pause of fifteen seconds is nothing over code");
    talk.writes("queues", "with ledger, mutex:\n    write()", true);
    talk.hears(&asks("caches")).await;
    talk.leaves();
    let over = talk.over().await;
    let said = over.answers().into_iter().find(|answer| answer.question_key.as_deref() == Some("queues"));
    assert_eq!(
        said.map(|answer| answer.text).as_deref(),
        Some("First I open the ledger. Then I take the mutex."),
        "{}",
        over.story()
    );
}

#[tokio::test(start_paused = true)]
async fn code_of_another_question_is_not_kept() {
    let mut talk = writing().await;
    talk.writes("locks", "too late", true);
    talk.sees("info That code belongs to another question").await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.has("code_changed"), 0, "{}", over.story());
}

//! What the interviewer says in its own words: greeting, disclosure, acknowledgements, nudges, closings. Neutral: must
//! never praise, judge, or hint at whether an answer was right.

mod ukrainian;

use super::{EndReason, question::QuestionKind};

/// A line of ours in the interview's language; where it has none in that, and for any other text, as it stands.
#[must_use]
pub fn in_language<'a>(language: &str, line: &'a str) -> &'a str {
    match language {
        "uk" => ukrainian::of(line).unwrap_or(line),
        _ => line,
    }
}

/// Between an answer and a probe.
pub const BEFORE_PROBE: [&str; 5] = ["I see.", "All right.", "Okay.", "Thank you.", "Understood."];
/// Between an answer and the next question.
pub const BEFORE_QUESTION: [&str; 5] = [
    "Thank you. Let us go on.",
    "All right. Here is the next one.",
    "Thanks. The next question.",
    "Okay, thank you. Next.",
    "Thank you. Another question.",
];
pub const BEFORE_LAST: &str = "Thank you. This is the last question.";
pub const BEFORE_GOODBYE: &str = "All right, thank you.";
pub const NUDGES: [&str; 3] = [
    "Take your time. Shall I repeat the question?",
    "There is no hurry. Would you like to hear the question again?",
    "I am still here. Shall I say the question once more?",
];
pub const CODE_NUDGE: &str = "How is it going? You can think aloud, and submit when you are ready.";
pub const OFFER_SKIP: &str = "If you like, we can leave this one and go on. Shall we?";
pub const MOVE_ON: &str = "Let us go on with another one.";
pub const NO_PROBLEM: &str = "No problem. Let us go on.";
pub const TRY: &str = "That is fine. Even a rough idea helps. Would you like to try?";
pub const GO_AHEAD: &str = "Go ahead.";
pub const TAKE_TIME: &str = "Of course. Take your time.";
pub const UNHEARD: &str = "I am sorry, I did not catch that. Could you say it again?";
pub const STOP_THERE: &str = "Thank you. Let me stop you there, so that we have time for the rest.";
pub const CODE_HEARD: &str = "All right. Submit your code, or say that you are done, when you are ready.";
pub const CODE_TIME: &str = "About one minute is left for this task.";
pub const CODE_OVER: &str = "Let us leave the code as it is.";
pub const PAUSED: &str = "We are paused. Press resume when you are ready.";
pub const WELCOME_BACK: &str = "Welcome back.";
pub const SHALL_WE_END: &str = "Shall we end the interview here? Please say yes or no.";
pub const LET_US_CONTINUE: &str = "Good, let us go on.";
pub const INTERRUPTED: &str = "Sorry, we were interrupted. Let us go on.";

/// The first words.
pub const GREETING: &str = "Hello, and welcome.";
/// What must be said aloud before anything is asked, to its end: the page has shown all of it and took the consent, so
/// the shortest words that say it (ten seconds with the greeting).
pub const DISCLOSURE: &str =
    "I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.";

/// The same where nobody speaks.
pub const DISCLOSURE_WRITTEN: &str = "I am an AI interviewer. What you write is stored, and a person decides. You can pause, or skip a question, any time.";

/// The last words, where any are said.
#[must_use]
pub fn closing(reason: EndReason) -> Option<&'static str> {
    match reason {
        EndReason::Completed => Some("That was the last question. Thank you for your time and your answers. Goodbye."),
        EndReason::CandidateEnded => Some("All right, we end here. Thank you for your time. Goodbye."),
        EndReason::TimeUp => Some("Our time is up, so we end here. Thank you for your time and your answers. Goodbye."),
        EndReason::Idle => Some("I have not heard from you for a while, so I will end here. Thank you, and goodbye."),
        EndReason::Cancelled => Some("This interview has been ended. Thank you for your time. Goodbye."),
        // Nobody is there to hear it, or no time to say it.
        EndReason::Left | EndReason::Shutdown | EndReason::Failed => None,
    }
}

/// A nudge for this kind of question.
#[must_use]
pub fn nudge(kind: QuestionKind, count: usize) -> &'static str {
    match kind {
        QuestionKind::Code => CODE_NUDGE,
        QuestionKind::Factual | QuestionKind::Explain | QuestionKind::Design | QuestionKind::Behavioural => {
            NUDGES[count % NUDGES.len()]
        }
    }
}

/// A line as its first sentence and the rest: where a model words the rest, the first is said at once.
#[must_use]
pub fn receipt_and_rest(line: &str) -> (&str, &str) {
    line.split_once(". ").map_or((line, ""), |(first, rest)| (&line[..=first.len()], rest.trim()))
}

/// Lines worth having synthesised at all times.
pub fn standing() -> impl Iterator<Item = &'static str> {
    let single = [
        BEFORE_LAST,
        BEFORE_GOODBYE,
        OFFER_SKIP,
        MOVE_ON,
        NO_PROBLEM,
        TRY,
        GO_AHEAD,
        TAKE_TIME,
        UNHEARD,
        STOP_THERE,
        PAUSED,
        WELCOME_BACK,
        SHALL_WE_END,
        LET_US_CONTINUE,
        INTERRUPTED,
    ];
    let closings = [EndReason::Completed, EndReason::CandidateEnded, EndReason::TimeUp, EndReason::Idle];
    BEFORE_QUESTION
        .into_iter()
        .chain(BEFORE_PROBE)
        .chain(single)
        .chain(NUDGES)
        .chain(closings.into_iter().filter_map(closing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_at_once_is_the_first_sentence() {
        assert_eq!(receipt_and_rest("Thank you. Let us go on."), ("Thank you.", "Let us go on."));
        assert_eq!(receipt_and_rest("I see."), ("I see.", ""));
    }

    #[test]
    fn every_line_is_there_in_ukrainian() {
        let firm = [GREETING, DISCLOSURE, DISCLOSURE_WRITTEN, CODE_NUDGE, CODE_HEARD, CODE_TIME, CODE_OVER];
        let cancelled = closing(EndReason::Cancelled);
        for line in standing().chain(firm).chain(cancelled) {
            let ukrainian = in_language("uk", line);
            assert!(ukrainian.chars().any(|c| ('а'..='я').contains(&c)), "{line:?} has no Ukrainian twin");
            assert_eq!(in_language("en", line), line);
        }
        assert_eq!(in_language("uk", "A question of the bank?"), "A question of the bank?");
    }
}

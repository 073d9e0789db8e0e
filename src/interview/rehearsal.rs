//! The script of a rehearsed candidate: what is said to which question, after how long a silence. Plain data and its
//! reading; must never know how it is spoken.

use super::question::{Level, QuestionKind};
use serde::{Deserialize, Serialize};

/// The script that `vivavoce rehearse` plays when it is given none.
pub const SHIPPED: &str = include_str!("../../config/rehearsal/backend.toml");

/// A candidate's part in an interview.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub category: String,
    pub level: Level,
    pub language: String,
    pub answers: Vec<ScriptedAnswer>,
    #[serde(default)]
    pub probe_answers: Vec<ScriptedProbeAnswer>,
}

/// What is said to one question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// The question's key.
    pub question: String,
    pub kind: QuestionKind,
    /// Code that is handed in when the words are said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(flatten)]
    pub words: Words,
}

/// What is said to a follow-up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedProbeAnswer {
    /// Only to follow-ups of this question; without it, to any.
    #[serde(default)]
    pub question: Option<String>,
    #[serde(flatten)]
    pub words: Words,
}

/// Words with the silences around them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Words {
    /// Silence before the first word, s.
    #[serde(default = "one")]
    pub think_s: f32,
    pub text: String,
    /// Silence between `text` and `then`, s.
    #[serde(default = "one")]
    pub pause_s: f32,
    /// How the answer goes on after a pause for thought.
    #[serde(default)]
    pub then: Option<String>,
    /// A WAV file of somebody saying all of it, pause included; else a voice says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wav: Option<String>,
}

fn one() -> f32 {
    1.0
}

impl Words {
    /// All that is said, as one text.
    #[must_use]
    pub fn whole(&self) -> String {
        self.then.as_ref().map_or_else(|| self.text.clone(), |then| format!("{} {then}", self.text))
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// Says where the text is no script.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What is said to the question.
    #[must_use]
    pub fn answer(&self, question: &str) -> Option<&ScriptedAnswer> {
        self.answers.iter().find(|answer| answer.question == question)
    }

    /// What is said to the `nth` (from 0) follow-up of the question, `asked_before` follow-ups having been asked in all.
    #[must_use]
    pub fn probe_answer(&self, question: &str, nth: usize, asked_before: usize) -> Option<&Words> {
        let own = |answer: &&ScriptedProbeAnswer| answer.question.as_deref() == Some(question);
        let any: Vec<_> = self.probe_answers.iter().filter(|answer| answer.question.is_none()).collect();
        let general = || any.get(asked_before.checked_rem(any.len())?).copied();
        self.probe_answers.iter().filter(own).nth(nth).or_else(general).map(|answer| &answer.words)
    }
}

#[cfg(test)]
mod tests {
    use super::{SHIPPED, Script};
    use crate::interview::bank::shipped;
    use crate::interview::coverage::{Status, cover, misstatements};
    use crate::interview::question::{Level, QuestionKind};

    #[test]
    fn the_shipped_script_answers_every_question_of_its_level() {
        let script = Script::parse(SHIPPED).expect("a script");
        let bank = shipped().expect("banks").remove(0);
        assert_eq!((script.category.as_str(), script.level), (bank.category.slug.as_str(), Level::Middle));
        for answer in &script.answers {
            let question = bank.questions.iter().find(|q| q.key == answer.question).expect("a question of the bank");
            assert_eq!(question.kind, answer.kind, "{}", answer.question);
        }
        assert!(bank.at(script.level).all(|question| script.answer(&question.key).is_some()));
        let factual = bank.at(script.level).filter(|q| q.kind == QuestionKind::Factual).count();
        assert!(bank.at(script.level).count() >= 10 && factual >= 6);
    }

    #[test]
    fn the_shipped_script_has_good_partial_and_wrong_answers() {
        let script = Script::parse(SHIPPED).expect("a script");
        let bank = shipped().expect("banks").remove(0);
        let (mut good, mut poor, mut wrong) = (0, 0, 0);
        for question in bank.at(script.level) {
            let said = script.answer(&question.key).expect("checked above").words.whole();
            let met = cover(question, &said).iter().filter(|c| c.status == Status::Met).count();
            good += usize::from(met >= 3);
            poor += usize::from(met < 2);
            wrong += usize::from(!misstatements(question, &said).is_empty());
        }
        assert!(good >= 5 && poor >= 2 && wrong >= 1, "{good} good, {poor} poor, {wrong} wrong");
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        assert!(Script::parse(&SHIPPED.replacen("\nthink_s", "\nthinks_s", 1)).is_err());
        assert!(
            Script::parse(&SHIPPED.replacen("[[probe_answers]]\n", "[[probe_answers]]\nthought = 1\n", 1)).is_err()
        );
    }

    #[test]
    fn follow_ups_are_answered_by_question_and_then_in_turn() {
        let script = Script::parse(SHIPPED).expect("a script");
        let said = |nth, before| script.probe_answer("backend.idempotency", nth, before).expect("one").text.clone();
        assert!(said(0, 5).contains("unique key"));
        assert_ne!(said(1, 0), said(1, 1));
        assert_eq!(said(1, 0), said(1, 3));
    }
}

//! What is said of a question in a few words: the same on the page and in the PDF. Must never say more than the report
//! holds.

use super::report::QuestionResult;
use crate::interview::coverage::Status;

impl QuestionResult {
    /// Its level, or why it has none.
    #[must_use]
    pub fn verdict(&self) -> String {
        match (self.level, self.scored_level) {
            (level, scored) if level != scored => {
                let now = level.map_or_else(|| "Not scored".to_owned(), |level| format!("Level {level}"));
                format!("{now} (by a person)")
            }
            (Some(level), _) => format!("Level {level}"),
            (None, _) => self.state.words().to_owned(),
        }
    }

    /// Why, in a few words.
    #[must_use]
    pub fn in_short(&self) -> String {
        if self.scored_level.is_none() {
            return self.comment.clone();
        }
        let with = |status: Status| self.key_points.iter().filter(|point| point.status == status).count();
        let mut parts = vec![format!("{} of {} key points", with(Status::Met), self.key_points.len())];
        let mut add = |count: usize, words: &str| {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        };
        add(with(Status::Partial), "in part");
        add(with(Status::Wrong), "contradicted");
        add(self.misconceptions.len(), if self.misconceptions.len() == 1 { "misconception" } else { "misconceptions" });
        if self.prompted {
            parts.push("after a follow-up".to_owned());
        }
        if !self.faults.is_empty() {
            parts.push("damaged by us".to_owned());
        }
        parts.join(", ")
    }

    /// How the answer is built, criterion by criterion.
    #[must_use]
    pub fn built(&self) -> String {
        let word = |status: Status| match status {
            Status::Met => "met",
            Status::Partial => "partly",
            Status::Missed | Status::Wrong => "missed",
        };
        let found = self.structure.iter().map(|found| format!("{}: {}", found.name, word(found.status)));
        format!("How it is built: {}", found.collect::<Vec<_>>().join(" \u{b7} "))
    }

    /// Who scored it, how sure, and what to know of it.
    #[must_use]
    pub fn account(&self) -> String {
        let mut parts = vec![format!("Scored by the {} scorer", self.scoring.by)];
        if let Some(confidence) = self.confidence {
            parts.push(format!("confidence {:.0} %", confidence * 100.0));
        }
        if let Some(spread) = self.scoring.spread {
            parts.push(format!("{} judgements, {spread:.2} apart", self.scoring.votes.len()));
        }
        if let Some(why) = &self.scoring.fell_back {
            parts.push(format!("the model could not: {why}"));
        }
        parts.extend(self.scoring.flags.iter().map(|flag| flag.replace('_', " ")));
        parts.join(" \u{b7} ")
    }
}

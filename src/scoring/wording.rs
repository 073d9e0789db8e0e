//! What is said of a question in a few words: the same on the page and in the PDF, in the reader's language. Must never say
//! more than the report holds.

use super::language::{say, say_with};
use super::report::{Delivery, QuestionResult, Report, StructureResult};
use crate::interview::coverage::Status;

impl QuestionResult {
    /// Its level, or why it has none.
    #[must_use]
    pub fn verdict(&self, language: &str) -> String {
        let named = |level: u8| say_with(language, "Level {}", &[&level.to_string()]);
        match (self.level, self.scored_level) {
            (level, scored) if level != scored => {
                let now = level.map_or_else(|| say(language, "Not scored").to_owned(), named);
                say_with(language, "{} (by a person)", &[&now])
            }
            (Some(level), _) => named(level),
            (None, _) => say(language, self.state.words()).to_owned(),
        }
    }

    /// Why, in a few words.
    #[must_use]
    pub fn in_short(&self, language: &str) -> String {
        if self.scored_level.is_none() {
            return self.comment.clone();
        }
        let with = |status: Status| self.key_points.iter().filter(|point| point.status == status).count();
        let (met, all) = (with(Status::Met).to_string(), self.key_points.len().to_string());
        let mut parts = vec![say_with(language, "{} of {} key points", &[&met, &all])];
        let mut add = |count: usize, words: &str| {
            if count > 0 {
                parts.push(say_with(language, words, &[&count.to_string()]));
            }
        };
        add(with(Status::Partial), "in part: {}");
        add(with(Status::Wrong), "contradicted: {}");
        add(self.misconceptions.len(), "misconceptions: {}");
        add(usize::from(self.prompted), "after a follow-up");
        add(self.faults.len(), "damaged by us");
        parts.join(", ")
    }

    /// How the answer is built, criterion by criterion.
    #[must_use]
    pub fn built(&self, language: &str) -> String {
        let word = |status: Status| match status {
            Status::Met => "met",
            Status::Partial => "partly",
            Status::Missed | Status::Wrong => "missed",
        };
        let said =
            |found: &StructureResult| format!("{}: {}", say(language, &found.name), say(language, word(found.status)));
        let found: Vec<String> = self.structure.iter().map(said).collect();
        say_with(language, "How it is built: {}", &[&found.join(" \u{b7} ")])
    }

    /// Who scored it, how sure, and what to know of it.
    #[must_use]
    pub fn account(&self, language: &str) -> String {
        let mut parts = vec![say_with(language, "Scored by: {}", &[&self.scoring.by])];
        if let Some(confidence) = self.confidence {
            parts.push(say_with(language, "confidence {} %", &[&format!("{:.0}", confidence * 100.0)]));
        }
        if let Some(spread) = self.scoring.spread {
            let (votes, spread) = (self.scoring.votes.len().to_string(), format!("{spread:.2}"));
            parts.push(say_with(language, "judgements: {}, {} apart", &[&votes, &spread]));
        }
        if let Some(why) = &self.scoring.fell_back {
            parts.push(say_with(language, "the model could not: {}", &[why]));
        }
        parts.extend(self.scoring.flags.iter().map(|flag| say(language, told(flag)).to_owned()));
        parts.join(" \u{b7} ")
    }
}

/// What a flag of a score means; a strange one stands as it is.
fn told(flag: &str) -> &str {
    match flag {
        "suspected_injection" => "words that seem meant for a grader were left out",
        "repeats_question" => "mostly the question's own words",
        "lists_terms" => "terms without sentences",
        "language_neutral" => "judged less surely, by stems, letters and numbers alone, which any language has",
        "without_embedder" => "judged less surely, by words alone: the model of meaning was not there",
        "too_short" => "too few words to be sure",
        "too_long" => "too long: only the beginning was read",
        "nothing_to_judge_by" => "nothing to judge by",
        "fell_back_to_local" => "the local scorer judged in the model's place",
        "votes_disagree" => "repeated judgements do not agree",
        other => other,
    }
}

/// How the interview went, in numbers; none of it is scored.
#[must_use]
pub fn conversation(delivery: &Delivery, language: &str) -> String {
    let said = |english: &str, values: &[String]| {
        say_with(language, english, &values.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let values = [
        delivery.turns.to_string(),
        clock(delivery.candidate_speech_ms),
        clock(delivery.interviewer_speech_ms),
        delivery.interruptions_recovered.to_string(),
        delivery.interruptions_by_candidate.to_string(),
    ];
    let mut words = vec![said(
        "Turns: {}. Speech of the candidate: {} min, of the interviewer: {} min. The interviewer began too early and took it back: {}. The candidate broke in: {}.",
        &values,
    )];
    if delivery.damaged_turns > 0 || delivery.lost_audio_ms > 0 {
        let values = [delivery.damaged_turns.to_string(), delivery.lost_audio_ms.to_string()];
        words.push(said("Damaged by us: turns {}, sound lost {} ms.", &values));
    }
    if let Some(share) = delivery.low_confidence_share {
        let share = format!("{:.0}", share * 100.0);
        words.push(said("The recogniser was unsure of {} % of the turns.", &[share]));
    }
    words.join(" ")
}

/// What made the report, and the hashes of it.
#[must_use]
pub fn provenance(report: &Report, language: &str) -> [String; 2] {
    let (made, hashes) = (&report.provenance, &report.provenance.hashes);
    let id = report.interview.id.to_string();
    let by = [&made.app, &made.rubric, &made.bank, &made.scorer, &made.stt, &made.llm, &made.tts, &id];
    let of = [&hashes.rubric, &hashes.prompts, &hashes.bank, &hashes.model];
    [
        say_with(
            language,
            "Vivavoce {} \u{b7} rubric {} \u{b7} questions {} \u{b7} scorer {} \u{b7} speech to text {} \u{b7} language model {} \u{b7} voice {} \u{b7} interview {}",
            &by.map(String::as_str),
        ),
        say_with(
            language,
            "SHA-256: rubric {} \u{b7} prompts {} \u{b7} questions {} \u{b7} scorer {}",
            &of.map(String::as_str),
        ),
    ]
}

/// What the candidate accepted, and how much more time there was; empty where neither is known.
#[must_use]
pub fn consent(report: &Report, language: &str) -> String {
    let interview = &report.interview;
    let mut words = Vec::new();
    if let Some(consent) = &interview.consent {
        let given = consent.given_at.format("%Y-%m-%d %H:%M UTC").to_string();
        words.push(say_with(language, "Disclosure {} accepted {}.", &[&consent.version, &given]));
    }
    if (interview.patience - 1.0).abs() > f64::EPSILON {
        let times = interview.patience.to_string();
        words.push(say_with(language, "Accommodation: {} times the usual time.", &[&times]));
    }
    words.join(" ")
}

/// Minutes and seconds.
fn clock(ms: u64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
}

#[cfg(test)]
mod tests {
    use super::{say, told};
    use crate::scoring::grader::FlagKind;

    #[test]
    fn every_flag_is_told_in_words_of_the_readers_language() {
        for kind in [
            FlagKind::SuspectedInjection,
            FlagKind::RepeatsQuestion,
            FlagKind::ListsTerms,
            FlagKind::LanguageNeutral,
            FlagKind::WithoutEmbedder,
            FlagKind::TooShort,
            FlagKind::TooLong,
            FlagKind::NothingToJudgeBy,
            FlagKind::FellBackToLocal,
            FlagKind::VotesDisagree,
        ] {
            let flag = serde_json::to_value(kind).expect("a word");
            let flag = flag.as_str().expect("a word");
            assert!(told(flag) != flag, "{flag}");
            assert!(say("uk", told(flag)) != told(flag), "{flag}");
        }
    }
}

//! What the rehearsal candidate is to say: a script as a TOML file. Must never know how it is said, nor when.

use crate::interview::question::{Level, QuestionKind};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Longest script, bytes (some hundred answers).
const SCRIPT_BYTES_MAX: u64 = 1024 * 1024;
/// Longest pause or time to think, s: past it the candidate would seem to be gone.
const SILENCE_S_MAX: f64 = 60.0;

/// A script: answers by the question's key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The category and level that it was written for, unless asked otherwise.
    pub category: String,
    pub level: Level,
    pub language: String,
    pub answers: Vec<Answer>,
    /// What is said to a follow-up: the one for its question first, else those without a question, in turn.
    #[serde(default)]
    pub probe_answers: Vec<ProbeAnswer>,
}

/// The answer to one question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question's key.
    pub question: String,
    /// What the bank says of it; the interview's own word counts.
    #[serde(default)]
    pub kind: Option<QuestionKind>,
    /// Code to be handed in when the words are said.
    #[serde(default)]
    pub code: Option<String>,
    #[serde(flatten)]
    pub said: Said,
}

/// The answer to a follow-up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeAnswer {
    #[serde(default)]
    pub question: Option<String>,
    #[serde(flatten)]
    pub said: Said,
}

/// Words and their silences.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    /// Silence before the first word, s.
    #[serde(default)]
    pub think_s: f64,
    pub text: String,
    /// A WAV file of somebody saying `text` (and `then`, with its pause), relative to the script; else a voice says it.
    #[serde(default)]
    pub wav: Option<PathBuf>,
    /// Silence between `text` and `then`, s.
    #[serde(default)]
    pub pause_s: f64,
    #[serde(default)]
    pub then: Option<String>,
}

impl Said {
    /// The stretches of speech between pauses: what must be found in the record.
    #[must_use]
    pub fn utterances(&self) -> Vec<String> {
        std::iter::once(&self.text).chain(&self.then).cloned().collect()
    }
}

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("the script {path} cannot be read: {why}")]
    Unreadable { path: String, why: std::io::Error },
    #[error("the script has {bytes} bytes; at most {bytes_max} are read")]
    TooLong { bytes: u64, bytes_max: u64 },
    #[error("the script is not well formed: {0}")]
    Malformed(#[from] toml::de::Error),
    #[error("the script says of {place}: {said}")]
    Senseless { place: String, said: String },
}

impl Script {
    /// Reads a script and checks it.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let unreadable = |why| ScriptError::Unreadable { path: path.display().to_string(), why };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > SCRIPT_BYTES_MAX {
            return Err(ScriptError::TooLong { bytes, bytes_max: SCRIPT_BYTES_MAX });
        }
        let mut script = Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for said in script.all_said_mut() {
            said.wav = said.wav.take().map(|wav| folder.join(wav));
        }
        Ok(script)
    }

    /// Parses a script and checks it; WAV files are relative to the working directory.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let script: Self = toml::from_str(text)?;
        let senseless = |place: &str, said: &str| ScriptError::Senseless { place: place.into(), said: said.into() };
        let mut keys = std::collections::BTreeSet::new();
        for answer in &script.answers {
            if !keys.insert(&answer.question) {
                return Err(senseless(&answer.question, "it has two answers"));
            }
            check(&answer.said).map_err(|said| senseless(&answer.question, said))?;
        }
        for answer in &script.probe_answers {
            let place = answer.question.as_deref().unwrap_or("an answer to any follow-up");
            check(&answer.said).map_err(|said| senseless(place, said))?;
        }
        if !script.probe_answers.iter().any(|answer| answer.question.is_none()) {
            return Err(senseless("probe_answers", "one without a question is needed, for what is not foreseen"));
        }
        Ok(script)
    }

    fn all_said_mut(&mut self) -> impl Iterator<Item = &mut Said> {
        let probes = self.probe_answers.iter_mut().map(|answer| &mut answer.said);
        self.answers.iter_mut().map(|answer| &mut answer.said).chain(probes)
    }
}

fn check(said: &Said) -> Result<(), &'static str> {
    let silence = 0.0..=SILENCE_S_MAX;
    if said.text.trim().is_empty() || said.then.as_ref().is_some_and(|then| then.trim().is_empty()) {
        return Err("it says nothing");
    }
    if !silence.contains(&said.think_s) || !silence.contains(&said.pause_s) {
        return Err("think_s and pause_s must be 0 to 60 s");
    }
    if (said.pause_s > 0.0) != said.then.is_some() {
        return Err("pause_s and then belong together");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "category = \"backend\"\nlevel = \"middle\"\nlanguage = \"en\"\n";
    const ANY: &str = "[[probe_answers]]\ntext = \"I am not sure.\"\n";

    #[test]
    fn a_script_is_read() {
        let text = format!(
            "{HEAD}[[answers]]\nquestion = \"a.b\"\nkind = \"code\"\nthink_s = 1.5\ntext = \"One.\"\npause_s = 0.9\nthen = \"Two.\"\ncode = \"x = 1\"\n{ANY}"
        );
        let script = Script::parse(&text).expect("a script");
        assert_eq!(script.answers[0].said.utterances(), ["One.", "Two."]);
        assert_eq!(script.answers[0].code.as_deref(), Some("x = 1"));
        assert_eq!(script.probe_answers[0].said.utterances(), ["I am not sure."]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let check = |answers: &str, expected: &str| {
            let error = Script::parse(&format!("{HEAD}{answers}")).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("answers = []\n", "one without a question is needed");
        check(&format!("[[answers]]\nquestion = \"a.b\"\ntext = \" \"\n{ANY}"), "a.b: it says nothing");
        check(&format!("[[answers]]\nquestion = \"a.b\"\ntext = \"x\"\npause_s = 1.0\n{ANY}"), "belong together");
        check(&format!("[[answers]]\nquestion = \"a.b\"\ntext = \"x\"\nthink_s = -1.0\n{ANY}"), "0 to 60 s");
        check(&format!("[[answers]]\nquestion = \"a.b\"\ntext = \"x\"\n[[answers]]\nquestion = \"a.b\"\ntext = \"y\"\n{ANY}"), "two answers");
    }
}

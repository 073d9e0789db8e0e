//! Reads what the rehearsal candidate is to say, and refuses what makes no sense. The script itself is
//! `interview::rehearsal`. Must never know how it is said, nor when.

use crate::interview::rehearsal::{Script, Words};
use std::path::{Path, PathBuf};

/// Longest script, bytes (some hundred answers).
const SCRIPT_BYTES_MAX: u64 = 1024 * 1024;
/// Longest pause or time to think, s: past it the candidate would seem to be gone.
const SILENCE_S_MAX: f32 = 60.0;

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

/// A script, and the folder that its WAV files are in.
#[derive(Clone, Debug)]
pub struct Part {
    pub script: Script,
    pub folder: PathBuf,
}

/// Reads a script from a file and checks it.
pub fn read(path: &Path) -> Result<Part, ScriptError> {
    let unreadable = |why| ScriptError::Unreadable { path: path.display().to_string(), why };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > SCRIPT_BYTES_MAX {
        return Err(ScriptError::TooLong { bytes, bytes_max: SCRIPT_BYTES_MAX });
    }
    let script = parse(&std::fs::read_to_string(path).map_err(unreadable)?)?;
    Ok(Part { script, folder: path.parent().unwrap_or(Path::new("")).to_owned() })
}

/// Parses a script and checks it.
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    let script = Script::parse(text)?;
    let senseless = |place: &str, said: &str| ScriptError::Senseless { place: place.into(), said: said.into() };
    let mut keys = std::collections::BTreeSet::new();
    for answer in &script.answers {
        if !keys.insert(&answer.question) {
            return Err(senseless(&answer.question, "it has two answers"));
        }
        check(&answer.words).map_err(|said| senseless(&answer.question, said))?;
    }
    for answer in &script.probe_answers {
        let place = answer.question.as_deref().unwrap_or("an answer to any follow-up");
        check(&answer.words).map_err(|said| senseless(place, said))?;
    }
    if !script.probe_answers.iter().any(|answer| answer.question.is_none()) {
        return Err(senseless("probe_answers", "one without a question is needed, for what is not foreseen"));
    }
    Ok(script)
}

fn check(words: &Words) -> Result<(), &'static str> {
    let silence = 0.0..=SILENCE_S_MAX;
    if words.text.trim().is_empty() || words.then.as_ref().is_some_and(|then| then.trim().is_empty()) {
        return Err("it says nothing");
    }
    if !silence.contains(&words.think_s) || !silence.contains(&words.pause_s) {
        return Err("think_s and pause_s must be 0 to 60 s");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "category = \"backend\"\nlevel = \"middle\"\nlanguage = \"en\"\n";
    const ANY: &str = "[[probe_answers]]\ntext = \"I am not sure.\"\n";

    fn answer(rest: &str) -> String {
        format!("[[answers]]\nquestion = \"a.b\"\nkind = \"code\"\n{rest}\n")
    }

    #[test]
    fn a_script_is_read_with_code_and_sound_files() {
        let text = answer("text = \"One.\"\nthen = \"Two.\"\ncode = \"x = 1\"\nwav = \"a.wav\"");
        let script = parse(&format!("{HEAD}{text}{ANY}")).expect("a script");
        assert_eq!(script.answers[0].code.as_deref(), Some("x = 1"));
        assert_eq!(script.answers[0].words.wav.as_deref(), Some("a.wav"));
        assert!(parse(&format!("{HEAD}{}{ANY}", answer("text = \"One.\"\ncoed = \"x\""))).is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let check = |answers: &str, expected: &str| {
            let error = parse(&format!("{HEAD}{answers}")).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("answers = []\n", "one without a question is needed");
        check(&format!("{}{ANY}", answer("text = \" \"")), "a.b: it says nothing");
        check(&format!("{}{ANY}", answer("text = \"x\"\nthink_s = -1.0")), "0 to 60 s");
        check(&format!("{}{}{ANY}", answer("text = \"x\""), answer("text = \"y\"")), "two answers");
    }
}

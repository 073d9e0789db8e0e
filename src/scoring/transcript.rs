//! The transcript as WebVTT and as Markdown. Must never change a word of it.

use std::fmt::Write;

/// One line of the transcript.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TranscriptLine {
    /// Such as `Interviewer`.
    pub speaker: String,
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
    /// The candidate broke in; the text is what was heard of it.
    pub interrupted: bool,
}

/// As subtitles for the recording.
#[must_use]
pub fn vtt(lines: &[TranscriptLine]) -> String {
    let mut vtt = String::from("WEBVTT\n");
    for line in lines {
        let text = line.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // A blank line would end the cue.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let end_ms = line.end_ms.max(line.start_ms + 1);
        let _ = write!(vtt, "\n{} --> {}\n<v {}>{text}\n", cue(line.start_ms), cue(end_ms), line.speaker);
    }
    vtt
}

/// As a document to read.
#[must_use]
pub fn markdown(title: &str, lines: &[TranscriptLine]) -> String {
    let mut text = format!("# {}\n", escaped(title));
    for line in lines {
        let broken_off = if line.interrupted { " \u{2014} *interrupted*" } else { "" };
        let said = escaped(&line.text);
        let (minutes, seconds) = (line.start_ms / 60_000, line.start_ms / 1000 % 60);
        let _ = write!(text, "\n**{}** ({minutes}:{seconds:02}): {said}{broken_off}\n", line.speaker);
    }
    text
}

fn cue(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if "\\`*_[]<>#|".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{TranscriptLine, markdown, vtt};

    fn lines() -> [TranscriptLine; 2] {
        let line = |speaker: &str, text: &str, start_ms: u64| TranscriptLine {
            speaker: speaker.into(),
            text: text.into(),
            start_ms,
            end_ms: start_ms + 2_500,
            interrupted: start_ms == 0,
        };
        [line("Interviewer", "What is <v> & why", 0), line("Candidate", "A tag --> *bold*\n\nI think", 3_661_001)]
    }

    #[test]
    fn subtitles_keep_every_word_and_end_no_cue_early() {
        let vtt = vtt(&lines());
        assert!(
            vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n<v Interviewer>What is &lt;v&gt; &amp; why\n")
        );
        assert!(vtt.contains("01:01:01.001 --> 01:01:03.501\n<v Candidate>A tag --&gt; *bold* I think\n"));
    }

    #[test]
    fn a_document_shows_words_not_markup() {
        let text = markdown("A *title*", &lines());
        assert!(text.starts_with("# A \\*title\\*\n"));
        assert!(text.contains("**Interviewer** (0:00): What is \\<v\\> & why \u{2014} *interrupted*"));
        assert!(text.contains("**Candidate** (61:01): A tag --\\> \\*bold\\* I think"));
    }
}

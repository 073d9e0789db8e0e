//! A transcriber for tests: it says what its script says, after a delay on tokio's clock.

use super::{
    STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream, Transcript,
};
use crate::audio::frame::SamplePos;
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;
use tokio::sync::mpsc;

/// What is heard.
#[derive(Clone, Debug)]
pub enum SttScript {
    /// The first utterance has the first text, and so on; past the last, nothing is heard. All revisions of an
    /// utterance have its text.
    ByUtterance(Vec<String>),
    /// Words that are said at these times of the session, in ms: a transcription has those inside its audio.
    ByTime(Vec<(Range<u64>, String)>),
    /// Every transcription fails.
    Broken,
}

/// A scripted transcriber.
#[derive(Clone, Debug)]
pub struct ScriptedStt {
    pub script: SttScript,
    /// From the request to the result.
    pub delay: Duration,
}

impl SpeechToText for ScriptedStt {
    fn open(&self, _: SttOptions) -> SttStream {
        let (commands, mut asked) = mpsc::channel(STT_COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(STT_EVENTS_MAX);
        let scripted = self.clone();
        tokio::spawn(async move {
            let mut order = HashMap::new();
            while let Some(command) = asked.recv().await {
                let SttCommand::Transcribe { utterance, revision, from, to, last: _ } = command else {
                    continue;
                };
                let next = order.len();
                let nth = *order.entry(utterance).or_insert(next);
                tokio::time::sleep(scripted.delay).await;
                let event = match scripted.heard(nth, from, to) {
                    Ok(transcript) => SttEvent::Final { utterance, revision, transcript },
                    Err(error) => SttEvent::Failed { utterance, revision, error },
                };
                if events_out.send(event).await.is_err() {
                    return;
                }
            }
        });
        SttStream { commands, events }
    }

    fn languages(&self) -> &[&'static str] {
        &["en"]
    }

    fn name(&self) -> String {
        "scripted-stt".into()
    }
}

impl ScriptedStt {
    fn heard(&self, nth: usize, from: SamplePos, to: SamplePos) -> Result<Transcript, SttError> {
        let text = match &self.script {
            SttScript::ByUtterance(texts) => texts.get(nth).cloned().unwrap_or_default(),
            SttScript::ByTime(words) => {
                let inside = |said: &&(Range<u64>, String)| said.0.start < to.ms() && said.0.end > from.ms();
                words.iter().filter(inside).map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
            }
            SttScript::Broken => return Err(SttError::Run { why: "the script says so".into() }),
        };
        let confidence = (!text.is_empty()).then_some(0.9);
        Ok(Transcript { text, confidence, words: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UtteranceId;

    fn ask(utterance: u64, revision: u32, from_ms: u64, to_ms: u64) -> SttCommand {
        let (from, to) = (SamplePos::from_ms(from_ms), SamplePos::from_ms(to_ms));
        SttCommand::Transcribe { utterance: UtteranceId(utterance), revision, from, to, last: false }
    }

    async fn texts(script: SttScript, asks: Vec<SttCommand>) -> Vec<String> {
        let SttStream { commands, mut events } =
            ScriptedStt { script, delay: Duration::from_millis(200) }.open(SttOptions::default());
        for command in asks {
            commands.send(command).await.expect("taken");
        }
        drop(commands);
        let mut texts = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                SttEvent::Final { transcript, .. } => texts.push(transcript.text),
                SttEvent::Failed { error, .. } | SttEvent::Down { error } => texts.push(error.to_string()),
                SttEvent::Partial { text, .. } | SttEvent::Switched { said: text } => texts.push(text),
                SttEvent::Endpoint { transcript, .. } => texts.push(transcript.text),
            }
        }
        texts
    }

    #[tokio::test(start_paused = true)]
    async fn utterances_have_their_texts_in_order_whatever_their_revision() {
        let script = SttScript::ByUtterance(vec!["one".into(), "two".into()]);
        let asks = vec![ask(4, 0, 0, 1), ask(4, 1, 0, 2), ask(9, 0, 3, 4), ask(10, 0, 5, 6)];
        assert_eq!(texts(script, asks).await, ["one", "one", "two", ""]);
    }

    #[tokio::test(start_paused = true)]
    async fn words_are_heard_where_they_are_said() {
        let script = SttScript::ByTime(vec![(0..500, "hello".into()), (600..900, "there".into())]);
        let asks = vec![ask(1, 0, 0, 500), ask(1, 1, 0, 700), ask(2, 0, 1000, 2000)];
        assert_eq!(texts(script, asks).await, ["hello", "hello there", ""]);
    }
}

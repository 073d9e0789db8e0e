//! What was heard, in words. Must never run during a call: it shares the cores with the server.

use super::ear::{Ear, segments};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, SamplePos};
use crate::id::UtteranceId;
use crate::stt::{SpeechToText, SttCommand, SttError, SttEvent, SttOptions};

/// The words of each speech, in order.
pub async fn heard_words(ears: &dyn SpeechToText, language: &str, ear: &Ear) -> Result<Vec<String>, SttError> {
    let mut heard = Vec::new();
    for speech in ear.speeches() {
        let mut texts = Vec::new();
        for segment in segments(ear.audio_of(*speech)) {
            texts.push(transcribe(ears, language, segment).await?);
        }
        heard.push(texts.join(" ").trim().to_owned());
    }
    Ok(heard)
}

/// One segment, on a track of its own.
async fn transcribe(ears: &dyn SpeechToText, language: &str, pcm: &[i16]) -> Result<String, SttError> {
    let mut stream = ears.open(SttOptions { language: language.to_owned(), keyterms: Vec::new() });
    let mut at = SamplePos(0);
    for chunk in pcm.chunks(EAR_FRAME_SAMPLES) {
        let mut frame = EarFrame { at, pcm: [0; EAR_FRAME_SAMPLES], concealed: false };
        frame.pcm[..chunk.len()].copy_from_slice(chunk);
        stream.commands.send(SttCommand::Audio(frame)).await.map_err(|_| SttError::Gone)?;
        at = at.plus(EAR_FRAME_SAMPLES as u64);
    }
    let asked = UtteranceId(1);
    let to = SamplePos(pcm.len() as u64);
    let all = SttCommand::Transcribe { utterance: asked, revision: 0, from: SamplePos(0), to, last: true };
    stream.commands.send(all).await.map_err(|_| SttError::Gone)?;
    while let Some(event) = stream.events.recv().await {
        match event {
            SttEvent::Final { utterance, transcript, .. } if utterance == asked => return Ok(transcript.text),
            SttEvent::Failed { error, .. } | SttEvent::Down { error } => return Err(error),
            SttEvent::Final { .. }
            | SttEvent::Partial { .. }
            | SttEvent::Endpoint { .. }
            | SttEvent::Switched { .. } => {}
        }
    }
    Err(SttError::Gone)
}

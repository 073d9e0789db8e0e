//! Deepgram's streaming speech to text: every frame is sent on at once, words come back with their times, and each is
//! bound to the utterance in whose stretch of audio it lies. Must never bind a word by the moment at which it came.

use super::{
    STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttEvent, SttOptions, SttStream, TimedWord, Transcript,
};
use crate::audio::frame::{EAR_RATE_HZ, EarFrame, SamplePos};
use crate::clock::Alarm;
use crate::cloud::meter::{Ledger, Meter, Part, Price, Used};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::{CloudError, Endpoint, code_of};
use crate::id::UtteranceId;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Without audio the server is told so often that we are still there, s (it closes after ten).
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// After the last audio the remaining words are waited for, s.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// A word that begins or ends so far outside an utterance's stretch belongs to it still, samples (160 ms): the
/// provider's times and our detector's differ by about that.
const SLACK_SAMPLES: u64 = 2_560;
/// After a flush that nobody answered, the words are taken as they are once this much passed, ms: with nothing left in
/// its buffer the server sends no answer.
const SETTLED: Duration = Duration::from_millis(300);
/// Audio that may be missing at the end of what was answered for then, samples (300 ms): silence after the last word.
const SETTLED_SAMPLES: u64 = 4_800;
/// Words that are kept: ten minutes of fast speech.
const WORDS_MAX: usize = 2_000;
/// Places where the session's clock jumped that are kept; each is a lost connection of the candidate.
const ANCHORS_MAX: usize = 64;
/// Key terms that are sent; the service takes about a hundred short ones.
const KEYTERMS_MAX: usize = 50;

/// How it is asked.
#[derive(Clone, Debug)]
pub struct DeepgramSettings {
    pub model: String,
    /// Silence after which it marks an end of speech, ms.
    pub endpointing_ms: u32,
    pub connect: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Deepgram {
    endpoint: Endpoint,
    settings: DeepgramSettings,
    meter: Meter,
}

impl Deepgram {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: DeepgramSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    async fn connect(&self, options: &SttOptions) -> Result<Socket, CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let mut query = reqwest::Url::parse("ws://query/v1/listen").expect("an address");
        query
            .query_pairs_mut()
            .append_pair("model", &self.settings.model)
            .append_pair("language", if options.language.is_empty() { "en" } else { &options.language })
            .append_pair("encoding", "linear16")
            .append_pair("sample_rate", &EAR_RATE_HZ.to_string())
            .append_pair("channels", "1")
            .append_pair("interim_results", "true")
            .append_pair("smart_format", "true")
            .append_pair("endpointing", &self.settings.endpointing_ms.to_string())
            .extend_pairs(options.keyterms.iter().take(KEYTERMS_MAX).map(|term| ("keyterm", term)));
        let path = format!("/v1/listen?{}", query.query().unwrap_or_default());
        let headers = [("authorization", self.endpoint.key.header("Token "))];
        Socket::open(&self.endpoint, &path, &headers, self.settings.connect).await
    }

    async fn run(
        self,
        options: SttOptions,
        mut commands: mpsc::Receiver<SttCommand>,
        events: mpsc::Sender<SttEvent>,
    ) -> Result<(), CloudError> {
        let mut socket = self.connect(&options).await?;
        let mut hearing = Hearing::default();
        let mut unpaid_samples = 0;
        let mut alarm = Alarm::default();
        let mut told_at = Instant::now();
        let ended = loop {
            let due = hearing.due().unwrap_or(told_at + KEEP_ALIVE);
            tokio::select! {
                biased;
                received = socket.receive() => match received {
                    Ok(received) => self.received(&mut hearing, received)?,
                    Err(error) => break Err(error),
                },
                command = commands.recv() => match command {
                    Some(SttCommand::Audio(frame)) => {
                        socket.send_sound(&frame.pcm).await?;
                        told_at = Instant::now();
                        hearing.take(&frame);
                        unpaid_samples += frame.pcm.len() as u64;
                    }
                    Some(SttCommand::Transcribe { utterance, revision, from, to, last }) => {
                        hearing.ask(Asked { utterance, revision, from, to, last, at: Instant::now(), flushed: hearing.sent });
                        socket.send_json(&json!({"type": "Finalize"})).await?;
                    }
                    None => break Ok(()),
                },
                () = alarm.by(due.into_std()) => {
                    if hearing.due().is_none() && told_at.elapsed() >= KEEP_ALIVE {
                        told_at = Instant::now();
                        socket.send_json(&json!({"type": "KeepAlive"})).await?;
                    }
                }
            }
            hearing.settle(Instant::now());
            if unpaid_samples >= u64::from(EAR_RATE_HZ) {
                self.pay(&mut unpaid_samples);
                self.meter.allows(&self.endpoint.provider)?;
            }
            if !hearing.tell(&events) {
                break Ok(());
            }
        };
        self.pay(&mut unpaid_samples);
        ended?;
        self.last_words(socket, hearing, &events).await
    }

    /// Whoever listens wants no more to be heard; what was asked for is still answered.
    async fn last_words(
        &self,
        mut socket: Socket,
        mut hearing: Hearing,
        events: &mpsc::Sender<SttEvent>,
    ) -> Result<(), CloudError> {
        socket.send_json(&json!({"type": "CloseStream"})).await?;
        let until = Instant::now() + LAST_WORDS;
        while !hearing.asked.is_empty() {
            let Ok(received) = tokio::time::timeout_at(until, socket.receive()).await else { break };
            self.received(&mut hearing, received?)?;
            if !hearing.tell(events) {
                break;
            }
        }
        socket.close().await;
        Ok(())
    }

    fn pay(&self, samples: &mut u64) {
        let seconds = *samples as f64 / f64::from(EAR_RATE_HZ);
        let used = Used { seconds, ..Used::default() };
        self.meter.count(Part::Stt, &self.endpoint.provider, used, &self.settings.price);
        *samples = 0;
    }

    fn received(&self, hearing: &mut Hearing, received: Received) -> Result<(), CloudError> {
        let Received::Json(message) = received else { return Ok(()) };
        match message["type"].as_str() {
            Some("Results") => hearing.results(&message),
            Some("Error") => {
                let code = code_of(&message).unwrap_or_default();
                return Err(self.endpoint.strange(format!("it reports an error {code}").trim()));
            }
            // Metadata, SpeechStarted, UtteranceEnd: nothing that the results do not say.
            Some(_) | None => {}
        }
        Ok(())
    }
}

impl SpeechToText for Deepgram {
    fn open(&self, options: SttOptions) -> SttStream {
        let (commands, commands_in) = mpsc::channel(STT_COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(STT_EVENTS_MAX);
        let deepgram = self.clone();
        // Ends when the stream's owner drops its sender or its receiver, or when the connection fails.
        tokio::spawn(async move {
            if let Err(error) = deepgram.run(options, commands_in, events_out.clone()).await {
                // An owner that has gone wants no ending.
                let _ = events_out.send(SttEvent::Down { error: error.into() }).await;
            }
        });
        SttStream { commands, events }
    }

    fn marks_ends(&self) -> bool {
        true
    }

    fn languages(&self) -> &[&'static str] {
        &["en", "uk", "de", "fr", "es", "it", "pt", "nl", "pl"]
    }

    fn name(&self) -> String {
        format!("{}:{}", self.endpoint.provider, self.settings.model)
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn SpeechToText>> {
        Some(Arc::new(Self { meter: meter.clone(), ..self.clone() }))
    }
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    utterance: UtteranceId,
    revision: u32,
    from: SamplePos,
    to: SamplePos,
    last: bool,
    at: Instant,
    /// Samples that had been sent when it was asked.
    flushed: u64,
}

#[derive(Clone, Debug)]
struct Word {
    timed: TimedWord,
    confidence: f32,
    owner: Option<UtteranceId>,
    /// It was told with an end of speech.
    ended: bool,
}

/// What was sent, what was heard, and what is still to be answered.
#[derive(Debug, Default)]
struct Hearing {
    /// Samples sent; the provider counts its time in them.
    sent: u64,
    /// Places in what was sent, and where they stand on the session's clock.
    anchors: VecDeque<(u64, SamplePos)>,
    next: Option<SamplePos>,
    words: VecDeque<Word>,
    /// Samples for which the words are final.
    covered: u64,
    /// The same at its last end of speech: between it and a pause of ours lies nothing but silence.
    ended: u64,
    asked: VecDeque<Asked>,
    flushes: VecDeque<u64>,
    /// Words from here on belong to no closed utterance.
    open_from: SamplePos,
    guess: UtteranceId,
    endpoint_from: SamplePos,
    told: VecDeque<SttEvent>,
}

impl Hearing {
    fn take(&mut self, frame: &EarFrame) {
        if self.next != Some(frame.at) {
            self.anchors.push_back((self.sent, frame.at));
            self.anchors.drain(..self.anchors.len().saturating_sub(ANCHORS_MAX));
        }
        self.sent += frame.pcm.len() as u64;
        self.next = Some(frame.at.plus(frame.pcm.len() as u64));
    }

    /// Where `seconds` of the provider's time stand on the session's clock.
    fn place(&self, seconds: f64) -> SamplePos {
        let sample = (seconds.max(0.0) * f64::from(EAR_RATE_HZ)) as u64;
        let (at, anchor) = self
            .anchors
            .iter()
            .rev()
            .find(|(at, _)| *at <= sample)
            .or(self.anchors.front())
            .copied()
            .unwrap_or_default();
        anchor.plus(sample.saturating_sub(at))
    }

    /// How many samples had been sent when `at` was.
    fn sent_at(&self, at: SamplePos) -> u64 {
        let (sent, anchor) = self.anchors.iter().rev().find(|(_, anchor)| *anchor <= at).copied().unwrap_or_default();
        (sent + at.0.saturating_sub(anchor.0)).min(self.sent)
    }

    fn ask(&mut self, asked: Asked) {
        // A newer revision makes older ones worthless.
        self.asked.retain(|older| older.utterance != asked.utterance);
        self.guess = if asked.last { asked.utterance.next() } else { asked.utterance };
        self.flushes.push_back(asked.flushed);
        self.asked.push_back(asked);
        self.settle(asked.at);
    }

    fn results(&mut self, message: &Value) {
        let said = &message["channel"]["alternatives"][0];
        let text = said["transcript"].as_str().unwrap_or_default().trim();
        if message["is_final"] != true {
            if !text.is_empty() {
                let before = self.open_words();
                let text = if before.is_empty() { text.to_owned() } else { format!("{before} {text}") };
                self.told.push_back(SttEvent::Partial { utterance: self.guess, text });
            }
            return;
        }
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        for word in said["words"].as_array().into_iter().flatten() {
            let text = word["punctuated_word"].as_str().or(word["word"].as_str()).unwrap_or_default().to_owned();
            let (start, end) = (self.place(number(&word["start"])), self.place(number(&word["end"])));
            self.hear(text, start, end, number(&word["confidence"]));
        }
        if !text.is_empty() && said["words"].as_array().is_none_or(Vec::is_empty) {
            // A service that tells no words tells at least where all of them lie.
            let start = number(&message["start"]);
            let (start, end) = (self.place(start), self.place(start + number(&message["duration"])));
            self.hear(text.to_owned(), start, end, number(&said["confidence"]));
        }
        self.words.drain(..self.words.len().saturating_sub(WORDS_MAX));
        let end = number(&message["start"]) + number(&message["duration"]);
        self.covered = self.covered.max((end * f64::from(EAR_RATE_HZ)).round() as u64);
        if message["from_finalize"] == true
            && let Some(flushed) = self.flushes.pop_front()
        {
            self.covered = self.covered.max(flushed);
        }
        if message["speech_final"] == true {
            self.ended = self.covered;
            self.endpoint(self.place(end));
        }
        self.settle(Instant::now());
    }

    fn hear(&mut self, text: String, start: SamplePos, end: SamplePos, confidence: f64) {
        let timed = TimedWord { text, start, end: end.max(start) };
        self.words.push_back(Word { timed, confidence: confidence as f32, owner: None, ended: false });
    }

    fn endpoint(&mut self, to: SamplePos) {
        let from = std::mem::replace(&mut self.endpoint_from, to);
        let words: Vec<&Word> = self.words.iter().filter(|word| !word.ended).collect();
        let transcript = transcript(&words);
        self.words.iter_mut().for_each(|word| word.ended = true);
        if !transcript.text.is_empty() {
            self.told.push_back(SttEvent::Endpoint { from, to, transcript });
        }
    }

    fn open_words(&self) -> String {
        let open = self.words.iter().filter(|word| word.timed.start >= self.open_from);
        open.map(|word| word.timed.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// When something may have settled by itself.
    fn due(&self) -> Option<Instant> {
        let waiting = self.asked.iter().filter(|asked| self.is_nearly_covered(asked));
        waiting.map(|asked| asked.at + SETTLED).min()
    }

    fn is_nearly_covered(&self, asked: &Asked) -> bool {
        self.covered + SETTLED_SAMPLES >= self.sent_at(asked.to)
    }

    /// It has marked an end of speech so close before the end of what was asked that only the silence lies behind it, by
    /// which the pause was noticed.
    fn is_ended(&self, asked: &Asked) -> bool {
        self.ended > 0 && self.ended == self.covered && self.covered + SLACK_SAMPLES >= self.sent_at(asked.to)
    }

    /// Answers what can be answered.
    fn settle(&mut self, now: Instant) {
        let covered = self.covered;
        let (ready, waiting): (Vec<Asked>, Vec<Asked>) =
            self.asked.drain(..).collect::<Vec<_>>().into_iter().partition(|asked| {
                let is_told = covered >= self.sent_at(asked.to) || self.is_ended(asked);
                is_told || now >= asked.at + SETTLED && self.is_nearly_covered(asked)
            });
        self.asked = waiting.into();
        for asked in ready {
            self.flushes.retain(|flushed| *flushed > asked.flushed);
            let transcript = self.words_of(&asked);
            if asked.last {
                self.open_from = self.open_from.max(asked.to);
            }
            let Asked { utterance, revision, .. } = asked;
            self.told.push_back(SttEvent::Final { utterance, revision, transcript });
        }
    }

    /// The words in an utterance's stretch, as far as they are no other's.
    fn words_of(&mut self, asked: &Asked) -> Transcript {
        let from = SamplePos(asked.from.0.saturating_sub(SLACK_SAMPLES));
        let to = asked.to.plus(SLACK_SAMPLES);
        let mut found: Vec<&Word> = Vec::new();
        for word in &mut self.words {
            let middle = middle(&word.timed);
            if middle >= from && middle <= to && word.owner.is_none_or(|owner| owner == asked.utterance) {
                word.owner = Some(asked.utterance);
                found.push(word);
            }
        }
        transcript(&found)
    }

    /// Hands over what is to be told. False if nobody listens any more.
    fn tell(&mut self, events: &mpsc::Sender<SttEvent>) -> bool {
        while let Some(event) = self.told.pop_front() {
            match events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::error!(
                        events_max = STT_EVENTS_MAX,
                        "a transcript was lost: its session does not read them"
                    );
                }
            }
        }
        true
    }
}

fn middle(word: &TimedWord) -> SamplePos {
    SamplePos(u64::midpoint(word.start.0, word.end.0))
}

fn transcript(words: &[&Word]) -> Transcript {
    let confidence = words.iter().map(|word| word.confidence).sum::<f32>() / words.len().max(1) as f32;
    Transcript {
        text: words.iter().map(|word| word.timed.text.as_str()).collect::<Vec<_>>().join(" "),
        confidence: (!words.is_empty()).then_some(confidence),
        words: words.iter().map(|word| word.timed.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::EAR_FRAME_SAMPLES;

    fn hears(hearing: &mut Hearing, from_ms: u64, to_ms: u64) {
        for at_ms in (from_ms..to_ms).step_by(20) {
            let at = SamplePos::from_ms(at_ms);
            hearing.take(&EarFrame { at, pcm: [0; EAR_FRAME_SAMPLES], concealed: false });
        }
    }

    fn asks(hearing: &mut Hearing, revision: u32, to_ms: u64) {
        // Long ahead: nothing settles by time alone.
        let at = Instant::now() + Duration::from_secs(3_600);
        let (utterance, to, flushed) = (UtteranceId(1), SamplePos::from_ms(to_ms), hearing.sent);
        hearing.ask(Asked { utterance, revision, from: SamplePos(0), to, last: false, at, flushed });
    }

    fn told(hearing: &mut Hearing) -> Option<String> {
        let is_final = |event: SttEvent| match event {
            SttEvent::Final { transcript, .. } => Some(transcript.text),
            SttEvent::Partial { .. }
            | SttEvent::Failed { .. }
            | SttEvent::Endpoint { .. }
            | SttEvent::Switched { .. }
            | SttEvent::Down { .. } => None,
        };
        hearing.told.drain(..).find_map(is_final)
    }

    #[test]
    fn a_pause_that_it_has_marked_itself_waits_for_no_flush() {
        let mut hearing = Hearing::default();
        hears(&mut hearing, 0, 1_800);
        let word =
            |word: &str, start: f64| json!({"word": word, "start": start, "end": start + 0.3, "confidence": 0.9});
        let said = |word: Value, from: f64, to: f64, ends: bool| {
            let alternative = json!({"transcript": word["word"], "words": [word]});
            json!({"is_final": true, "speech_final": ends, "start": from, "duration": to - from,
                "channel": {"alternatives": [alternative]}})
        };
        hearing.results(&said(word("yes", 0.3), 0.0, 1.7, true));
        asks(&mut hearing, 1, 1_800);
        assert_eq!(told(&mut hearing).as_deref(), Some("yes"));
        // Who goes on has said more than was marked.
        hears(&mut hearing, 1_800, 3_000);
        asks(&mut hearing, 2, 3_000);
        assert_eq!(told(&mut hearing), None);
        hearing.results(&said(word("but", 2.5), 1.7, 2.9, false));
        assert_eq!(told(&mut hearing), None, "what is final need not be all");
        hearing.results(&said(word("no", 2.7), 2.9, 2.95, true));
        assert_eq!(told(&mut hearing).as_deref(), Some("yes but no"));
    }
}

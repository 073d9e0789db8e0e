//! The listening side of a plain conversation: frames to the detector and to the transcriber, marks and words back, as
//! events of the floor. No frame waits for another, none is gathered. Must never decide who may speak.

use super::PlainSettings;
use super::floor::{Endpointing, Event};
use crate::audio::frame::{EAR_RATE_HZ, EarFrame, stretch};
use crate::id::UtteranceId;
use crate::session::Parts;
use crate::session::utterances::{Mark, Settings, Utterances};
use crate::stt::{SttCommand, SttEvent, SttOptions, SttStream};
use crate::vad::energy::EnergyGate;
use crate::vad::{TurnModel, VadError, VoiceReading, VoiceStream};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Audio kept for the turn model, samples (it looks at no more than 8 s).
const TURN_SAMPLES: usize = 8 * EAR_RATE_HZ as usize;
/// Utterances whose words may still come.
const ASKED_MAX: usize = 16;
/// Judgements of the turn model under way; past it the stated silence decides.
const JUDGEMENTS_MAX: usize = 4;
/// With the gate alone: voice of this length is speech, ms. It stops the bot only after longer.
const GATE_SPEECH_MIN_MS: u32 = 60;
/// And a gap up to this is inside a word, ms.
const GATE_GAP_MS: u32 = 120;

/// Who says where voice is.
enum Detector {
    /// Here, on each frame: the transcriber marks the ends, this only notices who cuts in.
    Gate(EnergyGate),
    Model(VoiceStream),
}

/// Something to hear.
pub enum Heard {
    Reading(VoiceReading),
    Words(SttEvent),
    /// The transcriber has closed its stream.
    Deaf,
    Judged(UtteranceId, Option<f32>),
}

/// The ears of one call.
pub struct PlainEars {
    detector: Detector,
    utterances: Utterances,
    endpointing: Endpointing,
    stt: SttStream,
    stt_open: bool,
    turn_model: Option<Arc<dyn TurnModel>>,
    /// Longest wait for its word.
    judgement: Duration,
    recent: VecDeque<i16>,
    /// The newest revision of each utterance.
    asked: BTreeMap<UtteranceId, u32>,
    judging: FuturesUnordered<BoxFuture<'static, (UtteranceId, Option<f32>)>>,
    pub partial: Option<String>,
}

impl PlainEars {
    pub fn open(parts: &Parts, plain: &PlainSettings, settings: Settings, options: SttOptions) -> Self {
        let endpointing = plain.floor.endpointing;
        let (detector, settings) = match endpointing {
            Endpointing::Provider => {
                let gate = Settings { speech_min_ms: GATE_SPEECH_MIN_MS, stop_silence_ms: GATE_GAP_MS, ..settings };
                (Detector::Gate(EnergyGate::default()), gate)
            }
            Endpointing::Vad | Endpointing::Turn => (Detector::Model(parts.voice_activity.open()), settings),
        };
        Self {
            detector,
            utterances: Utterances::new(settings, UtteranceId(1)),
            endpointing,
            stt: parts.stt.open(options),
            stt_open: true,
            turn_model: parts.turn_model.clone().filter(|_| endpointing == Endpointing::Turn),
            judgement: plain.judgement,
            recent: VecDeque::new(),
            asked: BTreeMap::new(),
            judging: FuturesUnordered::new(),
            partial: None,
        }
    }

    /// Takes a frame; what it brought to light, which mostly is nothing.
    pub fn frame(&mut self, frame: EarFrame) -> Vec<Event> {
        if self.turn_model.is_some() {
            let excess = (self.recent.len() + frame.pcm.len()).saturating_sub(TURN_SAMPLES);
            self.recent.drain(..excess.min(self.recent.len()));
            self.recent.extend(&frame.pcm);
        }
        let events = match &mut self.detector {
            Detector::Gate(gate) => {
                let reading = gate.read(&frame);
                self.read(reading)
            }
            Detector::Model(stream) => {
                if stream.frames.try_send(frame.clone()).is_err() {
                    metrics::counter!("vivavoce_frames_dropped_total", "part" => "vad").increment(1);
                }
                Vec::new()
            }
        };
        if self.stt_open && self.stt.commands.try_send(SttCommand::Audio(frame)).is_err() {
            metrics::counter!("vivavoce_frames_dropped_total", "part" => "stt").increment(1);
        }
        events
    }

    /// The next thing to hear; safe to be cancelled.
    pub async fn next(&mut self) -> Heard {
        let readings = async {
            match &mut self.detector {
                Detector::Model(stream) => stream.readings.recv().await,
                Detector::Gate(_) => None,
            }
        };
        tokio::select! {
            biased;
            Some(reading) = readings => Heard::Reading(reading),
            event = self.stt.events.recv(), if self.stt_open => event.map_or_else(
                || { self.stt_open = false; Heard::Deaf },
                Heard::Words,
            ),
            Some((utterance, judged)) = self.judging.next(), if !self.judging.is_empty() => Heard::Judged(utterance, judged),
            else => std::future::pending().await,
        }
    }

    /// What follows of it for the floor.
    pub fn hear(&mut self, heard: Heard) -> Vec<Event> {
        match heard {
            Heard::Reading(reading) => self.read(reading),
            Heard::Words(SttEvent::Final { utterance, revision, transcript }) => {
                let is_last = self.asked.get(&utterance) == Some(&revision);
                vec![Event::Words { utterance, text: transcript.text, is_last }]
            }
            Heard::Words(SttEvent::Endpoint { to, transcript, .. }) => {
                vec![Event::Endpoint { text: transcript.text, to }]
            }
            Heard::Words(SttEvent::Failed { utterance, .. }) => {
                // The turn goes on with the words that are there.
                vec![Event::Words { utterance, text: String::new(), is_last: true }]
            }
            Heard::Words(SttEvent::Partial { text, .. }) => {
                self.partial = Some(text);
                Vec::new()
            }
            Heard::Words(SttEvent::Switched { .. } | SttEvent::Down { .. }) | Heard::Deaf => Vec::new(),
            Heard::Judged(utterance, probability) => {
                let newest = self.asked.last_key_value().map(|(newest, _)| *newest);
                if newest == Some(utterance) { vec![Event::Completion { probability }] } else { Vec::new() }
            }
        }
    }

    /// The turn is over: what comes next is another utterance.
    pub fn close_turn(&mut self) {
        let marks = self.utterances.close_pausing();
        let _ = self.marks(&marks);
    }

    fn read(&mut self, reading: VoiceReading) -> Vec<Event> {
        let marks = self.utterances.read(reading);
        self.marks(&marks)
    }

    fn marks(&mut self, marks: &[Mark]) -> Vec<Event> {
        let mut events = Vec::new();
        for mark in marks {
            match *mark {
                Mark::Started { at, .. } => {
                    // Whoever goes on has not finished: what the model would say of that pause is asked of nobody.
                    self.judging.clear();
                    events.push(Event::Began { at });
                }
                Mark::Stopped { utterance, at, from, to } => {
                    if self.endpointing != Endpointing::Provider {
                        self.ask(utterance, |revision| SttCommand::Transcribe {
                            utterance,
                            revision,
                            from,
                            to,
                            last: false,
                        });
                        self.judge(utterance);
                    }
                    events.push(Event::Paused { utterance, at });
                }
                Mark::Closed { utterance, from, to, next } => {
                    // One that was cut in mid-speech has words that were not asked for yet.
                    if next.is_some() && self.endpointing != Endpointing::Provider {
                        self.ask(utterance, |revision| SttCommand::Transcribe {
                            utterance,
                            revision,
                            from,
                            to,
                            last: true,
                        });
                    }
                }
            }
        }
        events
    }

    fn ask(&mut self, utterance: UtteranceId, command: impl FnOnce(u32) -> SttCommand) {
        let revision = self.asked.get(&utterance).map_or(1, |revision| revision + 1);
        self.asked.insert(utterance, revision);
        while self.asked.len() > ASKED_MAX {
            self.asked.pop_first();
        }
        if self.stt.commands.try_send(command(revision)).is_err() {
            metrics::counter!("vivavoce_frames_dropped_total", "part" => "stt").increment(1);
        }
    }

    fn judge(&mut self, utterance: UtteranceId) {
        let Some(model) = &self.turn_model else { return };
        if self.judging.len() >= JUDGEMENTS_MAX {
            metrics::counter!("vivavoce_turns_unjudged_total").increment(1);
            self.judging.push(Box::pin(std::future::ready((utterance, None))));
            return;
        }
        let judged = model.completion(stretch(&self.recent, 0..self.recent.len()));
        let wait = self.judgement;
        self.judging.push(Box::pin(async move {
            // A question whose asker has gone is left out, so that the others stand in line for less.
            let probability = match tokio::time::timeout(wait, judged).await {
                Ok(Ok(probability)) => Some(probability),
                // So many calls ask at once that it has no time for this one.
                Ok(Err(VadError::Busy { .. })) | Err(_) => None,
                Ok(Err(error @ (VadError::Load { .. } | VadError::Run { .. } | VadError::Gone))) => {
                    tracing::warn!(%error, "the turn model failed; silence decides");
                    None
                }
            };
            if probability.is_none() {
                metrics::counter!("vivavoce_turns_unjudged_total").increment(1);
            }
            (utterance, probability)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::{EAR_FRAME_SAMPLES, SamplePos};
    use std::sync::{Mutex, PoisonError};
    use tokio::sync::{mpsc, oneshot};

    /// A turn model that answers when it is told to.
    #[derive(Default)]
    struct Slow {
        asked: Mutex<Vec<oneshot::Sender<f32>>>,
    }

    impl TurnModel for Slow {
        fn completion(&self, _: Vec<i16>) -> BoxFuture<'static, Result<f32, VadError>> {
            let (answer, answered) = oneshot::channel();
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
            Box::pin(async move { answered.await.map_err(|_| VadError::Gone) })
        }

        fn name(&self) -> String {
            "slow".into()
        }
    }

    /// Hears so much of a loud or a silent room.
    fn hears(ears: &mut PlainEars, at: &mut u64, ms: u64, level: i16) {
        for _ in 0..ms / 20 {
            ears.frame(EarFrame { at: SamplePos::from_ms(*at), pcm: [level; EAR_FRAME_SAMPLES], concealed: false });
            *at += 20;
        }
    }

    #[tokio::test]
    async fn a_pause_that_is_over_is_asked_of_nobody() {
        let model = Arc::new(Slow::default());
        // Nobody transcribes; what would be asked is kept unread.
        let (commands, _unread) = mpsc::channel(1_000);
        let (_unsaid, events) = mpsc::channel(1);
        let mut ears = PlainEars {
            detector: Detector::Gate(EnergyGate::default()),
            utterances: Utterances::new(Settings::default(), UtteranceId(1)),
            endpointing: Endpointing::Turn,
            stt: SttStream { commands, events },
            stt_open: true,
            turn_model: Some(model.clone()),
            judgement: Duration::from_secs(600),
            recent: VecDeque::new(),
            asked: BTreeMap::new(),
            judging: FuturesUnordered::new(),
            partial: None,
        };
        let mut at = 0;
        let open = |model: &Slow| {
            let asked = model.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.iter().map(|asked| !asked.is_closed()).collect::<Vec<_>>()
        };
        hears(&mut ears, &mut at, 600, 8_000);
        hears(&mut ears, &mut at, 400, 0);
        assert_eq!(open(&model), [true]);
        hears(&mut ears, &mut at, 600, 8_000);
        assert_eq!(open(&model), [false], "the voice has gone on");
        hears(&mut ears, &mut at, 400, 0);
        assert_eq!(open(&model), [false, true]);
        let last = model.asked.lock().unwrap_or_else(PoisonError::into_inner).pop().expect("it was asked");
        last.send(0.9).expect("somebody waits");
        assert!(matches!(ears.next().await, Heard::Judged(UtteranceId(1), Some(0.9))));
    }
}

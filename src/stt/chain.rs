//! Transcribers in order of preference: the first one that is well is used. When it fails or is late, the next one hears
//! the last utterance again and answers what was asked; a better one that failed is tried again beside it. Must never
//! lose a request, nor let two transcribers answer one.

use super::{STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream};
use crate::audio::frame::{EarFrame, FRAME_MS, SamplePos};
use crate::clock::Alarm;
use crate::cloud::meter::Meter;
use crate::cloud::{Breaker, Fault};
use crate::id::UtteranceId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Audio that is kept to be heard again, frames: 15 s, the longest utterance with its lead.
const KEPT_FRAMES_MAX: usize = 15_000 / FRAME_MS as usize;
/// Kept before the end of what was answered, samples (half a second): the next utterance's lead reaches back.
const LEAD_SAMPLES: u64 = 8_000;
/// The same before a mark that the transcriber made itself, samples (100 ms): its silence, and no word of what it ends.
const MARKED_SAMPLES: u64 = 1_600;
/// Commands that wait for a transcriber that is still connecting: what is kept, and some requests.
const BACKLOG_MAX: usize = KEPT_FRAMES_MAX + 250;
/// Failures in a row, over all transcribers, each tried twice; then nobody hears any more.
const ROUNDS_MAX: usize = 2;
/// How often it is looked whether a better transcriber may be tried again, s.
const LOOK: Duration = Duration::from_secs(1);

/// A transcriber and what is known of its health, which all interviews share.
#[derive(Clone)]
pub struct SttLink {
    pub stt: Arc<dyn SpeechToText>,
    pub breaker: Arc<Breaker>,
}

/// How long words are waited for.
#[derive(Clone, Copy, Debug)]
pub struct SttDeadlines {
    /// Where another transcriber could answer.
    pub words: Duration,
    /// Where none could.
    pub last_words: Duration,
}

/// The chain; cheap to clone.
#[derive(Clone)]
pub struct SttChain {
    links: Arc<[SttLink]>,
    /// Those that all of them hear: any may have to take over.
    languages: Vec<&'static str>,
    deadlines: SttDeadlines,
}

impl SttChain {
    /// `links` is not empty.
    #[must_use]
    pub fn new(links: Vec<SttLink>, deadlines: SttDeadlines) -> Self {
        let hears = |link: &SttLink, language: &&'static str| link.stt.languages().contains(language);
        let first = links.first().map_or(&[][..], |link| link.stt.languages());
        let languages =
            first.iter().copied().filter(|language| links.iter().all(|link| hears(link, language))).collect();
        Self { links: links.into(), languages, deadlines }
    }
}

impl SpeechToText for SttChain {
    fn open(&self, options: SttOptions) -> SttStream {
        let (commands, commands_in) = mpsc::channel(STT_COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(STT_EVENTS_MAX);
        let first = self.links.iter().position(|link| link.breaker.allows(Instant::now().into_std()));
        let active = Ear::open(&self.links, first.unwrap_or(self.links.len() - 1), &options);
        let listening = Listening {
            links: self.links.clone(),
            deadlines: self.deadlines,
            options,
            active,
            trial: None,
            pending: BTreeMap::new(),
            recent: VecDeque::new(),
            failures: 0,
            events: events_out,
        };
        // Ends when the stream's owner drops its ends, or when no transcriber is left.
        tokio::spawn(listening.run(commands_in));
        SttStream { commands, events }
    }

    fn is_alive(&self) -> bool {
        self.links.iter().any(|link| link.stt.is_alive())
    }

    fn marks_ends(&self) -> bool {
        self.links.iter().all(|link| link.stt.marks_ends())
    }

    fn languages(&self) -> &[&'static str] {
        &self.languages
    }

    fn name(&self) -> String {
        self.links.iter().map(|link| link.stt.name()).collect::<Vec<_>>().join(", else ")
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn SpeechToText>> {
        let link = |link: &SttLink| SttLink {
            stt: link.stt.metered(meter).unwrap_or_else(|| link.stt.clone()),
            breaker: link.breaker.clone(),
        };
        Some(Arc::new(Self { links: self.links.iter().map(link).collect(), ..self.clone() }))
    }
}

/// A stream to one transcriber, and what waits to be sent to it.
struct Ear {
    index: usize,
    stream: SttStream,
    backlog: VecDeque<SttCommand>,
}

impl Ear {
    fn open(links: &[SttLink], index: usize, options: &SttOptions) -> Self {
        Self { index, stream: links[index].stt.open(options.clone()), backlog: VecDeque::new() }
    }

    fn tell(&mut self, command: SttCommand) {
        if self.backlog.len() >= BACKLOG_MAX {
            self.backlog.pop_front();
            metrics::counter!("vivavoce_frames_dropped_total", "part" => "stt-chain").increment(1);
        }
        self.backlog.push_back(command);
        self.pass_on();
    }

    fn pass_on(&mut self) {
        while !self.backlog.is_empty() {
            let Ok(permit) = self.stream.commands.try_reserve() else { return };
            if let Some(command) = self.backlog.pop_front() {
                permit.send(command);
            }
        }
    }

    /// The next event; meanwhile what waits is passed on.
    async fn event(&mut self) -> SttEvent {
        loop {
            tokio::select! {
                event = self.stream.events.recv() => {
                    return event.unwrap_or(SttEvent::Down { error: SttError::Gone });
                }
                Ok(permit) = self.stream.commands.reserve(), if !self.backlog.is_empty() => {
                    if let Some(command) = self.backlog.pop_front() {
                        permit.send(command);
                    }
                }
            }
        }
    }
}

/// A better transcriber that is tried again: it hears what the active one hears, and shows that it is well by an answer.
struct Trial {
    ear: Ear,
    asked: Option<(UtteranceId, u32, Instant)>,
}

#[derive(Clone, Copy)]
struct Pending {
    revision: u32,
    from: SamplePos,
    to: SamplePos,
    last: bool,
    at: Instant,
    /// The transcriber has been asked again after a failure that may pass.
    again: bool,
}

impl Pending {
    fn command(&self, utterance: UtteranceId) -> SttCommand {
        let Self { revision, from, to, last, .. } = *self;
        SttCommand::Transcribe { utterance, revision, from, to, last }
    }
}

struct Listening {
    links: Arc<[SttLink]>,
    deadlines: SttDeadlines,
    options: SttOptions,
    active: Ear,
    trial: Option<Trial>,
    pending: BTreeMap<UtteranceId, Pending>,
    recent: VecDeque<EarFrame>,
    /// In a row.
    failures: usize,
    events: mpsc::Sender<SttEvent>,
}

/// Nobody hears any more, or nobody listens.
struct Over;

impl Listening {
    async fn run(mut self, mut commands: mpsc::Receiver<SttCommand>) {
        let mut is_open = true;
        let events = self.events.clone();
        let unheard = events.closed();
        tokio::pin!(unheard);
        let mut alarm = Alarm::default();
        while is_open || !self.pending.is_empty() {
            let deadline = self.deadline();
            let going_on = tokio::select! {
                biased;
                command = commands.recv(), if is_open => match command {
                    Some(command) => {
                        self.command(command);
                        Ok(())
                    }
                    None => {
                        is_open = false;
                        Ok(())
                    }
                },
                () = &mut unheard => return,
                event = self.active.event() => self.heard(event).await,
                event = trial_event(&mut self.trial) => self.tried(event).await,
                () = alarm.by(deadline.into_std()) => self.late().await,
            };
            if going_on.is_err() {
                return;
            }
        }
    }

    fn command(&mut self, command: SttCommand) {
        match command {
            SttCommand::Audio(frame) => {
                self.recent.push_back(frame.clone());
                self.recent.drain(..self.recent.len().saturating_sub(KEPT_FRAMES_MAX));
                if let Some(trial) = &mut self.trial {
                    trial.ear.tell(SttCommand::Audio(frame.clone()));
                }
                self.active.tell(SttCommand::Audio(frame));
            }
            SttCommand::Transcribe { utterance, revision, from, to, last } => {
                let at = Instant::now();
                let pending = Pending { revision, from, to, last, at, again: false };
                self.pending.insert(utterance, pending);
                if let Some(trial) = &mut self.trial {
                    trial.asked = Some((utterance, revision, at));
                    trial.ear.tell(pending.command(utterance));
                }
                self.active.tell(pending.command(utterance));
            }
        }
    }

    async fn heard(&mut self, event: SttEvent) -> Result<(), Over> {
        match event {
            SttEvent::Final { utterance, revision, .. } => {
                if self.pending.get(&utterance).is_none_or(|pending| pending.revision != revision) {
                    return Ok(());
                }
                self.links[self.active.index].breaker.succeeded();
                self.answered(utterance);
                self.tell(event).await
            }
            SttEvent::Failed { utterance, revision, error } => {
                let Some(pending) = self.pending.get_mut(&utterance).filter(|pending| pending.revision == revision)
                else {
                    return Ok(());
                };
                let is_its_own = matches!(error, SttError::AudioGone | SttError::Busy { .. });
                if !is_its_own && self.links.len() > 1 {
                    return self.switch(error).await;
                }
                if !is_its_own && fault(&error) == Fault::Passing && !pending.again {
                    pending.again = true;
                    let command = pending.command(utterance);
                    self.active.tell(command);
                    return Ok(());
                }
                self.pending.remove(&utterance);
                self.tell(SttEvent::Failed { utterance, revision, error }).await
            }
            SttEvent::Down { error } => self.switch(error).await,
            SttEvent::Endpoint { to, .. } => {
                // Whoever goes by these marks has the words: it is well, and nothing before is to be heard again.
                self.links[self.active.index].breaker.succeeded();
                self.failures = 0;
                let keep_from = to.0.saturating_sub(MARKED_SAMPLES);
                if self.pending.is_empty() {
                    self.recent.retain(|frame| frame.at.0 >= keep_from);
                }
                self.tell(event).await
            }
            SttEvent::Partial { .. } | SttEvent::Switched { .. } => self.tell(event).await,
        }
    }

    fn answered(&mut self, utterance: UtteranceId) {
        self.failures = 0;
        if let Some(pending) = self.pending.remove(&utterance).filter(|pending| pending.last) {
            let keep_from = pending.to.0.saturating_sub(LEAD_SAMPLES);
            self.recent.retain(|frame| frame.at.0 >= keep_from);
        }
    }

    /// The active transcriber has failed: the next one takes over where it was.
    async fn switch(&mut self, error: SttError) -> Result<(), Over> {
        let failed = self.active.index;
        let name = self.links[failed].stt.name();
        let fault = fault(&error);
        let now = Instant::now().into_std();
        self.links[failed].breaker.failed(now, fault);
        metrics::counter!("vivavoce_provider_failures_total", "part" => "stt", "provider" => name.clone()).increment(1);
        self.failures += 1;
        let Some(next) = self.next_after(failed) else {
            tracing::error!(%name, %error, "speech-to-text failed and no other is left");
            // The owner may have gone; then nobody needs the word.
            let _ = self.tell(SttEvent::Down { error }).await;
            return Err(Over);
        };
        let next_name = self.links[next].stt.name();
        tracing::warn!(failed = %name, %error, next = %next_name, "speech-to-text failed; the next one takes over");
        self.trial = self.trial.take().filter(|trial| trial.ear.index != next);
        let active = Ear::open(&self.links, next, &self.options);
        self.take_over(active, true);
        self.tell(SttEvent::Switched { said: format!("{name} failed ({error}); {next_name} has taken over") }).await
    }

    /// Who hears now: another that may be asked, at worst the last one, or the same again where it is alone.
    fn next_after(&self, failed: usize) -> Option<usize> {
        if self.failures >= self.links.len() * ROUNDS_MAX {
            return None;
        }
        let now = Instant::now().into_std();
        let others = || (0..self.links.len()).filter(|index| *index != failed);
        others().find(|index| self.links[*index].breaker.allows(now)).or_else(|| others().next_back()).or(Some(failed))
    }

    /// `active` hears from now on; `again`: also the audio of what was not answered, and is asked for it.
    fn take_over(&mut self, active: Ear, again: bool) {
        self.active = active;
        if again {
            for frame in &self.recent {
                self.active.tell(SttCommand::Audio(frame.clone()));
            }
        }
        for (utterance, pending) in &mut self.pending {
            pending.at = Instant::now();
            self.active.tell(pending.command(*utterance));
        }
    }

    fn is_alone(&self) -> bool {
        self.links.len() == 1 || self.active.index + 1 == self.links.len()
    }

    fn patience(&self) -> Duration {
        if self.is_alone() { self.deadlines.last_words } else { self.deadlines.words }
    }

    fn deadline(&self) -> Instant {
        let words = self.pending.values().map(|pending| pending.at + self.patience()).min();
        let trial = self.trial.as_ref().and_then(|trial| trial.asked).map(|(.., at)| at + self.deadlines.words);
        words.into_iter().chain(trial).min().unwrap_or_else(|| Instant::now() + LOOK)
    }

    async fn late(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        if let Some(trial) =
            self.trial.take_if(|trial| trial.asked.is_some_and(|(.., at)| at + self.deadlines.words <= now))
        {
            self.links[trial.ear.index].breaker.failed(now.into_std(), Fault::Passing);
        }
        let patience = self.patience();
        let overdue = self.pending.iter().find(|(_, pending)| pending.at + patience <= now);
        if let Some((utterance, pending)) = overdue.map(|(utterance, pending)| (*utterance, *pending)) {
            let error = SttError::Late { deadline_ms: patience.as_millis() };
            if !self.is_alone() {
                return self.switch(error).await;
            }
            self.pending.remove(&utterance);
            let revision = pending.revision;
            return self.tell(SttEvent::Failed { utterance, revision, error }).await;
        }
        self.look_for_better();
        Ok(())
    }

    /// Tries a better transcriber again, between two utterances.
    fn look_for_better(&mut self) {
        if self.trial.is_some() || !self.pending.is_empty() {
            return;
        }
        let now = Instant::now().into_std();
        if let Some(index) = (0..self.active.index).find(|index| self.links[*index].breaker.allows(now)) {
            let mut ear = Ear::open(&self.links, index, &self.options);
            for frame in &self.recent {
                ear.tell(SttCommand::Audio(frame.clone()));
            }
            self.trial = Some(Trial { ear, asked: None });
        }
    }

    async fn tried(&mut self, event: SttEvent) -> Result<(), Over> {
        let Some(trial) = &self.trial else { return Ok(()) };
        let index = trial.ear.index;
        match event {
            SttEvent::Final { utterance, revision, .. } => {
                if trial.asked.is_none_or(|(asked, newest, _)| (asked, newest) != (utterance, revision)) {
                    return Ok(());
                }
                let Some(trial) = self.trial.take() else { return Ok(()) };
                self.links[index].breaker.succeeded();
                let (old, new) = (self.links[self.active.index].stt.name(), self.links[index].stt.name());
                tracing::info!(%new, %old, "speech-to-text is well again");
                let is_wanted = self.pending.get(&utterance).is_some_and(|pending| pending.revision == revision);
                if is_wanted {
                    self.answered(utterance);
                    self.tell(event).await?;
                }
                self.take_over(trial.ear, false);
                self.tell(SttEvent::Switched { said: format!("{new} is well again and takes over from {old}") }).await
            }
            SttEvent::Failed { error, .. } | SttEvent::Down { error } => {
                self.links[index].breaker.failed(Instant::now().into_std(), fault(&error));
                self.trial = None;
                Ok(())
            }
            SttEvent::Partial { .. } | SttEvent::Endpoint { .. } | SttEvent::Switched { .. } => Ok(()),
        }
    }

    async fn tell(&self, event: SttEvent) -> Result<(), Over> {
        self.events.send(event).await.map_err(|_| Over)
    }
}

async fn trial_event(trial: &mut Option<Trial>) -> SttEvent {
    match trial {
        Some(trial) => trial.ear.event().await,
        None => std::future::pending().await,
    }
}

fn fault(error: &SttError) -> Fault {
    match error {
        SttError::Cloud(error) => error.fault,
        SttError::Load { .. } => Fault::Unfit,
        SttError::Run { .. } | SttError::AudioGone | SttError::Busy { .. } | SttError::Late { .. } | SttError::Gone => {
            Fault::Passing
        }
    }
}

//! Runs the conversations in `scenarios/*.txt` (their language: `scenarios/README.md`) through the policy of the floor,
//! in virtual time, with a shell that does what it is told. Must never reach a model, a socket or the clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use vivavoce::audio::frame::SamplePos;
use vivavoce::id::{SpeechId, TurnId, UtteranceId};
use vivavoce::interview::question::QuestionKind;
use vivavoce::turn::{Command, Event, Profile, Reason, Settings, SilenceStep, TurnTaking};

#[test]
fn every_scenario_holds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios");
    let mut failures = String::new();
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the scenarios are there")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "txt")) {
        count += 1;
        let name = file.file_stem().expect("it ends in .txt").to_string_lossy();
        if let Err(failure) = check(&std::fs::read_to_string(file).expect("a readable scenario")) {
            writeln!(failures, "--- {name}\n{failure}").expect("a string takes all");
        }
    }
    assert!(count >= 15, "only {count} scenarios were found");
    assert!(failures.is_empty(), "\n{failures}");
}

/// A scenario that does not hold is told so: the runner itself can fail.
#[test]
fn a_wrong_expectation_is_reported() {
    let wrong =
        "asked factual\n1.0 candidate speaks\n2.0 candidate stops \"A primary key.\" 0.95\nexpect commit at 5.0..6.0\n";
    let why = check(wrong).expect_err("it cannot hold");
    assert!(why.contains("expected commit"), "{why}");
    assert!(check("1.0 candidate dances\n").expect_err("nobody dances").contains("line 1"));
}

/// Runs one scenario; the error tells what was expected and what happened.
fn check(text: &str) -> Result<(), String> {
    let mut shell = Shell::new();
    let mut expectations = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let understood = match words.as_slice() {
            ["expect", what @ ..] => expectation(what).map(|expectation| expectations.push(expectation)),
            _ => shell.read(line, &words),
        };
        understood.ok_or_else(|| format!("line {} is not understood: {line}", number + 1))?;
    }
    shell.run();
    let mut left = shell.log.clone();
    for expectation in expectations {
        expectation.hold(&shell, &mut left).map_err(|why| format!("{why}\nwhat happened:\n{}", shell.timeline()))?;
    }
    Ok(())
}

/// What a line `expect …` asks for, in ms.
enum Expectation {
    Happens { what: String, from: u64, to: u64 },
    Never { what: String, before: u64 },
    Silent { from: u64, to: u64 },
    NothingElse,
}

fn expectation(words: &[&str]) -> Option<Expectation> {
    match words {
        ["nothing", "else"] => Some(Expectation::NothingElse),
        ["silence", "from", from, "to", to] => Some(Expectation::Silent { from: ms(from)?, to: ms(to)? }),
        ["no", what @ .., "before", before] => Some(Expectation::Never { what: what.join(" "), before: ms(before)? }),
        ["no", what @ ..] => Some(Expectation::Never { what: what.join(" "), before: u64::MAX }),
        [what @ .., "at", range] => {
            let (from, to) = range.split_once("..")?;
            Some(Expectation::Happens { what: what.join(" "), from: ms(from)?, to: ms(to)? })
        }
        _ => None,
    }
}

impl Expectation {
    fn hold(&self, shell: &Shell, left: &mut Vec<(u64, String)>) -> Result<(), String> {
        match self {
            Self::Happens { what, from, to } => {
                let found =
                    left.iter().position(|(at, done)| done.starts_with(what.as_str()) && (*from..=*to).contains(at));
                let place = found.ok_or_else(|| format!("expected {what} at {from}..{to} ms"))?;
                left.remove(place);
            }
            Self::Never { what, before } => {
                if let Some((at, done)) =
                    shell.log.iter().find(|(at, done)| done.starts_with(what.as_str()) && at < before)
                {
                    return Err(format!("expected no {what}, but at {at} ms: {done}"));
                }
            }
            Self::Silent { from, to } => {
                if let Some((start, end)) = shell.sounded().into_iter().find(|(start, end)| start < to && end > from) {
                    return Err(format!(
                        "expected silence {from}..{to} ms, but the interviewer sounded {start}..{end} ms"
                    ));
                }
            }
            Self::NothingElse => {
                let told = |done: &str| !["prepare", "discard", "aside"].iter().any(|quiet| done.starts_with(quiet));
                if let Some((at, done)) = left.iter().find(|(_, done)| told(done)) {
                    return Err(format!("expected nothing else, but at {at} ms: {done}"));
                }
            }
        }
        Ok(())
    }
}

/// What will happen to the policy, or to the shell itself.
#[derive(Clone, Debug)]
enum Happening {
    Told(Event),
    /// The interviewer begins a speech; `ask` if the floor is the candidate's after it.
    Begins {
        speech: SpeechId,
        interruptible: bool,
        ask: Option<QuestionKind>,
        lasts: u64,
    },
    /// A speech has played to its end, unless it was held or stopped since (`version`).
    Plays {
        speech: SpeechId,
        version: u32,
    },
}

struct Speech {
    left_ms: u64,
    since: u64,
    version: u32,
    held: bool,
    over: bool,
    turn: Option<TurnId>,
    sounded: Vec<(u64, u64)>,
}

/// A session without sound: it tells the policy what happens and does what it is told.
struct Shell {
    floor: TurnTaking,
    settings: Settings,
    zero: Instant,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    happenings: HashMap<u64, Happening>,
    count: u64,
    utterance: u64,
    speech: u64,
    speeches: HashMap<SpeechId, Speech>,
    dropped: Vec<SpeechId>,
    kind: QuestionKind,
    reply: Option<(u64, u64)>,
    words_after: u64,
    model_after: u64,
    hangover: u64,
    until: u64,
    log: Vec<(u64, String)>,
}

impl Shell {
    fn new() -> Self {
        Self {
            floor: TurnTaking::new(Settings::default()),
            settings: Settings::default(),
            zero: Instant::now() + Duration::from_secs(3600),
            queue: BinaryHeap::new(),
            happenings: HashMap::new(),
            count: 0,
            utterance: 0,
            speech: 0,
            speeches: HashMap::new(),
            dropped: Vec::new(),
            kind: QuestionKind::Explain,
            reply: Some((100, 3_000)),
            words_after: 450,
            model_after: 260,
            hangover: 200,
            until: 0,
            log: Vec::new(),
        }
    }

    fn at(&mut self, ms: u64, happening: Happening) {
        self.count += 1;
        self.happenings.insert(self.count, happening);
        self.queue.push(Reverse((ms, self.count)));
    }

    /// Reads one line; `None` if it is not understood.
    fn read(&mut self, line: &str, words: &[&str]) -> Option<()> {
        match words {
            ["profile", name] => {
                let profile: Profile = serde_json::from_value((*name).into()).ok()?;
                self.settings = Settings::default().of_interview(Some(profile), 1.0);
            }
            ["multiplier", factor] => self.settings = self.settings.clone().with_multiplier(factor.parse().ok()?),
            ["asked", kind] => {
                self.kind = kind_of(kind)?;
                self.at(0, Happening::Told(Event::Asked { kind: self.kind, probe: false }));
            }
            ["asked", "probe", kind] => {
                self.kind = kind_of(kind)?;
                self.at(0, Happening::Told(Event::Asked { kind: self.kind, probe: true }));
            }
            ["reply", "after", after, "for", lasts] => self.reply = Some((ms(after)?, ms(lasts)?)),
            ["no", "reply"] => self.reply = None,
            ["words", "after", after] => self.words_after = ms(after)?,
            ["model", "after", after] => self.model_after = ms(after)?,
            ["runs", "until", until] => self.until = ms(until)?,
            [at, "interviewer", what @ ..] => self.read_interviewer(ms(at)?, what)?,
            [at, "candidate", what @ ..] => self.read_candidate(ms(at)?, what, line)?,
            _ => return None,
        }
        Some(())
    }

    fn read_interviewer(&mut self, at: u64, what: &[&str]) -> Option<()> {
        let (interruptible, ask, lasts) = match what {
            ["asks", kind, "for", lasts] => (true, Some(kind_of(kind)?), lasts),
            ["asks", "for", lasts] => (true, Some(self.kind), lasts),
            ["says", "for", lasts] => (true, None, lasts),
            ["announces", "for", lasts] => (false, None, lasts),
            _ => return None,
        };
        self.kind = ask.unwrap_or(self.kind);
        self.speak(at, interruptible, ask, ms(lasts)?, None);
        Some(())
    }

    fn read_candidate(&mut self, at: u64, what: &[&str], line: &str) -> Option<()> {
        let quoted = line.split('"').nth(1).unwrap_or("").to_owned();
        let after_quote = line.rsplit('"').next().unwrap_or("").split_whitespace().collect::<Vec<_>>();
        let button = |event| Some(Happening::Told(event));
        let event = match what {
            ["speaks", ..] => {
                self.starts(at);
                return Some(());
            }
            ["goes", "on"] => {
                self.starts_again(at);
                return Some(());
            }
            ["stops", ..] => {
                self.stops(at, quoted, &after_quote);
                return Some(());
            }
            ["says", ..] => {
                let ["for", lasts, rest @ ..] = after_quote.as_slice() else { return None };
                self.starts(at);
                self.stops(at + ms(lasts)?, quoted, rest);
                return Some(());
            }
            ["coughs", "for", lasts] => {
                self.starts(at);
                self.stops(at + ms(lasts)?, String::new(), &[]);
                return Some(());
            }
            ["types"] => button(Event::Typing),
            ["sends", "text"] => button(Event::Typed),
            ["presses", "done"] => button(Event::Finished),
            ["presses", "skip" | "repeat" | "rephrase" | "slower" | "pause" | "end"] => button(Event::Overruled),
            ["asks", "for", "time"] => button(Event::Moment),
            ["pauses"] => button(Event::Paused),
            ["resumes"] => button(Event::Resumed),
            ["leaves"] => button(Event::Away),
            ["returns"] => button(Event::Back),
            _ => None,
        };
        self.at(at, event?);
        Some(())
    }

    /// The detector tells of speech 100 ms after it began.
    fn starts(&mut self, at: u64) {
        self.utterance += 1;
        self.starts_again(at);
    }

    /// The same utterance goes on.
    fn starts_again(&mut self, at: u64) {
        let utterance = UtteranceId(self.utterance);
        let told = Event::SpeechStarted { utterance, at: SamplePos::from_ms(at), speech_ms: 100 };
        self.at(at + 100, Happening::Told(told));
    }

    /// `judged`: the turn model's probability and the share of what must be said, as far as written.
    fn stops(&mut self, at: u64, text: String, judged: &[&str]) {
        let probability = judged.first().and_then(|p| p.parse().ok());
        let share = match judged.last() {
            Some(&"untold") => None,
            Some(share) if share.ends_with('%') => share.trim_end_matches('%').parse::<f32>().ok().map(|s| s / 100.0),
            _ => Some(1.0),
        };
        let utterance = UtteranceId(self.utterance);
        let told = Event::SpeechStopped { utterance, at: SamplePos::from_ms(at), silence_ms: self.hangover };
        self.at(at + self.hangover, Happening::Told(told));
        if let Some(probability) = probability {
            self.at(at + self.model_after, Happening::Told(Event::Completion { utterance, probability }));
        }
        if let Some(share) = share {
            self.at(at + self.words_after, Happening::Told(Event::Coverage { share }));
        }
        self.at(at + self.words_after, Happening::Told(Event::Words { utterance, text, last: true }));
    }

    fn speak(&mut self, at: u64, interruptible: bool, ask: Option<QuestionKind>, lasts: u64, turn: Option<TurnId>) {
        self.speech += 1;
        let speech = SpeechId(self.speech);
        let begun =
            Speech { left_ms: lasts, since: at, version: 0, held: false, over: false, turn, sounded: Vec::new() };
        self.speeches.insert(speech, begun);
        self.at(at, Happening::Begins { speech, interruptible, ask, lasts });
    }

    fn run(&mut self) {
        self.floor = TurnTaking::new(self.settings.clone());
        let last = self.queue.iter().map(|Reverse((at, _))| *at).max().unwrap_or(0);
        let until = self.until.max(last + 20_000);
        for _ in 0..100_000 {
            let due = self.floor.poll_deadline().map(|at| at.saturating_duration_since(self.zero).as_millis() as u64);
            let next = self.queue.peek().map(|Reverse((at, _))| *at);
            match (due, next) {
                (Some(due), next) if next.is_none_or(|next| due < next) => {
                    if due > until {
                        return;
                    }
                    self.floor.handle_timeout(self.zero + Duration::from_millis(due));
                    self.obey(due);
                }
                (_, Some(at)) if at <= until => {
                    let Some(Reverse((_, id))) = self.queue.pop() else { return };
                    if let Some(happening) = self.happenings.remove(&id) {
                        self.happen(at, happening);
                    }
                }
                _ => return,
            }
        }
        panic!("the scenario does not end");
    }

    fn happen(&mut self, at: u64, happening: Happening) {
        match happening {
            Happening::Told(event) => self.tell(at, event),
            Happening::Begins { speech, interruptible, ask, lasts } => {
                if self.dropped.contains(&speech) {
                    return;
                }
                if let Some(kind) = ask {
                    self.tell(at, Event::Asked { kind, probe: false });
                }
                self.at(at + lasts, Happening::Plays { speech, version: 0 });
                self.tell(at, Event::InterviewerStarted { speech, interruptible });
            }
            Happening::Plays { speech, version } => {
                let ended =
                    self.speeches.get_mut(&speech).filter(|playing| playing.version == version && !playing.over);
                if let Some(playing) = ended {
                    playing.over = true;
                    playing.sounded.push((playing.since, at));
                    self.tell(at, Event::InterviewerEnded { speech });
                }
            }
        }
    }

    fn tell(&mut self, at: u64, event: Event) {
        self.floor.handle_event(self.zero + Duration::from_millis(at), event);
        self.obey(at);
    }

    fn obey(&mut self, at: u64) {
        while let Some(command) = self.floor.poll_command() {
            self.log.push((at, said(&command)));
            match command {
                Command::Commit { turn, decision, .. } => {
                    if let Some((after, lasts)) = self.reply.filter(|_| decision.reason != Reason::Overruled) {
                        let interruptible = decision.reason != Reason::Monologue;
                        self.speak(at + after, interruptible, Some(self.kind), lasts, Some(turn));
                    }
                }
                Command::Reopen { turn, .. } => {
                    let begun: Vec<_> = self
                        .speeches
                        .iter()
                        .filter(|(_, speech)| speech.turn == Some(turn))
                        .map(|(id, _)| *id)
                        .collect();
                    for speech in begun {
                        self.stop(at, speech);
                    }
                }
                Command::Hold { speech } => self.hold(at, speech, true),
                Command::Resume { speech } => self.hold(at, speech, false),
                Command::Stop { speech } => self.stop(at, speech),
                Command::Silence(SilenceStep::End) | Command::Prepare { .. } | Command::Discard { .. } => {}
                Command::Silence(_) => self.speak(at + 100, true, Some(self.kind), 1_500, None),
                Command::Monologue { .. } | Command::Aside { .. } => {}
            }
        }
    }

    fn hold(&mut self, at: u64, id: SpeechId, hold: bool) {
        let speech = self.speeches.get_mut(&id).expect("a command names a speech that was begun");
        assert!(!speech.over && speech.held != hold, "hold={hold} of {id} at {at} ms");
        speech.held = hold;
        speech.version += 1;
        if hold {
            speech.sounded.push((speech.since, at));
            speech.left_ms = speech.left_ms.saturating_sub(at - speech.since);
        } else {
            speech.since = at;
            let (ends, version) = (at + speech.left_ms, speech.version);
            self.at(ends, Happening::Plays { speech: id, version });
        }
    }

    fn stop(&mut self, at: u64, id: SpeechId) {
        let speech = self.speeches.get_mut(&id).expect("a command names a speech that was begun");
        if speech.over {
            return;
        }
        speech.over = true;
        if at < speech.since {
            self.dropped.push(id);
            return;
        }
        if !speech.held {
            // One more frame leaves.
            speech.sounded.push((speech.since, at + 20));
        }
        self.at(at + 20, Happening::Told(Event::InterviewerEnded { speech: id }));
    }

    fn sounded(&self) -> Vec<(u64, u64)> {
        self.speeches.values().flat_map(|speech| speech.sounded.iter().copied()).collect()
    }

    fn timeline(&self) -> String {
        let mut lines: Vec<(u64, String)> = self.log.clone();
        lines.extend(self.sounded().into_iter().map(|(from, to)| (from, format!("(interviewer sounds until {to})"))));
        lines.sort_by_key(|(at, _)| *at);
        lines.iter().fold(String::new(), |mut text, (at, line)| {
            writeln!(text, "{at:>7} ms  {line}").expect("a string takes all");
            text
        })
    }
}

fn said(command: &Command) -> String {
    match command {
        Command::Prepare { turn } => format!("prepare {turn}"),
        Command::Discard { turn } => format!("discard {turn}"),
        Command::Commit { turn, utterances, decision } => {
            let reason = match decision.reason {
                Reason::Confident => "confident",
                Reason::Patience => "patience",
                Reason::Explicit => "explicit",
                Reason::Monologue => "monologue",
                Reason::Overruled => "overruled",
            };
            format!("commit {reason} turn {turn} of {} utterances after {} ms", utterances.len(), decision.silence_ms)
        }
        Command::Reopen { turn, speech } => {
            format!("reopen {} turn {turn}", if speech.is_some() { "stopping" } else { "unheard" })
        }
        Command::Hold { speech } => format!("hold {speech}"),
        Command::Resume { speech } => format!("resume {speech}"),
        Command::Stop { speech } => format!("stop {speech}"),
        Command::Silence(step) => match step {
            SilenceStep::Nudge => "nudge".into(),
            SilenceStep::OfferSkip => "offer skip".into(),
            SilenceStep::MoveOn => "move on".into(),
            SilenceStep::End => "end".into(),
        },
        Command::Monologue { turn } => format!("monologue {turn}"),
        Command::Aside { utterance } => format!("aside {utterance}"),
    }
}

fn kind_of(name: &str) -> Option<QuestionKind> {
    serde_json::from_value(name.into()).ok()
}

/// Seconds as written, in ms.
fn ms(seconds: &str) -> Option<u64> {
    seconds.parse::<f64>().ok().filter(|s| *s >= 0.0).map(|s| (s * 1000.0).round() as u64)
}

//! Ends of turns on sound: phrases that end, phrases that go on where a shorter one would end, and speech cut at chance
//! places, through the turn model and the transcriber to the policy of the floor, against the turn model alone.

use super::support::{apart, file, heard, moonshine, recordings, runtime, transcribe};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vivavoce::audio::frame::{EAR_RATE_HZ, SamplePos};
use vivavoce::id::UtteranceId;
use vivavoce::tts::piper::{Manner, Piper, PiperFiles};
use vivavoce::tts::{SpeakRequest, TextToSpeech, Urgency};
use vivavoce::turn::{Command, Event, Settings, TurnTaking};
use vivavoce::vad::TurnModel;
use vivavoce::vad::smart_turn::SmartTurn;

/// Silence that the detector waits for, and with which the turn model is asked, ms.
const STOP_MS: u64 = 200;
/// What the turn model and the transcriber take after it, ms.
const MODEL_MS: u64 = 60;
const WORDS_MS: u64 = 250;
/// Voices of the phrases that are listened to (of ten), so that the test stays short.
const VOICES: usize = 4;

/// Sound up to a pause, and whether the speaker has finished there.
struct Sample {
    name: String,
    pcm: Vec<i16>,
    finished: bool,
}

/// What was made of a sample.
struct Judged {
    finished: bool,
    probability: f32,
    /// When the policy takes the floor, ms after the speech.
    wait_ms: u64,
}

#[tokio::test]
async fn the_policy_cuts_off_a_third_less_than_the_turn_model_alone_at_the_same_wait() {
    let (Some(phrases), Some(recordings)) = (phrases(), recordings()) else { return };
    let mut samples = phrases;
    let mut chance = Chance(7);
    for recording in recordings {
        samples.extend(cut(&recording.name, &recording.pcm, &mut chance));
    }
    samples.extend(rehearsed(&mut chance, 6).await.unwrap_or_default());
    let Some((ours, theirs)) = compared(samples).await else { return };
    assert!(ours <= theirs * 2.0 / 3.0, "{ours:.4} is not a third below {theirs:.4}");
}

/// The same by what every machine has: the turn model misjudges more of a synthetic voice, the policy must not.
#[tokio::test]
async fn on_a_synthetic_voice_the_policy_cuts_off_less_than_the_turn_model_alone_too() {
    let Some(samples) = rehearsed(&mut Chance(11), 10).await else { return };
    let Some((ours, theirs)) = compared(samples).await else { return };
    assert!(ours <= theirs, "{ours:.4} is more than {theirs:.4}");
}

/// Shares of pauses cut off, by the policy, and by the turn model alone at its best threshold and the same wait.
async fn compared(samples: Vec<Sample>) -> Option<(f64, f64)> {
    let (stt, runtime, model) = (moonshine()?, runtime()?, file("smart-turn")?);
    let turn = SmartTurn::start(&runtime, &model).expect("the turn model loads");
    let mut judged = Vec::new();
    for sample in samples {
        let transcript = transcribe(stt.as_ref(), &sample.pcm).await;
        let audio = [sample.pcm.as_slice(), &vec![0; EAR_RATE_HZ as usize / 1_000 * STOP_MS as usize]].concat();
        let probability = turn.completion(audio).await.expect("an answer");
        let wait_ms = wait(probability, &transcript.text);
        println!("{:40} {:5} {probability:.2} {wait_ms:>5} ms  {}", sample.name, sample.finished, transcript.text);
        judged.push(Judged { finished: sample.finished, probability, wait_ms });
    }
    let ours = figures(&judged, |one| one.wait_ms);
    let (threshold, theirs) = (1..20)
        .map(|step| (step as f32 * 0.05, alone_at(&judged, step as f32 * 0.05, ours.mean_wait_ms)))
        .min_by(|(_, one), (_, other)| one.cut.total_cmp(&other.cut))
        .expect("thresholds");
    println!("{} samples; cut off at pauses of real length, mean wait at the end:", judged.len());
    println!("  the policy            {:.4}, {:.0} ms", ours.cut, ours.mean_wait_ms);
    println!(
        "  turn model alone      {:.4}, {:.0} ms (best threshold {threshold:.2})",
        theirs.cut, theirs.mean_wait_ms
    );
    let usual = alone_at(&judged, 0.5, ours.mean_wait_ms);
    println!("  turn model alone      {:.4}, {:.0} ms (threshold 0.50)", usual.cut, usual.mean_wait_ms);
    Some((ours.cut, theirs.cut))
}

/// How the policy waits, told what the ears would tell.
fn wait(probability: f32, text: &str) -> u64 {
    let zero = Instant::now();
    let place = |ms: u64| zero + Duration::from_millis(ms);
    let end = 3_000;
    let utterance = UtteranceId(1);
    let told = [
        (0, Event::SpeechStarted { utterance, at: SamplePos(0), speech_ms: 0 }),
        (end + STOP_MS, Event::SpeechStopped { utterance, at: SamplePos::from_ms(end), silence_ms: STOP_MS }),
        (end + STOP_MS + MODEL_MS, Event::Completion { utterance, probability }),
        (end + STOP_MS + WORDS_MS, Event::Words { utterance, text: text.into(), last: false }),
    ];
    let mut floor = TurnTaking::new(Settings::default());
    for (at, event) in told {
        floor.handle_event(place(at), event);
    }
    loop {
        while let Some(command) = floor.poll_command() {
            if let Command::Commit { decision, .. } = command {
                return decision.silence_ms;
            }
        }
        let Some(due) = floor.poll_deadline() else { return 9_000 };
        floor.handle_timeout(due);
    }
}

struct Figures {
    /// Share of the unfinished samples that are cut off, by how many pauses are longer than the wait.
    cut: f64,
    /// Over the finished samples.
    mean_wait_ms: f64,
}

fn figures(judged: &[Judged], wait_ms: impl Fn(&Judged) -> u64) -> Figures {
    let mean = |finished: bool, what: &dyn Fn(u64) -> f64| {
        let some: Vec<f64> =
            judged.iter().filter(|one| one.finished == finished).map(|one| what(wait_ms(one))).collect();
        some.iter().sum::<f64>() / some.len() as f64
    };
    Figures { cut: mean(false, &outlast), mean_wait_ms: mean(true, &|ms| ms as f64) }
}

/// The turn model alone, as others use it: above the threshold the floor is taken at once, otherwise after a fixed
/// silence, which is set so that the mean wait at the end is the same.
fn alone_at(judged: &[Judged], threshold: f32, mean_wait_ms: f64) -> Figures {
    let alone = |fallback_ms: u64| {
        figures(judged, |one| if one.probability >= threshold { STOP_MS + MODEL_MS } else { fallback_ms })
    };
    let (mut low, mut high) = (STOP_MS + MODEL_MS, 60_000);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if alone(middle).mean_wait_ms > mean_wait_ms { high = middle } else { low = middle }
    }
    alone(low)
}

/// Share of the pauses inside long answers that outlast `ms`, from what silence timeouts are known to cut off: of about
/// nine pauses, 3.5 outlast 0.5 s, 1.56 outlast 0.8 s, 0.40 outlast 1.5 s, 0.083 outlast 3 s.
fn outlast(ms: u64) -> f64 {
    const KNOWN: [(f64, f64); 5] = [(200.0, 1.0), (500.0, 0.39), (800.0, 0.173), (1_500.0, 0.0445), (3_000.0, 0.0092)];
    let ms = ms as f64;
    if ms <= KNOWN[0].0 {
        return 1.0;
    }
    let pair = KNOWN.windows(2).find(|pair| ms <= pair[1].0).unwrap_or(&KNOWN[3..]);
    let ((from, share), (to, less)) = (pair[0], pair[1]);
    share * (ms / from).powf((less / share).ln() / (to / from).ln())
}

/// Numbers by chance, the same each time.
struct Chance(u32);

impl Chance {
    /// In `from..to`.
    fn between(&mut self, from: usize, to: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        from + (self.0 >> 8) as usize % (to - from)
    }
}

/// A recording to its end, and cut at two places in its middle.
fn cut(name: &str, pcm: &[i16], chance: &mut Chance) -> Vec<Sample> {
    let mut samples = vec![Sample { name: name.into(), pcm: pcm.to_vec(), finished: true }];
    for _ in 0..2 {
        let place = chance.between(pcm.len() / 4, pcm.len() * 4 / 5);
        let name = format!("{name} to {} ms", place * 1_000 / EAR_RATE_HZ as usize);
        samples.push(Sample { name, pcm: pcm[..place].to_vec(), finished: false });
    }
    samples
}

/// Answers of the rehearsal in the voice of a synthesiser, to their end and cut between two words.
async fn rehearsed(chance: &mut Chance, answers: usize) -> Option<Vec<Sample>> {
    let files = PiperFiles { model: file("piper")?, config: file("piper-config")?, manner: Manner::Exact };
    let voice = Piper::start(&runtime()?, &files).expect("Piper loads");
    let script: toml::Table = include_str!("../../../config/rehearsal/backend.toml").parse().expect("TOML");
    let mut samples = Vec::new();
    for answer in script["answers"].as_array().expect("answers").iter().take(answers) {
        let text = answer["text"].as_str().expect("a text");
        let cancel = CancellationToken::new();
        let request = SpeakRequest { text: text.into(), speed: 1.0, urgency: Urgency::Now, cancel };
        let clip = voice.speak(request).await.expect("spoken");
        let pcm = heard(&clip);
        let name = answer["question"].as_str().expect("a question");
        for _ in 0..3 {
            let word = &clip.words[chance.between(2, clip.words.len() - 1)];
            let place = word.end_samples as usize * 2 / 3;
            samples.push(Sample { name: format!("{name}, cut"), pcm: pcm[..place].to_vec(), finished: false });
        }
        samples.push(Sample { name: name.into(), pcm, finished: true });
    }
    Some(samples)
}

/// Pairs of phrases: the short one to its end, the long one to its end, and the long one to where the short one would
/// end.
fn phrases() -> Option<Vec<Sample>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/turns");
    let folder = std::env::var("VIVAVOCE_TURNS_DIR").map_or(default, PathBuf::from);
    let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
        return apart(&format!("phrases that go on, in {} (VIVAVOCE_TURNS_DIR)", folder.display()));
    };
    let manifest: Vec<serde_json::Value> = serde_json::from_slice(&manifest).expect("a manifest");
    let mut voices: Vec<&str> = manifest.iter().filter_map(|entry| entry["voice"].as_str()).collect();
    voices.sort_unstable();
    voices.dedup();
    let mut samples = Vec::new();
    for entry in manifest.iter().filter(|entry| voices[..VOICES].contains(&entry["voice"].as_str().unwrap_or(""))) {
        let name = entry["file"].as_str().expect("a file");
        let pcm = read(&folder.join(name));
        if entry["size"] == "long" {
            let short = manifest.iter().find(|other| {
                other["pair"] == entry["pair"] && other["voice"] == entry["voice"] && other["size"] == "short"
            });
            let words = short.and_then(|short| short["words"].as_array()).expect("its short one").len();
            let next_s = entry["starts_s"][words].as_f64().expect("it goes on");
            let place = ((next_s * f64::from(EAR_RATE_HZ)) as usize).min(pcm.len());
            let name = format!("{name}, cut");
            samples.push(Sample { name, pcm: pcm[..place].to_vec(), finished: false });
        }
        samples.push(Sample { name: name.into(), pcm, finished: true });
    }
    Some(samples)
}

fn read(path: &Path) -> Vec<i16> {
    let mut wav = hound::WavReader::open(path).expect("a WAV file");
    assert_eq!((wav.spec().sample_rate, wav.spec().channels), (EAR_RATE_HZ, 1), "{}", path.display());
    wav.samples::<i16>().map(|sample| sample.expect("a sample")).collect()
}

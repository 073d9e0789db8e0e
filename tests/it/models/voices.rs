//! The local voices, and what the transcriber makes of them.

use super::support::{Recording, file, heard, moonshine, runtime, transcribe};
use super::words::{errors, words};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use vivavoce::audio::frame::VoiceClip;
use vivavoce::tts::kokoro::{Kokoro, KokoroFiles};
use vivavoce::tts::piper::{Manner, Piper, PiperFiles};
use vivavoce::tts::{SpeakRequest, TextToSpeech, TtsError, Urgency};

/// What an interviewer says, and how a transcriber may write it.
const SENTENCES: [&str; 8] = [
    "Hello, and welcome to your practice interview.",
    "Great answer.",
    "What is the difference between a process and a thread?",
    "Please explain how a database index makes a query faster, and what it costs.",
    "Could you say a little more about the second point?",
    "Imagine that the service becomes slow after a release.",
    "How would you find the reason, step by step?",
    "Thank you, that was the last question for today.",
];
/// Words of the trade: spoken without a gap, whatever the transcriber makes of them.
const TERMS: [&str; 5] = [
    "A HashMap lookup is O(1) on average, and O(n) at worst.",
    "Do you prefer SQL or NoSQL for 3 million rows?",
    "The API answers with a 404 over HTTP.",
    "In Rust, Tokio schedules async tasks on 2 threads.",
    "PostgreSQL and Kubernetes need 16GB of RAM.",
];
/// Of the plain sentences together; voice and ear both make mistakes.
const ROUND_TRIP_ERRORS_PERCENT_MAX: usize = 8;

fn kokoro() -> Option<Arc<Kokoro>> {
    static LOADED: Mutex<Option<Arc<Kokoro>>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.is_none() {
        let files =
            KokoroFiles { model: file("kokoro")?, vocabulary: file("kokoro-vocab")?, voice: file("kokoro-af-heart")? };
        let started = Instant::now();
        *loaded = Some(Arc::new(Kokoro::start(&runtime()?, &files).expect("Kokoro loads")));
        println!("Kokoro loaded in {} ms", started.elapsed().as_millis());
    }
    loaded.clone()
}

fn piper() -> Option<Piper> {
    let files = PiperFiles { model: file("piper")?, config: file("piper-config")?, manner: Manner::Exact };
    Some(Piper::start(&runtime()?, &files).expect("Piper loads"))
}

/// What an interviewer says in the project's own voices, as an ear gets it: speech that every machine has.
pub async fn synthesised() -> Option<Vec<Recording>> {
    let (kokoro, piper) = (kokoro()?, piper()?);
    let mut spoken = Vec::new();
    for (index, text) in SENTENCES.into_iter().enumerate() {
        let voice: &dyn TextToSpeech = if index % 2 == 0 { kokoro.as_ref() } else { &piper };
        let pcm = heard(&say(voice, text).await);
        spoken.push(Recording { name: format!("{} {index}", voice.voice()), text: text.into(), pcm });
    }
    Some(spoken)
}

fn request(text: &str, urgency: Urgency) -> SpeakRequest {
    SpeakRequest { text: text.into(), speed: 1.0, urgency, cancel: CancellationToken::new() }
}

async fn say(voice: &dyn TextToSpeech, text: &str) -> VoiceClip {
    voice.speak(request(text, Urgency::Now)).await.expect("spoken")
}

/// Words lie in order inside the clip, one for each written word, and the sound begins at once.
fn check_clip(text: &str, clip: &VoiceClip) {
    let written: Vec<&str> = clip.words.iter().map(|w| &text[w.text_start as usize..w.text_end as usize]).collect();
    assert!(!written.is_empty() && text.ends_with(written[written.len() - 1]), "{written:?}");
    assert!(clip.words.windows(2).all(|pair| pair[0].end_samples <= pair[1].start_samples), "{:?}", clip.words);
    assert!(clip.words.iter().all(|word| word.start_samples < word.end_samples), "{text}: {:?}", clip.words);
    assert!(clip.words[clip.words.len() - 1].end_samples as usize <= clip.pcm.len());
    let first_loud = clip.pcm.iter().position(|sample| sample.unsigned_abs() > 300).expect("a sound");
    assert!(first_loud < 24 * 120, "the sound begins after {} ms", first_loud / 24);
}

async fn round_trip(name: &str, voice: &dyn TextToSpeech) {
    let Some(stt) = moonshine() else { return };
    let (mut wrong, mut all) = (0, 0);
    for (i, text) in SENTENCES.iter().chain(&TERMS).enumerate() {
        let started = Instant::now();
        let clip = say(voice, text).await;
        let took_ms = started.elapsed().as_millis();
        check_clip(text, &clip);
        let transcript = transcribe(stt.as_ref(), &heard(&clip)).await;
        println!("{name} {took_ms} ms for {} ms: {text}\n    heard: {}", clip.duration_ms(), transcript.text);
        let (said, heard) = (words(text), words(&transcript.text));
        if i < SENTENCES.len() {
            wrong += errors(&said, &heard);
            all += said.len();
        } else {
            assert!(!heard.is_empty(), "{text}");
        }
    }
    println!("{name}: {wrong} errors in {all} words");
    assert!(wrong * 100 <= all * ROUND_TRIP_ERRORS_PERCENT_MAX, "{wrong} of {all}");
}

#[tokio::test]
async fn what_kokoro_says_is_understood() {
    let Some(kokoro) = kokoro() else { return };
    round_trip("Kokoro", kokoro.as_ref()).await;
}

#[tokio::test]
async fn what_piper_says_is_understood_and_the_same_twice() {
    let Some(piper) = piper() else { return };
    round_trip("Piper", &piper).await;
    let (first, second) = (say(&piper, SENTENCES[2]).await, say(&piper, SENTENCES[2]).await);
    assert_eq!(first.pcm, second.pcm);
    let mut slow = request(SENTENCES[2], Urgency::Now);
    slow.speed = 0.8;
    let slow = piper.speak(slow).await.expect("spoken");
    assert!(slow.pcm.len() > first.pcm.len() * 110 / 100, "{} {}", slow.pcm.len(), first.pcm.len());
}

#[tokio::test]
async fn who_waits_goes_before_what_is_made_beforehand() {
    let Some(kokoro) = kokoro() else { return };
    // Sentences of this test alone: another one may ask the same voice meanwhile.
    let texts =
        ["First, a word.", "Next, another one.", "Then a third one.", "A fourth one follows.", "The fifth comes now."];
    let texts = texts.into_iter().chain(["A sixth is made.", "Seven are enough.", "At last, the end."]);
    let texts: Vec<&str> = texts.collect();
    let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
    let speak = |text: &'static str, urgency| {
        let (asked, done) = (kokoro.speak(request(text, urgency)), done.clone());
        tokio::spawn(async move {
            let clip = asked.await;
            let _ = done.send(text);
            clip.expect("spoken")
        })
    };
    let prepared: Vec<_> = texts.iter().map(|text| speak(text, Urgency::Beforehand)).collect();
    tokio::task::yield_now().await;
    // Somebody waits for a sentence of its own, and for one of these: both are made at once, and that one once for both.
    let waited = [speak("One moment, please.", Urgency::Now), speak(texts[7], Urgency::Now)];
    let mut clips = futures::future::try_join_all(prepared).await.expect("no panic");
    let [other, last] = waited;
    let (other, last) = (other.await.expect("no panic"), last.await.expect("no panic"));
    assert!(other.duration_ms() > 300);
    let mut made: Vec<&str> = Vec::new();
    while let Ok(text) = order.try_recv() {
        made.push(text);
    }
    let place = |text: &str| made.iter().position(|other| *other == text);
    // However late this test comes to ask on a busy machine, most is still to be made.
    assert!(place("One moment, please.") < place(texts[6]) && place(texts[7]) < place(texts[6]), "{made:?}");
    let same = clips.pop().expect("eight");
    assert!(Arc::ptr_eq(&same.pcm, &last.pcm), "synthesised twice");
}

#[tokio::test]
async fn a_cancelled_or_unwanted_sentence_frees_the_voice() {
    let Some(kokoro) = kokoro() else { return };
    let long = SENTENCES[3].repeat(4);
    let asked = request(&long, Urgency::Now);
    let cancel = asked.cancel.clone();
    let speaking = tokio::spawn(kokoro.speak(asked));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    cancel.cancel();
    assert!(matches!(speaking.await.expect("no panic"), Err(TtsError::Cancelled)));
    let started = Instant::now();
    say(kokoro.as_ref(), "Go on.").await;
    println!("a short sentence after a cancelled long one: {} ms", started.elapsed().as_millis());
    drop(kokoro.speak(request("Nobody waits for this sentence.", Urgency::Now)));
    let again = kokoro.speak(request("Nobody waits for this sentence.", Urgency::Now)).await;
    assert!(again.is_ok(), "asked again after it was dropped");
    let too_long = kokoro.speak(request(&"a ".repeat(300), Urgency::Now)).await;
    assert!(matches!(too_long, Err(TtsError::TooLong { chars: 600, .. })));
    assert!(say(kokoro.as_ref(), "...").await.pcm.is_empty());
}

#[test]
fn a_damaged_voice_is_refused_with_a_clear_word() {
    let (Some(runtime), Some(model), Some(vocabulary)) = (runtime(), file("kokoro"), file("kokoro-vocab")) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let voice = folder.path().join("af_heart.bin");
    std::fs::write(&voice, [0; 100]).expect("written");
    let error = Kokoro::start(&runtime, &KokoroFiles { model, vocabulary, voice }).expect_err("refused").to_string();
    assert!(error.contains("af_heart.bin is damaged") && error.contains("scripts/setup"), "{error}");
}

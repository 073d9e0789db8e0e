//! Recordings of people through detector, turn model and transcriber; without them (a clone has none) the project's own
//! voices, for all but the bound on the errors of words.

use super::support::{file, frames, moonshine, recordings, runtime, speech, transcribe};
use super::words::{errors, words};
use std::time::Instant;
use vivavoce::audio::frame::{EAR_RATE_HZ, SamplePos};
use vivavoce::id::UtteranceId;
use vivavoce::stt::{SpeechToText, SttCommand, SttError, SttEvent, SttOptions};
use vivavoce::vad::silero::Silero;
use vivavoce::vad::smart_turn::SmartTurn;
use vivavoce::vad::{TurnModel, VoiceActivity, VoiceReading, VoiceStream};

/// The bound that the project promises for these recordings.
const WORD_ERRORS_PERCENT_MAX: f64 = 6.0;
const SECOND: usize = EAR_RATE_HZ as usize;

#[tokio::test]
async fn people_are_understood() {
    let (Some(recordings), Some(stt)) = (recordings(), moonshine()) else { return };
    let (mut wrong, mut all, mut audio_s, mut took_s) = (0, 0, 0.0, 0.0);
    for recording in &recordings {
        let started = Instant::now();
        let transcript = transcribe(stt.as_ref(), &recording.pcm).await;
        took_s += started.elapsed().as_secs_f64();
        audio_s += recording.pcm.len() as f64 / SECOND as f64;
        let (said, heard) = (words(&recording.text), words(&transcript.text));
        let missed = errors(&said, &heard);
        wrong += missed;
        all += said.len();
        let confidence = transcript.confidence.expect("local models tell");
        println!("{:24} {missed}/{} errors, confidence {confidence:.2}", recording.name, said.len());
        if missed > 0 {
            println!("    said  {}\n    heard {}", said.join(" "), heard.join(" "));
        }
    }
    let rate = wrong as f64 * 100.0 / all as f64;
    println!("word error rate {rate:.2} % ({wrong} of {all}); {took_s:.2} s for {audio_s:.1} s of audio");
    assert!(rate <= WORD_ERRORS_PERCENT_MAX, "word error rate {rate:.2} %");
}

#[tokio::test]
async fn silence_and_noise_have_no_words() {
    let Some(stt) = moonshine() else { return };
    let mut seed = 1_u32;
    let mut noise = |loudness: i32, seconds: usize| -> Vec<i16> {
        let next = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) as i32 % (2 * loudness + 1) - loudness) as i16
        };
        (0..seconds * SECOND).map(next).collect()
    };
    let hum: Vec<i16> = (0..2 * SECOND).map(|i| ((i as f32 * 0.02).sin() * 2000.0) as i16).collect();
    let cases = [
        ("nothing", vec![]),
        ("silence", vec![0; 2 * SECOND]),
        ("a hiss", noise(40, 3)),
        ("noise", noise(900, 3)),
        ("loud noise", noise(8000, 2)),
        ("a hum", hum),
        ("a click", [vec![0; 800], vec![20_000; 40], vec![0; 8000]].concat()),
    ];
    for (what, audio) in cases {
        let transcript = transcribe(stt.as_ref(), &audio).await;
        assert_eq!(transcript.text, "", "{what}: confidence {:?}", transcript.confidence);
    }
}

#[tokio::test]
async fn long_audio_is_cut_and_understood_and_old_audio_is_refused() {
    let (Some(recordings), Some(stt)) = (speech().await, moonshine()) else { return };
    let pause = vec![0_i16; SECOND / 2];
    let parts: Vec<&[i16]> = recordings.iter().flat_map(|r| [r.pcm.as_slice(), &pause]).collect();
    let all = parts.concat();
    let all = &all[..all.len().min(40 * SECOND)];
    let transcript = transcribe(stt.as_ref(), all).await;
    let said: Vec<String> = recordings.iter().flat_map(|recording| words(&recording.text)).collect();
    let heard = words(&transcript.text);
    println!("{} s at once: {} words", all.len() / SECOND, heard.len());
    let begin = said.len().min(heard.len()) - 5;
    assert!(errors(&said[..begin], &heard[..begin]) * 5 < begin, "{}", transcript.text);

    let mut stream = stt.open(SttOptions::default());
    for frame in frames(&vec![0; 70 * SECOND], 0) {
        stream.commands.send(SttCommand::Audio(frame)).await.expect("taken");
    }
    let (utterance, revision) = (UtteranceId(5), 2);
    let asked = SttCommand::Transcribe { utterance, revision, from: SamplePos(0), to: SamplePos(16_000), last: true };
    stream.commands.send(asked).await.expect("taken");
    let refused = SttEvent::Failed { utterance, revision, error: SttError::AudioGone };
    assert_eq!(stream.events.recv().await, Some(refused));
}

#[tokio::test]
async fn only_the_newest_revision_of_an_utterance_is_sure_to_come() {
    let (Some(recordings), Some(stt)) = (speech().await, moonshine()) else { return };
    let recording = &recordings[0];
    let mut stream = stt.open(SttOptions::default());
    for frame in frames(&recording.pcm, 0) {
        stream.commands.send(SttCommand::Audio(frame)).await.expect("taken");
    }
    let to = SamplePos(recording.pcm.len() as u64);
    for (utterance, revision) in [(1, 0), (1, 1), (1, 2), (2, 0), (1, 3)] {
        let utterance = UtteranceId(utterance);
        let asked = SttCommand::Transcribe { utterance, revision, from: SamplePos(0), to, last: revision == 3 };
        stream.commands.send(asked).await.expect("taken");
    }
    let mut came = Vec::new();
    while !(came.contains(&(1, 3)) && came.contains(&(2, 0))) {
        match stream.events.recv().await.expect("an event") {
            SttEvent::Final { utterance, revision, .. } => came.push((utterance.0, revision)),
            other @ (SttEvent::Partial { .. }
            | SttEvent::Failed { .. }
            | SttEvent::Endpoint { .. }
            | SttEvent::Switched { .. }
            | SttEvent::Down { .. }) => panic!("{other:?}"),
        }
    }
    assert!(!came.contains(&(1, 1)) && !came.contains(&(1, 2)), "{came:?}");
}

async fn readings(vad: &Silero, pcm: &[i16]) -> Vec<VoiceReading> {
    let VoiceStream { frames: sender, readings: mut heard } = vad.open();
    let mut readings = Vec::new();
    for frame in frames(pcm, 0) {
        sender.send(frame).await.expect("taken");
        while let Ok(reading) = heard.try_recv() {
            readings.push(reading);
        }
        tokio::task::yield_now().await;
    }
    drop(sender);
    while let Some(reading) = heard.recv().await {
        readings.push(reading);
    }
    readings
}

/// A replay reads faster than anybody speaks, and must read the same each time.
#[tokio::test]
async fn no_reading_is_lost_to_a_reader_that_is_behind() {
    let (Some(runtime), Some(model)) = (runtime(), file("silero-vad")) else { return };
    let vad = Silero::start(&runtime, &model).expect("the detector loads");
    let pcm: Vec<i16> = (0..20 * SECOND).map(|at| ((at as f32 * 0.05).sin() * 3_000.0) as i16).collect();
    let VoiceStream { frames: sender, readings: mut heard } = vad.open();
    let all = pcm.clone();
    let feed = tokio::spawn(async move {
        for frame in frames(&all, 0) {
            sender.send(frame).await.expect("the detector lives");
        }
    });
    // Long enough for the detector to fill whatever holds its readings.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let mut ends = Vec::new();
    while let Some(reading) = heard.recv().await {
        ends.push(reading.at.0);
    }
    feed.await.expect("all was fed");
    let wanted: Vec<u64> = (1..=pcm.len() as u64 / 512).map(|chunk| chunk * 512).collect();
    assert_eq!(ends, wanted);
}

#[tokio::test]
async fn the_detector_finds_where_speech_begins_and_ends() {
    let (Some(recordings), Some(runtime), Some(model)) = (speech().await, runtime(), file("silero-vad")) else {
        return;
    };
    let vad = Silero::start(&runtime, &model).expect("the detector loads");
    let recording = recordings.iter().find(|r| r.name == "librivox_ss_0880.wav").unwrap_or(&recordings[0]);
    let silence = vec![0_i16; 2 * SECOND];
    let audio = [silence.as_slice(), &recording.pcm, &silence].concat();
    let started = Instant::now();
    let readings = readings(&vad, &audio).await;
    println!("{} readings in {} ms", readings.len(), started.elapsed().as_millis());
    assert_eq!(readings.len(), audio.len().next_multiple_of(320) / 512);
    let voiced: Vec<u64> = readings.iter().filter(|r| r.probability > 0.5).map(|r| r.at.ms()).collect();
    let (first, last) = (voiced[0], voiced[voiced.len() - 1]);
    let end = 2000 + recording.pcm.len() as u64 * 1000 / SECOND as u64;
    println!("speech from {first} to {last} ms, recording from 2000 to {end} ms");
    assert!((2000..2600).contains(&first), "speech begins at {first} ms");
    assert!((end - 700..=end + 200).contains(&last), "speech ends at {last} ms of {end} ms");
    assert!(readings.iter().filter(|r| r.at.ms() < 2000).all(|r| r.probability < 0.3));
}

#[tokio::test]
async fn the_turn_model_tells_finished_from_cut_off_more_often_than_not() {
    let (Some(recordings), Some(runtime), Some(model)) = (speech().await, runtime(), file("smart-turn")) else {
        return;
    };
    let turn = SmartTurn::start(&runtime, &model).expect("the turn model loads");
    let (mut right, mut all) = (0, 0);
    let mut took_ms = Vec::new();
    let mut judge = async |pcm: &[i16], finished: bool| {
        let audio = [pcm, &vec![0; SECOND * 3 / 10]].concat();
        let started = Instant::now();
        let completion = turn.completion(audio).await.expect("an answer");
        took_ms.push(started.elapsed().as_millis());
        assert!((0.0..=1.0).contains(&completion), "{completion}");
        right += usize::from((completion > 0.5) == finished);
        all += 1;
        completion
    };
    let (mut finished, mut cut) = (0.0, 0.0);
    for recording in &recordings {
        // Ends of recordings are ends of sentences; the middle of one is not.
        let whole = judge(&recording.pcm, true).await;
        let part = judge(&recording.pcm[..recording.pcm.len() * 55 / 100], false).await;
        println!("{:24} finished {whole:.2}, cut off {part:.2}", recording.name);
        finished += whole;
        cut += part;
    }
    took_ms.sort_unstable();
    let count = recordings.len() as f32;
    println!("{right}/{all} right; mean {:.2} finished, {:.2} cut off", finished / count, cut / count);
    println!("median {} ms", took_ms[took_ms.len() / 2]);
    assert!(right * 2 > all, "{right} of {all} right");
    assert!(finished > cut + 0.2 * count, "finished {finished}, cut off {cut}");
}

#[test]
fn a_damaged_model_is_refused_with_a_clear_word() {
    let Some(runtime) = runtime() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let damaged = folder.path().join("silero_vad.onnx");
    std::fs::write(&damaged, b"not a model").expect("written");
    let error = Silero::start(&runtime, &damaged).expect_err("refused").to_string();
    assert!(error.contains("silero_vad.onnx") && error.contains("scripts/setup"), "{error}");
    let error = SmartTurn::start(&runtime, &folder.path().join("absent.onnx")).expect_err("refused").to_string();
    assert!(error.contains("absent.onnx") && error.contains("doctor"), "{error}");
}

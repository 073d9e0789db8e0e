//! The queue of speeches by what leaves it, slot by slot, and the pace by when.

use super::*;

const ONE: SpeechId = SpeechId(1);
const TWO: SpeechId = SpeechId(2);

fn audio(samples: usize, value: i16) -> Arc<[i16]> {
    Arc::from(vec![value; samples])
}

/// Takes slots until none is left; a line each.
fn drain(voice: &mut Voice) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        let slot = voice.take_slot();
        match &slot {
            Some(Slot::Speech { speech, offset_samples, pcm }) => {
                out.push(format!("{speech} at {offset_samples}: {} .. {}", pcm[0], pcm[479]));
            }
            Some(Slot::Silence) => out.push("silence".to_owned()),
            None => {}
        }
        while let Some(ended) = voice.pop_ended() {
            out.push(match ended {
                Ended::Done { speech, sent_samples } => format!("{speech} done after {sent_samples}"),
                Ended::Stopped { speech, sent_samples } => format!("{speech} stopped after {sent_samples}"),
            });
        }
        if slot.is_none() {
            return out;
        }
    }
}

#[test]
fn a_speech_leaves_frame_by_frame_and_is_done_after_its_last_sample() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(700, 5)).expect("room");
    voice.play(ONE, audio(500, 6)).expect("room");
    voice.end(ONE);
    assert_eq!(
        drain(&mut voice),
        [
            "1 at 0: 5 .. 5",
            "1 at 480: 5 .. 6",
            "1 at 960: 6 .. 0",
            "1 done after 1200",
            "silence",
            "silence",
            "silence",
            "silence",
            "silence",
        ]
    );
}

#[test]
fn speeches_leave_in_order_and_a_frame_never_mixes_two() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(100, 5)).expect("room");
    voice.play(TWO, audio(480, 7)).expect("room");
    voice.end(TWO);
    assert!(!voice.has_slot(), "the first speech may still grow");
    voice.end(ONE);
    let lines = drain(&mut voice);
    assert_eq!(lines[..4], ["1 at 0: 5 .. 0", "1 done after 100", "2 at 0: 7 .. 7", "2 done after 480"]);
}

#[test]
fn a_stop_lets_one_fading_frame_leave_and_drops_what_comes_late() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(4_800, 1_000)).expect("room");
    voice.take_slot();
    voice.take_slot();
    voice.stop(ONE);
    voice.play(ONE, audio(480, 9)).expect("dropped");
    voice.end(ONE);
    let lines = drain(&mut voice);
    assert_eq!(lines[..2], ["1 at 960: 1000 .. 0", "1 stopped after 960"]);
    assert!(lines[2..].iter().all(|line| line == "silence"), "{lines:?}");
}

#[test]
fn a_stop_before_the_first_frame_leaves_nothing() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(4_800, 1_000)).expect("room");
    voice.stop(ONE);
    voice.stop(TWO);
    assert_eq!(drain(&mut voice), ["1 stopped after 0", "2 stopped after 0"]);
}

#[test]
fn a_held_speech_goes_on_where_it_was() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(1_440, 1_000)).expect("room");
    voice.end(ONE);
    voice.take_slot();
    voice.hold(ONE);
    voice.hold(ONE);
    let held = drain(&mut voice);
    assert_eq!(held[0], "1 at 480: 1000 .. 0");
    assert_eq!(held[1..], ["silence"; 5]);
    voice.resume(ONE);
    let resumed = drain(&mut voice);
    assert_eq!(resumed[..3], ["1 at 480: 0 .. 1000", "1 at 960: 1000 .. 1000", "1 done after 1440"]);
}

#[test]
fn a_hold_taken_back_at_once_is_not_heard() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(960, 1_000)).expect("room");
    voice.take_slot();
    voice.hold(ONE);
    voice.resume(ONE);
    assert_eq!(drain(&mut voice)[0], "1 at 480: 1000 .. 1000");
}

#[test]
fn a_held_speech_can_be_stopped() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(4_800, 1_000)).expect("room");
    voice.take_slot();
    voice.hold(ONE);
    drain(&mut voice);
    voice.stop(ONE);
    assert_eq!(drain(&mut voice), ["1 stopped after 480"]);
}

#[test]
fn a_speech_held_before_it_began_waits() {
    let mut voice = Voice::default();
    voice.hold(ONE);
    voice.play(ONE, audio(480, 3)).expect("room");
    assert!(voice.has_slot(), "what is not there cannot be held");
    voice.hold(ONE);
    assert!(!voice.has_slot());
    voice.resume(ONE);
    assert_eq!(drain(&mut voice)[0], "1 at 0: 3 .. 3");
}

#[test]
fn an_empty_speech_is_done_at_once() {
    let mut voice = Voice::default();
    voice.end(ONE);
    assert_eq!(drain(&mut voice), ["1 done after 0"]);
}

#[test]
fn a_speech_waits_out_a_broken_link() {
    let mut voice = Voice::default();
    voice.play(ONE, audio(960, 1_000)).expect("room");
    voice.end(ONE);
    voice.take_slot();
    voice.interrupted();
    voice.hold(ONE);
    voice.resume(ONE);
    assert_eq!(drain(&mut voice)[..2], ["1 at 480: 1000 .. 1000", "1 done after 960"]);
}

#[test]
fn the_queue_is_bounded() {
    let mut voice = Voice::default();
    let minute = audio(60 * 24_000, 0);
    let taken = (0..20).filter(|_| voice.play(ONE, Arc::clone(&minute)).is_ok()).count();
    assert_eq!(taken, 10);
}

#[test]
fn the_first_slot_is_at_once_and_the_others_20_ms_apart() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut pace = Pace::default();
    assert_eq!(pace.take(at(0), true), None);
    pace.want(at(3));
    assert_eq!(pace.take(at(3), true), Some((at(3), true)));
    assert_eq!(pace.take(at(20), true), None);
    // A late wake-up keeps the grid.
    assert_eq!(pace.take(at(31), true), Some((at(23), false)));
    assert_eq!(pace.take(at(44), false), Some((at(43), false)));
    assert_eq!(pace.due(), None);
    // Wanted again before the slot after the last: still the same stretch; after it: a new one, at once.
    pace.want(at(50));
    assert_eq!(pace.take(at(63), false), Some((at(63), false)));
    pace.want(at(200));
    assert_eq!(pace.take(at(200), false), Some((at(200), true)));
}

#[test]
fn a_long_stall_is_jumped_over_and_not_sent_in_a_burst() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut pace = Pace::default();
    pace.want(at(0));
    pace.take(at(0), true);
    assert_eq!(pace.take(at(500), true), Some((at(500), true)));
    assert_eq!(pace.take(at(500), true), None);
}

//! Logs of interviews in `tests/it/replays`: with its own thresholds, each is decided again as it was. Must never need a
//! model, a recording or a clock.

use std::path::Path;
use std::time::Instant;
use vivavoce::session::event::SessionEvent;
use vivavoce::session::replay::compare::{compare, decided_again};
use vivavoce::session::replay::{Part, Stored};

#[test]
fn every_log_is_decided_again_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/replays");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            check(&path);
            count += 1;
        }
    }
    assert!(count > 0, "there is no log");
}

fn check(path: &Path) {
    let text = std::fs::read_to_string(path).expect("a log can be read");
    let event = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("a line is an event");
        SessionEvent::from_row(row["kind"].as_str().expect("it has a kind"), &row["payload"])
    };
    let stored = Stored::read(text.lines().filter_map(event));
    assert!(!stored.is_empty(), "{} tells nothing", path.display());
    let base = Instant::now();
    stored.parts.iter().for_each(|part| check_part(part, base, path));
    let same = compare(&stored, base, Clone::clone);
    assert_eq!(same, compare(&stored, base, Clone::clone), "twice the same");
}

fn check_part(part: &Part, base: Instant, path: &Path) {
    let again = decided_again(part, base);
    let short = |decided: &[(vivavoce::id::TurnId, vivavoce::turn::Decision)]| -> Vec<String> {
        decided.iter().map(|(turn, decision)| format!("{turn} {:?}", decision.reason)).collect()
    };
    assert_eq!(short(&again), short(&part.decided), "{}", path.display());
    for ((turn, decision), (_, logged)) in again.iter().zip(&part.decided) {
        let (now, then) = (decision.silence_ms, logged.silence_ms);
        assert!(now.abs_diff(then) <= 2, "{}: turn {turn} after {now} ms, not {then}", path.display());
    }
}

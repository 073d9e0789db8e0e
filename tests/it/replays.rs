//! Logs of interviews in `tests/it/replays`: each is decided again with its own thresholds, and what the floor does stands
//! beside it, for a person to read. Must never need a model, a recording or a clock.

use expect_test::expect_file;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;
use vivavoce::session::event::SessionEvent;
use vivavoce::session::replay::compare::{compare, decided_again};
use vivavoce::session::replay::{Part, Stored};

#[test]
fn every_log_is_decided_as_is_written_beside_it() {
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
    let decided = || {
        let base = Instant::now();
        let parts: String = stored.parts.iter().map(|part| decided(part, base)).collect();
        parts + &compare(&stored, base, Clone::clone).table()
    };
    let told = decided();
    assert_eq!(told, decided(), "twice the same");
    expect_file![path.with_extension("txt")].assert_eq(&told);
}

/// What is decided now, and what the log says where it says otherwise.
fn decided(part: &Part, base: Instant) -> String {
    let short = |decision: &vivavoce::turn::Decision| {
        format!("{:?} after {} ms", decision.reason, decision.silence_ms).to_lowercase()
    };
    decided_again(part, base).iter().fold(String::new(), |mut lines, (turn, decision)| {
        let logged =
            part.decided.iter().find(|(logged, before)| logged == turn && before.reopened == decision.reopened);
        let same = |(_, logged): &&(_, vivavoce::turn::Decision)| {
            logged.reason == decision.reason && logged.silence_ms.abs_diff(decision.silence_ms) <= ROUNDING_MS
        };
        let before = match logged {
            None => " (not in the log)".into(),
            Some(logged) if same(&logged) => String::new(),
            Some((_, logged)) => format!(" (in the log: {})", short(logged)),
        };
        writeln!(lines, "turn {turn} {}{before}", short(decision)).expect("a string takes all");
        lines
    })
}

/// The log has its times in whole samples, ms.
const ROUNDING_MS: u64 = 2;

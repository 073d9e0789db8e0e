//! Style as a test: who may depend on whom, purity of the cores, sizes, and where SQL may stand, read from `src/` and
//! told with file and line. Must never need the code to build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Longest file, lines (two screens beyond what is comfortable; past it a second subject has moved in).
const FILE_LINES_MAX: usize = 500;

/// Which top modules of the crate each top module may name. Vocabulary is free for all but itself bound to vocabulary.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("id", &[]),
    ("clock", &[]),
    ("audio", &["id"]),
    ("turn", &["id", "audio::frame", "interview::question"]),
    ("interview", &["id", "audio::frame", "turn"]),
    ("room", VOCABULARY),
    ("vad", MODELS),
    ("stt", MODELS),
    ("llm", MODELS),
    ("tts", MODELS),
    ("embed", MODELS),
    ("cloud", &["id", "clock"]),
    ("store", VOCABULARY),
    ("auth", VOCABULARY),
    ("session", INNER),
    ("scoring", INNER),
    ("profile", INNER),
    ("jobs", INNER),
    ("telemetry", &["id", "clock", "config", "lifecycle"]),
    ("lifecycle", &["id", "clock"]),
];

/// What the edges may know: never each other. A session's words for its states are shared by record and page.
const VOCABULARY: &[&str] = &["id", "clock", "audio", "interview", "turn"];

/// What parts that run models may know: what runs them, too.
const MODELS: &[&str] = &["id", "clock", "audio", "interview", "turn", "onnx", "cloud"];

/// What stands between the edges and the outside may know: the pure parts, and the edges' traits.
const INNER: &[&str] = &[
    "id",
    "clock",
    "cloud",
    "audio",
    "interview",
    "turn",
    "room",
    "vad",
    "stt",
    "llm",
    "tts",
    "embed",
    "store",
    "session",
    "scoring",
    "profile",
    "jobs",
    "telemetry",
];

/// What a pure part must never contain.
const IMPURE: &[&str] = &[
    "tokio",
    "sqlx",
    "axum",
    "reqwest",
    ".await",
    "async fn",
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "rand::",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "println!",
    "tracing::",
];

/// Signs of SQL outside the store.
const SQL: &[&str] = &["sqlx::query", "query!(", "query_as!(", "query_scalar!(", "QueryBuilder"];

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    gather(&root, &mut files);
    files.sort();
    assert!(files.len() > 20, "src was not found");
    let mut faults = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file can be read");
        let path = file.strip_prefix(&root).expect("it is below src").to_string_lossy().replace('\\', "/");
        for (line, what) in inspect(&path, &text) {
            writeln!(faults, "src/{path}:{line}: {what}").expect("a string takes all");
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

/// The inspection finds what it is for.
#[test]
fn untidiness_is_found() {
    let finds = |path: &str, text: &str, what: &str| {
        let faults = inspect(path, text);
        assert!(faults.iter().any(|(_, fault)| fault.contains(what)), "{what:?} is not among {faults:?}");
    };
    finds("turn/x.rs", "//! x\nuse crate::session::Handle;\n", "turn must not know session");
    finds("turn/x.rs", "//! x\nuse crate::{id::TurnId, room::Room};\n", "turn must not know room");
    finds("turn/x.rs", "//! x\nuse crate::audio::opus::Encoder;\n", "turn must not know audio::opus");
    finds("turn/x.rs", "//! x\nlet now = Instant::now();\n", "Instant::now");
    finds("interview/x.rs", "//! x\nlet x = call().await;\n", ".await");
    finds("stt/x.rs", "//! x\nlet store = crate::store::Store::new();\n", "stt must not know store");
    finds("http/x.rs", "//! x\nsqlx::query(\"select 1\")\n", "SQL outside store");
    finds("http/x.rs", "use a::b;\n", "opens with //!");
    finds("http/x.rs", &format!("//! x\n{}", "\n".repeat(600)), "lines");
    assert_eq!(inspect("turn/x.rs", "//! x\n// Instant::now is what others call\nuse crate::id::TurnId;\n"), []);
    let tests = "//! x\n#[cfg(test)]\nmod tests {\n    fn zero() -> Instant { Instant::now() }\n}\n";
    assert_eq!(inspect("turn/x.rs", tests), []);
    assert_eq!(inspect("turn/x.rs", "//! x\nself.awaited = true;\n"), []);
    assert_eq!(inspect("turn/tests.rs", "//! x\nlet zero = Instant::now();\n"), []);
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}

/// Faults of one file, by line.
fn inspect(path: &str, text: &str) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        faults.push((lines, format!("{lines} lines; at most {FILE_LINES_MAX}: where is the second subject in it?")));
    }
    if !text.starts_with("//!") {
        faults.push((1, "a file opens with //!: what it is for, and what it must never do".to_owned()));
    }
    let part = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
    let pure = matches!(part, "turn" | "interview");
    let test_file = path.ends_with("tests.rs") || path.contains("/tests/");
    for (number, line) in code_lines(text) {
        if let Some(sign) = SQL.iter().find(|sign| part != "store" && line.contains(**sign)) {
            faults.push((number, format!("SQL outside store: {sign}")));
        }
        if test_file {
            continue;
        }
        faults.extend(
            unknown_to(part, &line).into_iter().map(|module| (number, format!("{part} must not know {module}"))),
        );
        if let Some(sign) = IMPURE.iter().find(|sign| pure && holds(&line, sign)) {
            faults.push((number, format!("{part} is pure and must not contain {sign}")));
        }
    }
    faults
}

/// Lines without comments, up to the tests inside the file.
fn code_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut gathering: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("").trim().to_owned();
        // `#[cfg(test)]` before `mod tests {` ends the code; before `mod tests;` it does not.
        if code.starts_with("mod tests {") {
            break;
        }
        // A `use` of several lines is read as one.
        gathering = match gathering {
            None if code.starts_with("use ") && !code.ends_with(';') => Some((index + 1, code)),
            None => {
                lines.push((index + 1, code));
                None
            }
            Some((start, so_far)) => {
                let joined = format!("{so_far} {code}");
                if joined.ends_with(';') {
                    lines.push((start, joined));
                    None
                } else {
                    Some((start, joined))
                }
            }
        };
    }
    lines
}

/// Whether `sign` stands in `line`, and not as the beginning of a longer word.
fn holds(line: &str, sign: &str) -> bool {
    let ends_in_word = sign.ends_with(char::is_alphanumeric);
    line.match_indices(sign).any(|(at, _)| {
        let next = line[at + sign.len()..].chars().next();
        !(ends_in_word && next.is_some_and(|c| c.is_alphanumeric() || c == '_'))
    })
}

/// Modules named by `line` that `part` must not know.
fn unknown_to(part: &str, line: &str) -> Vec<String> {
    let Some((_, may)) = MAY_KNOW.iter().find(|(name, _)| *name == part) else { return Vec::new() };
    named(line)
        .into_iter()
        .filter(|path| {
            let own = path == part || path.starts_with(&format!("{part}::"));
            !own && !may.iter().any(|known| path == known || path.starts_with(&format!("{known}::")))
        })
        .collect()
}

/// Paths below the crate that `line` names, as far as two steps down: `crate::audio::frame::X` gives `audio::frame`.
fn named(line: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0usize;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    ',' if depth == 0 => paths.push(two_steps(&std::mem::take(&mut item))),
                    '{' => {
                        depth += 1;
                        item.push(c);
                    }
                    '}' => {
                        depth -= 1;
                        item.push(c);
                    }
                    _ => item.push(c),
                }
            }
            paths.push(two_steps(&item));
        } else {
            paths.push(two_steps(rest));
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}

/// The first two steps of a path, the second only if it is a module (in small letters).
fn two_steps(path: &str) -> String {
    let path = path.trim();
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let first = word(path);
    let second =
        path[first.len()..].strip_prefix("::").map(word).filter(|second| second.starts_with(char::is_lowercase));
    match second {
        Some(second) => format!("{first}::{second}"),
        None => first,
    }
}

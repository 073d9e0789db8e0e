//! `vivavoce bench turns`, run as people run it: its form, its rules, and the figures of the default profile on made-up
//! talk. Must never look at a conversation that the figures are to be measured on in earnest.

mod talk;

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Runs the bench over `lines`; its last line, or what it complained of.
fn bench(lines: &str, more: &[&str]) -> Result<Value, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("answers.jsonl");
    std::fs::write(&input, lines).expect("written");
    let output = run(&input, &[&["--json"], more].concat());
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(error.into_owned());
    }
    Ok(serde_json::from_str(out.lines().next_back().expect("a line")).expect("JSON on the last line"))
}

fn run(input: &Path, more: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_vivavoce"))
        .args(["bench", "turns", "--input"])
        .arg(input)
        .args(more)
        .output()
        .expect("the program runs")
}

/// An answer whose stretches of talk begin at these seconds and last one.
fn answer(kind: &str, texts: &[(f64, &str)]) -> String {
    let words: Vec<Value> =
        texts.iter().map(|(at, text)| serde_json::json!({"text": text, "start_s": at, "end_s": at + 1.0})).collect();
    format!("{}\n", serde_json::json!({"id": "a", "kind": kind, "question": "?", "words": words}))
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path} in {value}"))
}

/// Answers of each population: enough that a share is sure to half a percent.
const ANSWERS: usize = 2_500;

/// Share of the answers with a pause longer than this.
fn timeout(lines: &str, pause_s: f64) -> f64 {
    let is_cut = |line: &str| {
        let answer: Value = serde_json::from_str(line).expect("JSON");
        let words = answer["words"].as_array().expect("words");
        words.windows(2).any(|pair| number(&pair[1], "/start_s") - number(&pair[0], "/end_s") > pause_s)
    };
    lines.lines().filter(|line| is_cut(line)).count() as f64 / lines.lines().count() as f64
}

/// The four figures, at once, without flags, whoever talks; and better than silence alone.
#[test]
fn the_default_profile_meets_its_figures_on_made_up_talk() {
    for (seed, (name, population)) in (1..).zip(&talk::POPULATIONS) {
        let lines = talk::answers(seed, ANSWERS, population);
        let told = bench(&lines, &[]).expect("it runs");
        let figures = |path: &str| number(&told, path);
        let silence = timeout(&lines, figures("/all/mean_wait_ms") / 1_000.0);
        println!(
            "{name}: silence alone, at this wait, {silence:.3}\n{}\n{}\n{}",
            told["all"], told["short"], told["long"]
        );
        assert_eq!(figures("/all/n"), figures("/short/n") + figures("/long/n"));
        assert!(figures("/all/cut") <= 0.10, "{name} {}", told["all"]);
        assert!(figures("/all/mean_wait_ms") <= 2_000.0, "{name} {}", told["all"]);
        assert!(figures("/all/cut_with_recovery") <= 0.02, "{name} {}", told["all"]);
        assert!(figures("/long/cut_with_recovery") <= 0.05, "{name} {}", told["long"]);
        assert!(figures("/all/p95_wait_ms") <= 4_000.0, "no answer waits for ever: {}", told["all"]);
        assert!(figures("/all/cut") < silence * 0.98, "{name}: {silence}");
    }
}

#[test]
fn an_answer_is_cut_off_recovered_and_waited_for_as_defined() {
    let plain = bench(&answer("unknown", &[(5.0, "lake")]), &[]).expect("it runs");
    let wait = number(&plain, "/all/p50_wait_ms");
    assert!((1_000.0..2_000.0).contains(&wait), "{plain}");
    assert_eq!((number(&plain, "/all/cut"), number(&plain, "/short/n"), number(&plain, "/long/n")), (0.0, 1.0, 0.0));
    assert!(plain["long"]["cut"].is_null(), "{plain}");
    let gap = |gap_s: f64| bench(&answer("unknown", &[(5.0, "lake"), (6.0 + gap_s, "house")]), &[]).expect("it runs");
    let shares = |told: &Value| (number(told, "/all/cut"), number(told, "/all/cut_with_recovery"));
    assert_eq!(shares(&gap(wait / 1_000.0 - 0.05)), (0.0, 0.0));
    assert_eq!(shares(&gap(wait / 1_000.0 + 0.05)), (1.0, 0.0));
    assert_eq!(shares(&gap(wait / 1_000.0 + 1.45)), (1.0, 0.0));
    assert_eq!(shares(&gap(wait / 1_000.0 + 1.60)), (1.0, 1.0));
    let long = gap(9.0);
    assert_eq!((number(&long, "/long/n"), number(&long, "/long/cut_with_recovery")), (1.0, 1.0));
    let code = bench(&answer("code", &[(5.0, "lake")]), &[]).expect("it runs");
    assert!(number(&code, "/kinds/code/mean_wait_ms") > 10_000.0, "{code}");
}

#[test]
fn flags_change_the_policy_and_probabilities_are_heard() {
    let lines = answer("open", &[(0.0, "it is a key in the index of the table")]);
    let wait = |lines: &str, more: &[&str]| number(&bench(lines, more).expect("it runs"), "/all/mean_wait_ms");
    let usual = wait(&lines, &[]);
    assert!(wait(&lines, &["--profile", "quick"]) < usual);
    assert!(wait(&lines, &["--profile", "patient"]) > usual);
    assert!(wait(&lines, &["--multiplier", "1.5"]) > usual);
    assert!(wait(&lines, &["--set", "turn.patience.explain_ms=9000"]) > usual);
    let sure = lines.replace("\"words\"", "\"p_complete\":[{\"at_s\":1.1,\"p\":0.97}],\"words\"");
    assert!(wait(&sure, &[]) < usual);
    let same = talk::answers(5, 50, &talk::TELEPHONE);
    let swept = bench(&same, &["--sweep"]).expect("it runs");
    assert_eq!(swept, bench(&same, &["--sweep"]).expect("it runs"));
    let waits: Vec<f64> =
        swept["sweep"].as_array().expect("a curve").iter().map(|point| number(point, "/mean_wait_ms")).collect();
    assert!(waits.len() > 5 && waits.is_sorted(), "{waits:?}");
    assert_eq!(number(&swept, "/timeouts/0/mean_wait_ms"), 500.0);
}

#[test]
fn a_bad_line_is_named() {
    let good = answer("unknown", &[(0.0, "lake")]);
    for (bad, why) in [
        ("{\"words\":[", "line 3"),
        ("{\"id\":\"x\"}", "words"),
        ("{\"words\":[]}", "at least one word"),
        ("{\"words\":[{\"text\":\"a\",\"start_s\":2.0,\"end_s\":1.0}]}", "ends"),
        ("{\"words\":[{\"text\":\"a\",\"start_s\":-2.0,\"end_s\":1.0}]}", "start_s"),
        ("{\"kind\":\"rude\",\"words\":[{\"text\":\"a\",\"start_s\":0,\"end_s\":1}]}", "rude"),
        (
            "{\"words\":[{\"text\":\"a\",\"start_s\":0,\"end_s\":1}],\"p_complete\":[{\"at_s\":0,\"p\":7}]}",
            "between 0 and 1",
        ),
    ] {
        let said = bench(&format!("{good}\n{bad}\n{good}"), &[]).expect_err("it is wrong");
        assert!(said.contains("line 3") && said.contains(why), "{bad}: {said}");
    }
    assert!(bench("\n", &[]).expect_err("empty").contains("no answer"));
    let absent = run(Path::new("/nowhere/answers.jsonl"), &[]);
    assert!(!absent.status.success() && String::from_utf8_lossy(&absent.stderr).contains("/nowhere/answers.jsonl"));
    assert!(bench(&good, &["--set", "turn.patience.unknown=1"]).expect_err("unknown").contains("unknown_ms"));
    assert!(bench(&good, &["--multiplier", "3"]).expect_err("too much").contains("1.25"));
}

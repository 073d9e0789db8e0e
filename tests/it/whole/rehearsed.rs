//! A good day: the program's own candidate takes an interview, and everything that was promised of its record is there.

use super::alone;
use crate::support::server::{Rehearsal, Server};
use serde_json::Value;
use std::collections::BTreeSet;
use vivavoce::cli::rehearse::compare::words;
use vivavoce::interview::rehearsal::{SHIPPED, Script};

/// How much longer or shorter than the interview its recording may be, s: connecting and saying goodbye.
const RECORDING_OFF_S_MAX: f64 = 8.0;
/// So many words of the candidate in a row are told from words of our own.
const WORDS_IN_A_ROW: usize = 3;

#[tokio::test]
async fn a_rehearsed_interview_leaves_a_whole_record() {
    let Some(_alone) = alone().await else { return };
    let server = Server::start(&[]).await;
    let result = Rehearsal::start(&server, &["--questions", "2"]).went_well().await;
    println!("{result}");
    assert!(result["turns"].as_u64().is_some_and(|turns| turns >= 2), "{result}");
    let report_url = result["report_url"].as_str().expect("an address");
    let id = report_url.rsplit('/').next().expect("an id");
    let path = format!("/api/v1/interviews/{id}");

    let interview = server.json(&path).await;
    assert_eq!((&interview["status"], &interview["report_state"]), (&"completed".into(), &"ready".into()));
    let transcript = server.json(&format!("{path}/transcript")).await;
    let lines = transcript["transcript"].as_array().expect("lines");
    has_its_latencies(lines);
    quotes_are_verbatim(&server.json(&format!("{path}/report")).await, lines);
    is_recorded(&server.get(&format!("{path}/recording")).await, &interview);
    has_histograms(&String::from_utf8(server.get("/metrics").await).expect("text"));
    is_kept_secret(&server, lines);
    server.stop().await;
}

fn of_role<'a>(lines: &'a [Value], role: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["role"] == role)
}

/// Speech end → final transcript on the candidate's rows; speech end → each stage → first sample on the replies.
fn has_its_latencies(lines: &[Value]) {
    assert!(of_role(lines, "candidate").count() >= 2, "{lines:?}");
    for line in of_role(lines, "candidate") {
        assert!(line["latency_ms"].is_u64(), "{line}");
        assert!(line["stages"]["decision"].is_object(), "{line}");
    }
    let replies: Vec<&Value> = of_role(lines, "interviewer").filter(|line| !line["turn"].is_null()).collect();
    assert!(!replies.is_empty(), "no row of the interviewer answers a turn");
    for line in replies {
        let stages = &line["stages"]["reply"];
        assert!(line["latency_ms"].is_u64(), "{line}");
        assert_eq!(line["latency_ms"], stages["first_sample_sent_ms"], "{line}");
        for stage in ["decision_ms", "transcript_final_ms", "committed_ms", "first_audio_ms"] {
            assert!(stages[stage].is_u64(), "{stage} of {line}");
        }
    }
}

fn quotes_are_verbatim(report: &Value, lines: &[Value]) {
    let said: Vec<&str> = of_role(lines, "candidate").filter_map(|line| line["content"].as_str()).collect();
    let mut quotes = Vec::new();
    gather_quotes(report, &mut quotes);
    println!("{} quotes", quotes.len());
    for quote in quotes {
        assert!(said.iter().any(|line| line.contains(quote)), "nobody said {quote:?}: {said:?}");
    }
    assert_eq!(report["questions"].as_array().map(Vec::len), Some(2), "{report}");
}

/// What stands under `quote` or `quotes` and was spoken.
fn gather_quotes<'a>(value: &'a Value, quotes: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "quote" && field["start_ms"].is_u64() {
                    quotes.push(field["text"].as_str().expect("text"));
                }
                gather_quotes(field, quotes);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather_quotes(item, quotes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_recorded(wav: &[u8], interview: &Value) {
    let mut wav = hound::WavReader::new(wav).expect("a WAV file");
    let spec = wav.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 16_000, 16));
    let recorded_s = f64::from(wav.duration()) / 16_000.0;
    let time = |field: &str| -> chrono::DateTime<chrono::Utc> {
        interview[field].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{field}: {interview}"))
    };
    let lasted_s = (time("end_time") - time("start_time")).as_seconds_f64();
    println!("recorded {recorded_s:.1} s of {lasted_s:.1} s");
    assert!((recorded_s - lasted_s).abs() < RECORDING_OFF_S_MAX, "recorded {recorded_s} s of {lasted_s} s");
    let samples: Vec<i16> = wav.samples().map(|sample| sample.expect("a sample")).collect();
    for (side, who) in ["the candidate", "the interviewer"].into_iter().enumerate() {
        let loud = samples.iter().skip(side).step_by(2).filter(|sample| sample.unsigned_abs() > 1_000).count();
        assert!(loud > 16_000, "{who} is not heard in the recording");
    }
}

fn has_histograms(metrics: &str) {
    let types: BTreeSet<&str> = metrics.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let turn: Vec<&&str> = types.iter().filter(|line| line.contains("vivavoce_turn_")).collect();
    assert!(!turn.is_empty(), "no latency of a turn is measured: {types:?}");
    for line in types.iter().filter(|line| line.contains("_ms ")) {
        assert!(line.ends_with(" histogram"), "{line}");
    }
    for stage in ["decision", "transcript", "first_audio"] {
        let counted =
            |line: &&str| line.starts_with("vivavoce_turn_") && line.contains("_count") && line.contains(stage);
        assert!(metrics.lines().any(|line| counted(&line)), "{stage} is not measured: {turn:?}");
    }
}

/// Neither the server's log nor the database's holds words of the candidate, as said or as heard.
fn is_kept_secret(server: &Server, lines: &[Value]) {
    let script = Script::parse(SHIPPED).expect("the shipped script");
    let said = script.answers.iter().map(|answer| answer.words.whole());
    let heard = of_role(lines, "candidate").map(|line| line["content"].as_str().expect("text").to_owned());
    let database = std::fs::read_to_string(server.home.cluster().join("server.log")).expect("the database's log");
    // What the program says of a slow disk begins as a sentence about databases may.
    let told = server.log.text().replace("the database is away", "").replace("the database is not available", "");
    let log = words(&format!("{told} {database}")).join(" ");
    assert!(server.told("the interview is over") == 1 && server.told("reply") > 0, "{}", server.log.text());
    for text in said.chain(heard) {
        for row in words(&text).windows(WORDS_IN_A_ROW) {
            let row = format!(" {} ", row.join(" "));
            assert!(!log.contains(&row), "the candidate's words{row}are in the log");
        }
    }
}

//! Questions as a table (CSV): one row each, simple fields in their own columns, lists as JSON in one. Pure. Must never
//! guess at a cell: what cannot be read is told with its row.

use super::draft::QuestionDraft;
use serde_json::{Map, Value};

/// The columns, in the order in which they are written; read in any.
const COLUMNS: [&str; 16] = [
    "key",
    "level",
    "kind",
    "competency",
    "difficulty",
    "anchor",
    "time_box_s",
    "prompt",
    "rephrased",
    "reference_answer",
    "twin",
    "code",
    "key_points",
    "misconceptions",
    "probes",
    "anchors",
];
/// Columns whose cells are JSON.
const JSON: [&str; 5] = ["code", "key_points", "misconceptions", "probes", "anchors"];
/// Columns whose cells are numbers or yes and no.
const PLAIN: [&str; 3] = ["difficulty", "anchor", "time_box_s"];

/// A row that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("row {row}: {what}")]
pub struct TableError {
    /// 1 is the heading.
    pub row: usize,
    pub what: String,
}

/// The table of these questions.
///
/// # Errors
/// Never in practice: the table is written to memory.
pub fn write(questions: &[QuestionDraft]) -> Result<String, TableError> {
    let unwritten = |row: usize| move |what: String| TableError { row, what };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|error| unwritten(1)(error.to_string()))?;
    for (row, question) in (2..).zip(questions) {
        let fields = serde_json::to_value(question).map_err(|error| unwritten(row)(error.to_string()))?;
        let cells = COLUMNS.iter().map(|column| match &fields[*column] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
        });
        writer.write_record(cells).map_err(|error| unwritten(row)(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| unwritten(1)(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| unwritten(1)(error.to_string()))
}

/// The questions of a table; columns that are absent, and cells that are empty, are filled in as of any draft.
///
/// # Errors
/// The first row that cannot be read.
pub fn read(text: &str) -> Result<Vec<QuestionDraft>, TableError> {
    let wrong = |row: usize, what: String| TableError { row, what };
    // A table program writes a byte order mark before UTF-8.
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let heading = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
    if let Some(unknown) = heading.iter().find(|name| !COLUMNS.contains(&name.trim())) {
        return Err(wrong(1, format!("there is no column `{unknown}`")));
    }
    let mut drafts = Vec::new();
    for (row, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| wrong(row, error.to_string()))?;
        let mut fields = Map::new();
        for (name, cell) in heading.iter().map(str::trim).zip(&record) {
            if cell.trim().is_empty() {
                continue;
            }
            let value = if JSON.contains(&name) || PLAIN.contains(&name) {
                let cell = if PLAIN.contains(&name) { cell.trim().to_lowercase() } else { cell.to_owned() };
                serde_json::from_str(&cell).map_err(|error| wrong(row, format!("`{name}`: {error}")))?
            } else {
                Value::String(cell.to_owned())
            };
            fields.insert(name.to_owned(), value);
        }
        drafts.push(serde_json::from_value(Value::Object(fields)).map_err(|error| wrong(row, error.to_string()))?);
    }
    Ok(drafts)
}

#[cfg(test)]
mod tests {
    use super::super::draft::tests::draft;
    use super::*;
    use crate::interview::bank::shipped;

    #[test]
    fn what_is_written_is_read_again() {
        for bank in shipped().expect("banks") {
            let drafts: Vec<QuestionDraft> = bank.questions.into_iter().map(QuestionDraft::of).collect();
            let table = write(&drafts).expect("a table");
            assert_eq!(read(&table), Ok(drafts));
        }
    }

    #[test]
    fn few_columns_are_enough() {
        let table = "\u{feff}key,competency,level,kind,prompt,reference_answer,anchor\n\
            backend.a,apis,junior,factual,\"What is a, and why?\",\"It is a.\nBecause.\",TRUE\n";
        let read = read(table).expect("read");
        assert_eq!((read.len(), read[0].anchor, read[0].difficulty), (1, true, 3));
        assert_eq!(
            (read[0].prompt.as_str(), read[0].reference_answer.as_str()),
            ("What is a, and why?", "It is a.\nBecause.")
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_row() {
        let table = write(&[draft(), draft()]).expect("a table");
        for (from, to, row, said) in [
            ("kind", "kinds", 1, "no column `kinds`"),
            ("explain", "singing", 2, "unknown variant"),
            ("[]", "[", 2, "`key_points`"),
        ] {
            let error = read(&table.replacen(from, to, 1)).expect_err(said);
            assert!(error.row == row && error.what.contains(said), "{error}");
        }
        assert!(read("key\nbackend.a\n").is_err_and(|error| error.row == 2 && error.what.contains("missing field")));
    }
}

//! The published JSON Schemas (2020-12) of the report and its variants, made from the very types that write them.
//! `docs/schemas/` holds them as files; must never differ from what is served.

use super::report::{self, Report};
use super::variants::{FEEDBACK_VERSION, FeedbackDocument, SUMMARY_VERSION, SummaryDocument};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A published document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    Report,
    Feedback,
    Summary,
}

impl Published {
    pub const ALL: [Self; 3] = [Self::Report, Self::Feedback, Self::Summary];

    /// As addresses and files name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Feedback => "feedback",
            Self::Summary => "summary",
        }
    }

    /// The version that documents of it carry.
    #[must_use]
    pub fn version(self) -> u32 {
        match self {
            Self::Report => report::VERSION,
            Self::Feedback => FEEDBACK_VERSION,
            Self::Summary => SUMMARY_VERSION,
        }
    }

    /// Its schema.
    #[must_use]
    pub fn schema(self) -> Value {
        match self {
            Self::Report => schema_of::<Report>(self),
            Self::Feedback => schema_of::<FeedbackDocument>(self),
            Self::Summary => schema_of::<SummaryDocument>(self),
        }
    }
}

fn schema_of<T: ToSchema + PartialSchema>(published: Published) -> Value {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut parts);
    let json = |schema: &RefOr<Schema>| serde_json::to_value(schema).expect("a schema is plain JSON");
    let definitions: Map<String, Value> = parts.iter().map(|(name, schema)| (name.clone(), json(schema))).collect();
    let (name, version) = (published.name(), published.version());
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:vivavoce:{name}:{version}"),
        "title": format!("Vivavoce {name}, version {version}"),
    });
    let own = json(&T::schema());
    if let (Value::Object(whole), Value::Object(own)) = (&mut whole, own) {
        whole.extend(own);
        whole.insert("$defs".to_owned(), Value::Object(definitions));
    }
    point_inwards(&mut whole);
    whole
}

/// References lead to this document's own definitions.
fn point_inwards(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                let inner = field.as_str().and_then(|to| to.strip_prefix("#/components/schemas/"));
                match inner.filter(|_| key == "$ref") {
                    Some(name) => *field = Value::String(format!("#/$defs/{name}")),
                    None => point_inwards(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_inwards),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

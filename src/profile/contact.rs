//! Who a CV is of: name, addresses, what the person calls itself. Must never guess what does not stand there.

use super::proposal::Fields;
use super::sections::{Line, Section};
use serde_json::{Value, json};

/// Lines from the top among which the name is looked for.
const NAME_LINES: usize = 6;
/// Words that make of a line a profession, in small letters, as words begin.
const TITLES: &[&str] = &[
    "engineer",
    "developer",
    "architect",
    "programmer",
    "analyst",
    "designer",
    "tester",
    "consultant",
    "administrator",
    "scientist",
    "manager",
    "lead",
    "specialist",
    "intern",
    "trainee",
    "devops",
    "sre",
    "dba",
    "cto",
    "розробник",
    "розробниця",
    "інженер",
    "інженерка",
    "програміст",
    "програмістка",
    "аналітик",
    "аналітикиня",
    "архітектор",
    "архітекторка",
    "дизайнер",
    "дизайнерка",
    "тестувальник",
    "тестувальниця",
    "адміністратор",
    "адміністраторка",
    "менеджер",
    "менеджерка",
    "стажер",
    "стажерка",
    "керівник",
];

/// Whether a text names a profession.
pub fn is_title(text: &str) -> bool {
    let text = text.to_lowercase();
    text.split(|c: char| !c.is_alphanumeric())
        .any(|word| TITLES.contains(&word.trim_end_matches('s')) || TITLES.contains(&word))
}

/// `basics`: name, label, email, phone, url, profiles, summary.
pub fn read(lines: &[Line], fields: &mut Fields) -> Value {
    let mut basics = serde_json::Map::new();
    let mut put = |name: &str, found: Option<(&Line, String)>| {
        if let Some((line, value)) = found {
            fields.note(format!("basics.{name}"), line);
            basics.insert(name.to_owned(), value.into());
        }
    };
    put("name", lines.iter().take(NAME_LINES).find_map(|line| Some((line, name(&line.text)?))));
    let head = || lines.iter().filter(|line| line.section == Section::Head);
    put("label", head().skip(1).find(|line| is_label(&line.text)).map(|line| (line, line.text.clone())));
    put("email", words(lines).find_map(|(line, word)| Some((line, email(word)?))));
    put("phone", head().find_map(|line| Some((line, phone(&line.text)?))));
    let summary: Vec<&Line> = lines.iter().filter(|line| line.section == Section::Summary).take(10).collect();
    let text: Vec<&str> = summary.iter().map(|line| line.text.as_str()).collect();
    put("summary", summary.first().map(|line| (*line, text.join(" "))));
    let mut profiles = Vec::new();
    for (line, word) in words(lines) {
        let Some((network, url)) = profile(word) else { continue };
        if profiles.iter().any(|known: &Value| known["network"] == network) {
            continue;
        }
        fields.note(format!("basics.profiles[{}]", profiles.len()), line);
        profiles.push(json!({ "network": network, "url": url }));
    }
    if !profiles.is_empty() {
        basics.insert("profiles".to_owned(), profiles.into());
    }
    Value::Object(basics)
}

fn words(lines: &[Line]) -> impl Iterator<Item = (&Line, &str)> {
    lines.iter().flat_map(|line| {
        let parts =
            line.text.split(|c: char| c.is_whitespace() || matches!(c, '|' | ',' | ';' | '<' | '>' | '(' | ')'));
        parts.map(move |word| (line, word.trim_matches(|c: char| matches!(c, '.' | ':' | '"' | '\''))))
    })
}

/// Two to four capitalised words, and nothing else.
fn name(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_name = |word: &&str| {
        word.starts_with(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-' | '.' | 'ʼ'))
    };
    let lower = text.to_lowercase();
    let is_label = ["curriculum", "resume", "résumé", "резюме", "vitae"].iter().any(|word| lower.contains(word));
    ((2..=4).contains(&words.len()) && words.iter().all(is_name) && !is_label && !is_title(text))
        .then(|| words.join(" "))
}

fn is_label(text: &str) -> bool {
    is_title(text) && text.split_whitespace().count() <= 10 && !text.contains('@')
}

fn email(word: &str) -> Option<String> {
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let (local, domain) = word.split_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
    };
    (plain(local) && plain(domain) && domain.contains('.') && !domain.contains("..")).then(|| word.to_owned())
}

/// Nine to fifteen digits with the signs of a telephone number between, beginning with a plus, a bracket or a zero.
fn phone(text: &str) -> Option<String> {
    let begins = text.char_indices().filter(|(_, c)| matches!(c, '+' | '(' | '0'));
    begins
        .map(|(at, _)| {
            let rest = &text[at..];
            let end = rest
                .char_indices()
                .find(|(_, c)| !(c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | ' ' | '.' | '\u{a0}')))
                .map_or(rest.len(), |(end, _)| end);
            rest[..end].trim_end_matches(|c: char| !c.is_ascii_digit())
        })
        .find(|number| (9..=15).contains(&number.chars().filter(char::is_ascii_digit).count()))
        .map(str::to_owned)
}

fn profile(word: &str) -> Option<(&'static str, String)> {
    let bare = word.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    let networks = [("github.com/", "GitHub"), ("linkedin.com/in/", "LinkedIn"), ("gitlab.com/", "GitLab")];
    let network = networks.iter().find(|(prefix, _)| bare.to_lowercase().starts_with(prefix))?;
    let is_plain = bare.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | '%'));
    (is_plain && bare.len() > network.0.len()).then(|| (network.1, format!("https://{bare}")))
}

//! Words of the trade whose sound is not their spelling, and symbols that are said. Pure data.

use super::numbers;

/// Longer ones first.
pub const OPERATORS: [(&str, &str); 18] = [
    ("===", "strictly equals"),
    ("!==", "is not strictly equal to"),
    ("==", "equals"),
    ("!=", "is not equal to"),
    ("<=", "is at most"),
    (">=", "is at least"),
    ("=>", "arrow"),
    ("->", "arrow"),
    ("&&", "and"),
    ("||", "or"),
    ("::", ""),
    ("++", "plus plus"),
    ("+=", "plus equals"),
    ("+", "plus"),
    ("=", "equals"),
    ("&", "and"),
    ("\u{2265}", "is at least"),
    ("\u{2264}", "is at most"),
];

/// Only where they stand alone: inside a word they are brackets or code.
const ALONE: [(&str, &str); 4] = [("<", "less than"), (">", "greater than"), ("%", "percent"), ("\u{2192}", "to")];

/// As written.
const EXACT: [(&str, &str); 41] = [
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "et cetera."),
    ("etc", "et cetera"),
    ("vs.", "versus"),
    ("vs", "versus"),
    ("approx.", "about"),
    ("C++", "C plus plus"),
    ("C#", "C sharp"),
    ("F#", "F sharp"),
    (".NET", "dot net"),
    ("Node.js", "Node J S"),
    ("Next.js", "Next J S"),
    ("Vue.js", "Vue J S"),
    ("I/O", "I O"),
    ("CI/CD", "C I C D"),
    ("SQL", "sequel"),
    ("NoSQL", "no sequel"),
    ("MySQL", "my sequel"),
    ("PostgreSQL", "post gress"),
    ("Postgres", "post gress"),
    ("SQLite", "sequel light"),
    ("JSON", "jason"),
    ("JSONB", "jason B"),
    ("YAML", "yammel"),
    ("TOML", "tommel"),
    ("CRUD", "crud"),
    ("ACID", "acid"),
    ("SOLID", "solid"),
    ("REST", "rest"),
    ("RESTful", "restful"),
    ("RAM", "ram"),
    ("AWS", "eh WS"),
    ("CORS", "cores"),
    ("ASCII", "askey"),
    ("FIFO", "fie foe"),
    ("LIFO", "lie foe"),
    ("GUI", "gooey"),
    ("OAuth", "oh auth"),
    ("gRPC", "GRPC"),
    ("fn", "function"),
];

/// In whatever case, also with a plural's `s`.
const ANY_CASE: [(&str, &str); 26] = [
    ("async", "eh sink"),
    ("mutex", "mew tecks"),
    ("enum", "ee num"),
    ("regex", "redgex"),
    ("nginx", "engine X"),
    ("kubectl", "cube control"),
    ("redis", "reddiss"),
    ("tokio", "tokyo"),
    ("kafka", "kofka"),
    ("stdin", "standard in"),
    ("stdout", "standard out"),
    ("stderr", "standard error"),
    ("memoization", "memo ization"),
    ("goroutine", "go routine"),
    ("webhook", "web hook"),
    ("middleware", "middle ware"),
    ("deadlock", "dead lock"),
    ("backend", "back end"),
    ("frontend", "front end"),
    ("hashmap", "hash map"),
    ("cpu", "CPU"),
    ("idempotent", "eye dem potent"),
    ("idempotence", "eye dem potence"),
    ("idempotency", "eye dem potency"),
    ("throughput", "through put"),
    ("kubernetes", "koober netties"),
];

/// What is said for a word that is written so.
pub fn known(word: &str) -> Option<String> {
    if let Some((_, said)) = EXACT.iter().find(|(written, _)| *written == word) {
        return Some((*said).to_owned());
    }
    if let Some(said) = numbers::unit(word) {
        return Some(said.to_owned());
    }
    let operator = OPERATORS.iter().chain(&ALONE).find(|(symbol, said)| *symbol == word && !said.is_empty());
    if let Some((_, said)) = operator {
        return Some((*said).to_owned());
    }
    let lower = word.to_lowercase();
    let find = |word: &str| ANY_CASE.iter().find(|(written, _)| *written == word).map(|(_, said)| *said);
    let plural = |said: &str| format!("{said}{}", if said.ends_with(['s', 'x']) { "es" } else { "s" });
    find(&lower).map(str::to_owned).or_else(|| lower.strip_suffix('s').and_then(find).map(plural))
}

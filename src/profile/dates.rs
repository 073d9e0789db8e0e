//! Spans of time as CVs write them: "Jan 2020 – Present", "03/2018 - 12.2019", "2015–2018", "січень 2020 — донині". Must
//! never take a number for a year that cannot be one.

/// First and last year of a working life that a CV may tell of.
const YEARS: std::ops::RangeInclusive<i32> = 1950..=2100;

/// A month, or a year whose month is not told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Month {
    pub year: i32,
    /// 1 to 12.
    pub month: Option<u32>,
}

impl Month {
    /// As JSON Resume writes it.
    pub fn iso(self) -> String {
        self.month.map_or_else(|| self.year.to_string(), |month| format!("{}-{month:02}", self.year))
    }
}

/// A span of time in a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    pub start: Month,
    /// `None`: it goes on.
    pub end: Option<Month>,
    /// The line without the span.
    pub rest: String,
}

const MONTHS: [&[&str]; 12] = [
    &["jan", "січ"],
    &["feb", "лют"],
    &["mar", "берез"],
    &["apr", "квіт"],
    &["may", "трав"],
    &["jun", "черв"],
    &["jul", "лип"],
    &["aug", "серп"],
    &["sep", "верес"],
    &["oct", "жовт"],
    &["nov", "листопад"],
    &["dec", "груд"],
];

const NOW: &[&str] = &[
    "present",
    "now",
    "current",
    "currently",
    "today",
    "ongoing",
    "дотепер",
    "донині",
    "досі",
    "тепер",
    "зараз",
    "сьогодні",
    "теперішній",
];

/// The first span of time in a line.
pub fn span(line: &str) -> Option<Span> {
    let words = words(line);
    for first in 0..words.len() {
        let Some((start, after)) = month(&words, first) else { continue };
        let Some(next) = separator(&words, after) else { continue };
        let (end, last) = match words.get(next) {
            Some(word) if NOW.contains(&word.text.as_str()) => (None, next + 1),
            Some(_) => match month(&words, next) {
                Some((end, last)) => (Some(end), last),
                None => continue,
            },
            None => continue,
        };
        if end.is_some_and(|end| end.year < start.year) {
            continue;
        }
        let (from, to) = (words[first].start, words[last - 1].end);
        let rest = format!("{} {}", &line[..from], &line[to..]);
        return Some(Span { start, end, rest: tidy(&rest) });
    }
    None
}

/// How many months at least one of the spans covers, as of `now`.
pub fn months_covered(spans: &[Span], now: Month) -> u32 {
    let index = |month: Month, of_none: u32| i64::from(month.year) * 12 + i64::from(month.month.unwrap_or(of_none)) - 1;
    let latest = index(now, 12);
    let mut covered: Vec<(i64, i64)> = spans
        .iter()
        .map(|span| (index(span.start, 1), span.end.map_or(latest, |end| index(end, 12)).min(latest) + 1))
        .filter(|(start, end)| start < end)
        .collect();
    covered.sort_unstable();
    let mut total = 0;
    let mut until = i64::MIN;
    for (start, end) in covered {
        total += (end - start.max(until)).max(0);
        until = until.max(end);
    }
    u32::try_from(total).unwrap_or(0)
}

/// A run of letters, a run of digits, or a sign.
struct Word {
    text: String,
    start: usize,
    end: usize,
}

fn words(line: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut last = Kind::Space;
    for (at, c) in line.char_indices() {
        let kind = Kind::of(c);
        let end = at + c.len_utf8();
        match (kind, words.last_mut()) {
            (Kind::Space, _) => {}
            (Kind::Letter | Kind::Digit, Some(word)) if kind == last => {
                word.text.extend(c.to_lowercase());
                word.end = end;
            }
            (Kind::Letter | Kind::Digit | Kind::Sign, _) => {
                words.push(Word { text: c.to_lowercase().collect(), start: at, end });
            }
        }
        last = kind;
    }
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Letter,
    Digit,
    Sign,
}

impl Kind {
    fn of(c: char) -> Self {
        if c.is_whitespace() {
            Self::Space
        } else if c.is_ascii_digit() {
            Self::Digit
        } else if c.is_alphabetic() || c == '\'' || c == '’' {
            Self::Letter
        } else {
            Self::Sign
        }
    }
}

/// A month at `at`, and the place after it: "Jan 2020", "Jan. 2020", "03/2020", "2020-03", "2020".
fn month(words: &[Word], at: usize) -> Option<(Month, usize)> {
    let text = |place: usize| words.get(place).map(|word| word.text.as_str());
    let joined = |place: usize| {
        let sign = matches!(text(place), Some("/" | "." | "-"));
        // Only where nothing stands between, so that "2018 - 12 people" is no month.
        sign && place > 0
            && words[place - 1].end == words[place].start
            && words.get(place + 1).is_some_and(|next| next.start == words[place].end)
    };
    if let Some(named) = text(at).and_then(month_name) {
        let after = if matches!(text(at + 1), Some("." | ",")) { at + 2 } else { at + 1 };
        let year = text(after).and_then(year)?;
        return Some((Month { year, month: Some(named) }, after + 1));
    }
    if let Some(year) = text(at).and_then(year) {
        let number = text(at + 2).and_then(month_number).filter(|_| joined(at + 1));
        return Some((Month { year, month: number }, if number.is_some() { at + 3 } else { at + 1 }));
    }
    let number = text(at).and_then(month_number).filter(|_| joined(at + 1))?;
    let year = text(at + 2).and_then(year)?;
    Some((Month { year, month: Some(number) }, at + 3))
}

fn month_name(word: &str) -> Option<u32> {
    let found = MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name)))?;
    // "march" and "marketing" begin alike.
    let is_month = word.chars().count() <= 3
        || !word.is_ascii()
        || [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "sept",
            "september",
            "october",
            "november",
            "december",
        ]
        .contains(&word);
    u32::try_from(found + 1).ok().filter(|_| is_month)
}

fn year(word: &str) -> Option<i32> {
    let is_year = word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|year| is_year && YEARS.contains(year))
}

fn month_number(word: &str) -> Option<u32> {
    word.parse().ok().filter(|month| word.len() <= 2 && (1..=12).contains(month))
}

/// The place after what joins two ends of a span.
fn separator(words: &[Word], at: usize) -> Option<usize> {
    let joins = ["-", "–", "—", "−", "to", "till", "until", "до", "по"];
    words.get(at).filter(|word| joins.contains(&word.text.as_str())).map(|_| at + 1)
}

/// Without the signs that stood around the span.
fn tidy(rest: &str) -> String {
    let rest = rest.replace("()", " ").replace("( )", " ").replace("[]", " ");
    let words: Vec<&str> = rest.split_whitespace().collect();
    words
        .join(" ")
        .trim_matches(|c: char| {
            c.is_whitespace() || matches!(c, '|' | ',' | ';' | ':' | '·' | '–' | '—' | '-' | '(' | ')')
        })
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<(String, Option<String>, String)> {
        span(line).map(|span| (span.start.iso(), span.end.map(Month::iso), span.rest))
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (line, start, end, rest) in [
            ("Acme | Jan 2020 – Present", "2020-01", None, "Acme"),
            ("September 2018 - dec. 2019, Engineer", "2018-09", Some("2019-12"), "Engineer"),
            ("Engineer (03/2018 - 12.2019)", "2018-03", Some("2019-12"), "Engineer"),
            ("2015–2018 Kyiv", "2015", Some("2018"), "Kyiv"),
            ("2015-03 to 2018-11", "2015-03", Some("2018-11"), ""),
            ("Січень 2020 — донині", "2020-01", None, ""),
            ("вересень 2016 до червень 2019, Розробник", "2016-09", Some("2019-06"), "Розробник"),
        ] {
            let wanted = (start.to_owned(), end.map(str::to_owned), rest.to_owned());
            assert_eq!(found(line), Some(wanted), "{line}");
        }
        for line in [
            "",
            "2020",
            "1234 - 5678",
            "2020 – 2015",
            "from 2018 - 12 people",
            "Marketing 2020 and 2021",
            "–",
            "2020 –",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }

    #[test]
    fn overlapping_spans_count_once() {
        let spans: Vec<Span> =
            ["2018 – 2019", "Jul 2019 – Dec 2020", "Jan 2024 – Present"].iter().filter_map(|line| span(line)).collect();
        let now = Month { year: 2024, month: Some(6) };
        assert_eq!(months_covered(&spans, now), 36 + 6);
        assert_eq!(months_covered(&[], now), 0);
        let later: Vec<Span> = span("2030 – 2040").into_iter().collect();
        assert_eq!(months_covered(&later, now), 0);
    }
}

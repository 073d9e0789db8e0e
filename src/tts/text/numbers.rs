//! Numbers in words. Pure.

use crate::interview::words::{SMALL_NUMBERS, TENS};

const SCALES: [(u64, &str); 4] =
    [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];
/// Larger numbers are read digit by digit, as people do.
const NUMBER_MAX: u64 = 999_999_999_999_999;

/// Units that stand directly after a number: one of it, several.
const UNITS: [(&str, &str, &str); 28] = [
    ("%", "percent", "percent"),
    ("ms", "millisecond", "milliseconds"),
    ("us", "microsecond", "microseconds"),
    ("\u{b5}s", "microsecond", "microseconds"),
    ("ns", "nanosecond", "nanoseconds"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("x", "times", "times"),
    ("k", "thousand", "thousand"),
    ("K", "thousand", "thousand"),
    ("M", "million", "million"),
    ("bn", "billion", "billion"),
    ("B", "byte", "bytes"),
    ("KB", "kilobyte", "kilobytes"),
    ("kB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("KiB", "kibibyte", "kibibytes"),
    ("MiB", "mebibyte", "mebibytes"),
    ("GiB", "gibibyte", "gibibytes"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("km", "kilometre", "kilometres"),
];

/// The words for a number, also with a unit, a currency, a sign or an ordinal's ending; `None` if it is none.
pub fn spoken(text: &str) -> Option<String> {
    let minus = text.strip_prefix(['-', '\u{2212}']);
    let unsigned = minus.unwrap_or(text);
    for (sign, one, several) in
        [('$', "dollar", "dollars"), ('\u{20ac}', "euro", "euros"), ('\u{a3}', "pound", "pounds")]
    {
        if let Some(amount) = unsigned.strip_prefix(sign) {
            let said = number(amount)?;
            return Some(format!("{said} {}", if amount == "1" { one } else { several }));
        }
    }
    let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(unsigned.len());
    let (amount, ending) = unsigned.split_at(digits);
    let said = match ending {
        "" if minus.is_none() => year(amount).or_else(|| status(amount)).or_else(|| number(amount))?,
        "" => number(amount)?,
        "st" | "nd" | "rd" | "th" => ordinal(amount.parse().ok()?),
        "s" if amount.len() == 4 => {
            let year = year(amount)?;
            year.strip_suffix('y').map_or_else(|| format!("{year}s"), |stem| format!("{stem}ies"))
        }
        unit => {
            let (_, one, several) = UNITS.iter().find(|(known, _, _)| *known == unit)?;
            format!("{} {}", number(amount)?, if amount == "1" { one } else { several })
        }
    };
    Some(if minus.is_some() { format!("minus {said}") } else { said })
}

/// The words for a unit that stands apart from its number.
pub fn unit(text: &str) -> Option<&'static str> {
    let apart = text.len() > 1 && !matches!(text, "us" | "min" | "bn");
    UNITS.iter().find(|(known, _, _)| apart && *known == text).map(|(_, _, several)| *several)
}

fn number(amount: &str) -> Option<String> {
    if !amount.starts_with(|c: char| c.is_ascii_digit()) || !amount.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let parts: Vec<&str> = amount.split('.').collect();
    match parts.as_slice() {
        [whole] => whole_number(whole),
        [whole, fraction] if fraction.chars().all(|c| c.is_ascii_digit()) => {
            Some(format!("{} point {}", whole_number(whole)?, digit_by_digit(fraction)))
        }
        // A version or an address.
        several => {
            let said: Option<Vec<String>> = several.iter().map(|part| whole_number(part)).collect();
            Some(said?.join(" point "))
        }
    }
}

fn whole_number(digits: &str) -> Option<String> {
    let plain = digits.replace(',', "");
    if plain.is_empty() || !plain.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let value = plain.parse().ok().filter(|value| *value <= NUMBER_MAX);
    let leading_zero = plain.len() > 1 && plain.starts_with('0');
    Some(value.filter(|_| !leading_zero).map_or_else(|| digit_by_digit(&plain), cardinal))
}

fn digit_by_digit(digits: &str) -> String {
    let word = |c: char| c.to_digit(10).map(|digit| SMALL_NUMBERS[digit as usize]);
    digits.chars().filter_map(word).collect::<Vec<_>>().join(" ")
}

fn cardinal(value: u64) -> String {
    if value < 20 {
        return SMALL_NUMBERS[value as usize].to_owned();
    }
    let (head, rest) = if value < 100 {
        (TENS[(value / 10) as usize - 2].to_owned(), value % 10)
    } else if value < 1000 {
        (format!("{} hundred", SMALL_NUMBERS[(value / 100) as usize]), value % 100)
    } else {
        let (scale, name) = SCALES.into_iter().find(|(scale, _)| value >= *scale).unwrap_or(SCALES[3]);
        (format!("{} {name}", cardinal(value / scale)), value % scale)
    };
    if rest == 0 { head } else { format!("{head} {}", cardinal(rest)) }
}

fn ordinal(value: u64) -> String {
    let said = cardinal(value);
    let (before, last) = said.rsplit_once(' ').map_or(("", said.as_str()), |(before, last)| (before, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        other => other.strip_suffix('y').map_or_else(|| format!("{other}th"), |stem| format!("{stem}ieth")),
    };
    if before.is_empty() { last } else { format!("{before} {last}") }
}

/// Years of living memory are read in pairs.
fn year(digits: &str) -> Option<String> {
    let value: u64 = (digits.len() == 4).then(|| digits.parse().ok()).flatten()?;
    match value {
        1950..=1999 | 2010..=2039 => {
            let low = value % 100;
            Some(if low == 0 { cardinal(value) } else { format!("{} {}", cardinal(value / 100), cardinal(low)) })
        }
        _ => None,
    }
}

/// Status codes such as 404 are read with an "oh".
fn status(digits: &str) -> Option<String> {
    let value: u64 = (digits.len() == 3).then(|| digits.parse().ok()).flatten()?;
    let (hundreds, rest) = (value / 100, value % 100);
    let said = || format!("{} oh {}", SMALL_NUMBERS[hundreds as usize], SMALL_NUMBERS[rest as usize]);
    ((2..=5).contains(&hundreds) && (1..=9).contains(&rest)).then(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (text, expected) in [
            ("0", "zero"),
            ("21", "twenty one"),
            ("100", "one hundred"),
            ("1048576", "one million forty eight thousand five hundred seventy six"),
            ("007", "zero zero seven"),
            ("3.05", "three point zero five"),
            ("1.2.3", "one point two point three"),
            ("-5", "minus five"),
            ("12th", "twelfth"),
            ("20th", "twentieth"),
            ("103rd", "one hundred third"),
            ("1ms", "one millisecond"),
            ("1990s", "nineteen nineties"),
            (
                "99999999999999999999",
                "nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine",
            ),
        ] {
            assert_eq!(spoken(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "x", "a1", ".", ",", "5.", "3D", "$", "1.x"] {
            assert_eq!(spoken(text), None, "{text}");
        }
    }
}

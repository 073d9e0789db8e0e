//! Word error rate, by the rules that the recordings' README states.

/// Lower case, no punctuation, digits spelled out, mr = mister, mrs = missus, okay = ok, apostrophes dropped.
pub fn words(text: &str) -> Vec<String> {
    let mut plain = String::new();
    for c in text.to_lowercase().chars() {
        match c {
            '\'' | '\u{2019}' => {}
            c if c.is_alphabetic() => plain.push(c),
            c if c.is_ascii_digit() => {
                // A word for each digit: long numbers do not occur in the recordings.
                plain.push(' ');
                plain.push_str(DIGITS[c as usize - '0' as usize]);
                plain.push(' ');
            }
            _ => plain.push(' '),
        }
    }
    let same = |word: &str| match word {
        "mr" => "mister".to_owned(),
        "mrs" => "missus".to_owned(),
        "okay" => "ok".to_owned(),
        other => other.to_owned(),
    };
    plain.split_whitespace().map(same).collect()
}

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Words to be changed, left out or put in to make `heard` of `said` (the distance of Levenshtein).
pub fn errors(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in heard.iter().enumerate() {
            let replaced = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[heard.len()]
}

#[test]
fn words_are_normalised_and_errors_counted() {
    assert_eq!(words("Mr. O'Neil's 2 cats, okay?"), ["mister", "oneils", "two", "cats", "ok"]);
    assert_eq!(errors(&words("a b c d"), &words("a x c")), 2);
    assert_eq!(errors(&words("a b"), &words("a b")), 0);
    assert_eq!(errors(&[], &words("a b")), 2);
}

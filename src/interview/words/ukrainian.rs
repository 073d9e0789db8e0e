//! Stems of Ukrainian words: the endings of cases, persons and verbal nouns are taken off, so that the forms of one word
//! meet. Light on purpose: it need not know a word. Must never touch another alphabet.

/// Fewest letters that a stem keeps; shorter ones would bring unrelated words together.
const STEM_LETTERS_MIN: usize = 3;
/// Endings that look like the end of a root in short words ("пам'ять"), and the letters left from which they go.
const DOUBTFUL: [&str; 3] = ["ать", "ять", "ить"];
const DOUBTFUL_LETTERS_MIN: usize = 4;

/// Case and person; the longest that fits is taken.
const ENDINGS: [&str; 97] = [
    "ого", "ому", "ими", "іми", "ої", "ою", "их", "их", "им", "ім", "ій", "ий", "ього", "ьому", "ами", "ями", "ах",
    "ях", "ам", "ям", "ів", "їв", "ові", "еві", "єві", "ом", "ем", "єм", "ею", "єю", "ей", "єй", "ати", "яти", "ити",
    "іти", "їти", "ути", "ає", "яє", "уть", "ють", "ать", "ять", "ить", "еть", "єть", "еш", "єш", "иш", "емо", "ємо",
    "имо", "ете", "єте", "ите", "ав", "яв", "ив", "ала", "яла", "ила", "іла", "али", "яли", "или", "іли", "ало", "яло",
    "ило", "іло", "ано", "ено", "а", "я", "е", "є", "и", "і", "ї", "о", "у", "ю", "ь", "аєть", "яєть", "ають", "яють",
    "іють", "аєш", "яєш", "аємо", "яємо", "аєте", "яєте", "іє", "ієть",
];
/// What makes a noun or an adjective of a verb, after the ending is gone.
const DERIVED: [&str; 16] = [
    "уванн",
    "юванн",
    "ованн",
    "ьован",
    "ован",
    "юван",
    "уван",
    "ува",
    "юва",
    "анн",
    "янн",
    "енн",
    "інн",
    "ув",
    "юв",
    "у",
];

/// The stem of a Cyrillic word in lower case.
pub fn stem(word: &str) -> String {
    let plain = word.strip_suffix("ся").or_else(|| word.strip_suffix("сь")).unwrap_or(word);
    let plain = if letters(plain) >= STEM_LETTERS_MIN { plain } else { word };
    let root = without(without(plain, &ENDINGS), &DERIVED);
    let root = root.trim_end_matches(['ь', 'й']);
    let mut stem: Vec<char> = root.chars().map(|c| if c == 'ґ' { 'г' } else { c }).collect();
    // "потік, потоку": the vowel of the last syllable changes; one sign stands for both.
    if let Some(last) = stem.iter().rposition(|&c| is_vowel(c)).filter(|&at| at > 0 && stem[at] == 'і') {
        stem[last] = 'о';
    }
    // "рядок, рядка": the vowel comes and goes.
    if let [.., before, 'о' | 'е', 'к' | 'ц'] = stem[..]
        && stem.len() > STEM_LETTERS_MIN
        && !is_vowel(before)
    {
        stem.remove(stem.len() - 2);
    }
    stem.into_iter().collect()
}

fn without<'a>(word: &'a str, endings: &[&str]) -> &'a str {
    let left = |ending: &&str| {
        let least = if DOUBTFUL.contains(ending) { DOUBTFUL_LETTERS_MIN } else { STEM_LETTERS_MIN };
        word.strip_suffix(*ending).filter(|rest| letters(rest) >= least)
    };
    endings.iter().filter_map(left).min_by_key(|rest| rest.len()).unwrap_or(word)
}

fn letters(word: &str) -> usize {
    word.chars().count()
}

fn is_vowel(c: char) -> bool {
    "аеєиіїоуюя".contains(c)
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn the_forms_of_a_word_meet() {
        for forms in [
            "індекс індексу індекси індексів індексом індексувати індексування",
            "блокування блокує блокувати блокується блокують",
            "запит запиту запити запитів запитами запитах",
            "рядок рядка рядки рядків рядками",
            "потік потоку потоки потоків потоками",
            "транзакція транзакції транзакцію транзакцій транзакціями",
            "читати читає читають читання читала",
            "пам\u{44f}ть памяті памяттю",
            "кеш кешу кешувати кешується кешування",
            "таблиця таблиці таблицю таблиць таблицями",
        ] {
            let stems: Vec<String> = forms.split(' ').map(stem).collect();
            let same = stems.iter().filter(|s| **s == stems[0]).count();
            assert!(same * 10 >= stems.len() * 6, "{forms}: {stems:?}");
        }
        assert_ne!(stem("процес"), stem("процент"));
        assert_ne!(stem("сервер"), stem("сервіс"));
    }
}

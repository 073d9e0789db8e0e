//! What the scoring itself says, to a candidate in the language of the interview and to staff in their own. Must never hold
//! a word about one answer: those are the bank's and the candidate's own.

mod staff;

/// One of our sentences in that language; where it has none in it, as it stands.
#[must_use]
pub fn say<'a>(language: &str, english: &'a str) -> &'a str {
    if language != "uk" {
        return english;
    }
    sentences().find(|(line, _)| *line == english).map_or(english, |(_, ukrainian)| ukrainian)
}

/// A sentence of ours out of a stored document, which is written in English, with the values that stand in it.
#[must_use]
pub fn retold(language: &str, english: &str) -> String {
    if language != "uk" {
        return english.to_owned();
    }
    let known = staff::DOCUMENT.iter().find_map(|(line, _)| Some((line, values(line, english)?)));
    known.map_or_else(|| english.to_owned(), |(line, values)| say_with(language, line, &values))
}

fn sentences() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    UKRAINIAN.iter().chain(staff::UKRAINIAN).chain(staff::DOCUMENT)
}

/// What stands in a text in the places of a sentence; `None` if it is another one.
fn values<'a>(sentence: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = sentence.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        // The last part ends the text; others are found where they come first.
        let value = if at + 1 == parts.len() { rest.strip_suffix(part)? } else { rest.split_once(part)?.0 };
        values.push(value);
        rest = &rest[value.len() + part.len()..];
    }
    rest.is_empty().then_some(values)
}

/// The same with values in the places `{}`, in their order.
#[must_use]
pub fn say_with(language: &str, english: &str, values: &[&str]) -> String {
    let mut parts = say(language, english).split("{}");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        said.push_str(values.get(at).copied().unwrap_or_default());
        said.push_str(part);
    }
    said
}

const UKRAINIAN: &[(&str, &str)] = &[
    // Feedback.
    ("Feedback: {}", "Відгук: {}"),
    ("Topic", "Тема"),
    ("What was right", "Що було правильно"),
    ("What to study", "Що варто вивчити"),
    ("Question by question", "За запитаннями"),
    ("Right", "Правильно"),
    ("To study", "Варто вивчити"),
    ("(this is not so)", "(це не так)"),
    ("(said in part)", "(сказано частково)"),
    ("(the contrary was said)", "(сказано протилежне)"),
    ("Our fault: {}", "Наша помилка: {}"),
    ("A good answer: {}", "Добра відповідь: {}"),
    (
        NOTE,
        "Цей відгук склала програма з того, що ви сказали, за ключовими тезами. Вимову, темп, паузи й почуття не враховано. Якщо щось у ньому не так, попросіть, щоб це переглянула людина: вона може переслухати запис і виправити.",
    ),
    ("No key point was said in full.", "Жодної ключової тези не сказано повністю."),
    ("Nothing was missing.", "Нічого не бракувало."),
    ("Check this again: \u{201c}{}\u{201d} is not so", "Перевірте ще раз: «{}» — це не так"),
    (
        "None of your answers could be assessed, so there is no feedback on their content.",
        "Жодної вашої відповіді не вдалося оцінити, тож відгуку про їхній зміст немає.",
    ),
    (
        SUMMARY,
        "Оцінено відповідей: {} ({}). Сказали майже все, що шукали: {}; багато з того: {}; варто довчити: {}. Нижче для кожної теми — які тези ви назвали і яких бракувало.",
    ),
    // States of a question.
    ("answered", "відповідь надано"),
    ("skipped", "пропущено"),
    ("not asked", "не поставлено"),
    ("not answered", "без відповіді"),
    ("technical failure", "технічний збій"),
    ("insufficient evidence", "замало даних"),
    // Why an answer has no level.
    ("Skipped by wish. Not scored.", "Пропущено за бажанням. Не оцінюється."),
    ("Not asked in this interview. Not scored.", "У цій співбесіді не поставлено. Не оцінюється."),
    ("No answer was given. Not scored.", "Відповіді не було. Не оцінюється."),
    (
        "The answer was lost or damaged on our side. Not scored.",
        "Відповідь втрачено чи пошкоджено з нашого боку. Не оцінюється.",
    ),
    ("Too little of an answer to judge. Not scored.", "Відповідь закоротка, щоб судити. Не оцінюється."),
    // The comment on a scored answer.
    ("Level {}: {} of {} key points said", "Рівень {}: названо ключових тез — {} з {}"),
    (", {} in part", ", частково — {}"),
    ("Contradicted", "Сказано протилежне"),
    ("Missing", "Бракує"),
    ("Misconception", "Хибне уявлення"),
    ("Held at this level by", "Вище не піднято, бо"),
    ("a follow-up was needed", "знадобилося уточнення"),
    ("no words of the answer show a key point", "жодні слова відповіді не показують ключової тези"),
    ("a critical misconception", "є критична хиба"),
    ("Some of it came after a follow-up", "Дещо прозвучало після уточнення"),
    ("Time was up before the answer ended", "Час вийшов раніше, ніж закінчилася відповідь"),
];

/// How a report is made.
pub const MADE: &str = "An AI interviewer asked; scores come from key points of the question bank, each shown by words that \
were found in the answer. Levels run from 1 to 5. Accent, pace, pauses, feelings and the person are not scored. Questions that \
were skipped, not asked or damaged by us carry no level.";

/// How feedback is made, and what can be done about it.
pub const NOTE: &str = "This feedback was made by software from what you said, key point by key point. Accent, pace, pauses and \
feelings were not looked at. If something of it is wrong, ask for a person to look at it: they can listen to the recording \
and correct it.";

/// Feedback as a whole: how many answers, on what, how many of them very good, good and weak.
pub const SUMMARY: &str = "Answers that could be assessed: {} ({}). Said nearly all that was looked for: {}; much of it: {}; \
need study: {}. For each topic you find below which points you made and which were missing.";

#[cfg(test)]
mod tests {
    use super::{NOTE, SUMMARY, retold, say, say_with, sentences};
    use std::collections::BTreeSet;

    #[test]
    fn every_sentence_keeps_its_places_in_ukrainian() {
        for (english, ukrainian) in sentences() {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(ukrainian), "{english}");
            assert!(ukrainian.chars().any(|c| matches!(c, 'а'..='я' | 'А'..='Я' | 'і')), "{english}");
            assert_eq!(say("en", english), *english);
        }
        let all: BTreeSet<&str> = sentences().map(|(english, _)| *english).collect();
        assert_eq!(all.len(), sentences().count(), "each stands once");
        assert!(say("uk", NOTE) != NOTE && say("uk", SUMMARY) != SUMMARY);
        assert_eq!(say("uk", "words of nobody"), "words of nobody");
        assert_eq!(
            say_with("en", "Level {}: {} of {} key points said", &["3", "2", "4"]),
            "Level 3: 2 of 4 key points said"
        );
    }

    #[test]
    fn sentences_of_a_document_are_told_again_with_their_values() {
        let why = "The 90 % interval of the overall score, 2.4 to 3.4, allows for either answer (a yes begins at 3.2, a no \
                   ends below 2.8), so a person decides (4 of 5 questions assessed).";
        let told = retold("uk", why);
        for value in ["2.4", "3.4", "3.2", "2.8", "4 з 5"] {
            assert!(told.contains(value), "{told}");
        }
        assert!(!told.contains("interval"), "{told}");
        assert_eq!(retold("en", why), why);
        assert_eq!(retold("uk", "The page was left 3 times."), "Сторінку покинуто, разів: 3.");
        assert_eq!(retold("uk", "A word of nobody's 3 times."), "A word of nobody's 3 times.");
    }
}

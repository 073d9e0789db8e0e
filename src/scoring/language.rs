//! What the scoring itself says to a candidate, in the language of the interview. Must never hold a word about one answer:
//! those are the bank's and the candidate's own.

/// One of our sentences in that language; where it has none in it, as it stands.
#[must_use]
pub fn say<'a>(language: &str, english: &'a str) -> &'a str {
    if language != "uk" {
        return english;
    }
    UKRAINIAN.iter().find(|(line, _)| *line == english).map_or(english, |(_, ukrainian)| ukrainian)
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

/// How feedback is made, and what can be done about it.
pub const NOTE: &str = "This feedback was made by software from what you said, key point by key point. Accent, pace, pauses and \
feelings were not looked at. If something of it is wrong, ask for a person to look at it: they can listen to the recording \
and correct it.";

/// Feedback as a whole: how many answers, on what, how many of them very good, good and weak.
pub const SUMMARY: &str = "Answers that could be assessed: {} ({}). Said nearly all that was looked for: {}; much of it: {}; \
need study: {}. For each topic you find below which points you made and which were missing.";

#[cfg(test)]
mod tests {
    use super::{NOTE, SUMMARY, UKRAINIAN, say, say_with};

    #[test]
    fn every_sentence_keeps_its_places_in_ukrainian() {
        for (english, ukrainian) in UKRAINIAN {
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(english), places(ukrainian), "{english}");
            assert!(ukrainian.chars().any(|c| ('а'..='я').contains(&c)), "{english}");
            assert_eq!(say("en", english), *english);
        }
        assert!(say("uk", NOTE) != NOTE && say("uk", SUMMARY) != SUMMARY);
        assert_eq!(say("uk", "words of nobody"), "words of nobody");
        assert_eq!(
            say_with("en", "Level {}: {} of {} key points said", &["3", "2", "4"]),
            "Level 3: 2 of 4 key points said"
        );
    }
}

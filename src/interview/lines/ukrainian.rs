//! The interviewer's own words in Ukrainian, each beside the English line that it stands for. Must never say more, or
//! less, than that line.

use super::{
    BEFORE_GOODBYE, BEFORE_LAST, CODE_HEARD, CODE_NUDGE, CODE_OVER, CODE_TIME, DISCLOSURE, DISCLOSURE_WRITTEN,
    GO_AHEAD, GREETING, INTERRUPTED, LET_US_CONTINUE, MOVE_ON, NO_PROBLEM, OFFER_SKIP, PAUSED, SHALL_WE_END,
    STOP_THERE, TAKE_TIME, TRY, UNHEARD, WELCOME_BACK,
};

/// The Ukrainian line for an English one of ours; `None` for a text that is none of them.
pub fn of(english: &str) -> Option<&'static str> {
    LINES.iter().find(|(line, _)| *line == english).map(|(_, ukrainian)| *ukrainian)
}

const LINES: &[(&str, &str)] = &[
    ("I see.", "Зрозуміло."),
    ("All right.", "Гаразд."),
    ("Okay.", "Добре."),
    ("Thank you.", "Дякую."),
    ("Understood.", "Ясно."),
    ("Thank you. Let us go on.", "Дякую. Ходімо далі."),
    ("All right. Here is the next one.", "Гаразд. Ось наступне запитання."),
    ("Thanks. The next question.", "Дякую. Наступне запитання."),
    ("Okay, thank you. Next.", "Добре, дякую. Далі."),
    ("Thank you. Another question.", "Дякую. Ще одне запитання."),
    (BEFORE_LAST, "Дякую. Це останнє запитання."),
    (BEFORE_GOODBYE, "Гаразд, дякую."),
    ("Take your time. Shall I repeat the question?", "Не поспішайте. Повторити запитання?"),
    (
        "There is no hurry. Would you like to hear the question again?",
        "Поспішати нікуди. Бажаєте почути запитання ще раз?",
    ),
    ("I am still here. Shall I say the question once more?", "Я на зв'язку. Повторити запитання ще раз?"),
    (CODE_NUDGE, "Як справи? Можна міркувати вголос; надішліть код, коли будете готові."),
    (OFFER_SKIP, "Якщо бажаєте, можемо залишити це запитання й піти далі. Підемо далі?"),
    (MOVE_ON, "Перейдімо до іншого запитання."),
    (NO_PROBLEM, "Нічого страшного. Ходімо далі."),
    (TRY, "Це нормально. Навіть приблизна думка допоможе. Спробуєте?"),
    (GO_AHEAD, "Будь ласка."),
    (TAKE_TIME, "Звісно. Не поспішайте."),
    (UNHEARD, "Вибачте, я не розчув. Скажіть, будь ласка, ще раз."),
    (STOP_THERE, "Дякую. Зупинимося тут, щоб вистачило часу на решту."),
    (CODE_HEARD, "Гаразд. Надішліть код або скажіть, що закінчили, коли будете готові."),
    (CODE_TIME, "На це завдання лишилася приблизно хвилина."),
    (CODE_OVER, "Залишмо код таким, яким він є."),
    (PAUSED, "Ми зробили паузу. Натисніть «Продовжити», коли будете готові."),
    (WELCOME_BACK, "З поверненням."),
    (SHALL_WE_END, "Завершимо співбесіду на цьому? Скажіть, будь ласка, так чи ні."),
    (LET_US_CONTINUE, "Добре, ходімо далі."),
    (INTERRUPTED, "Вибачте, нас перервали. Ходімо далі."),
    (GREETING, "Вітаю вас."),
    (
        DISCLOSURE,
        "Я ШІ-інтерв'юер. Розмова записується, а вирішує людина. Будь-коли попросіть повторити, пропустити чи зробити паузу.",
    ),
    (
        DISCLOSURE_WRITTEN,
        "Я ШІ-інтерв'юер. Те, що ви пишете, зберігається, а вирішує людина. Будь-коли можна зробити паузу чи пропустити запитання.",
    ),
    (
        "That was the last question. Thank you for your time and your answers. Goodbye.",
        "Це було останнє запитання. Дякую за ваш час і відповіді. До побачення.",
    ),
    (
        "All right, we end here. Thank you for your time. Goodbye.",
        "Гаразд, на цьому завершуємо. Дякую за ваш час. До побачення.",
    ),
    (
        "Our time is up, so we end here. Thank you for your time and your answers. Goodbye.",
        "Наш час вичерпано, тож завершуємо. Дякую за ваш час і відповіді. До побачення.",
    ),
    (
        "I have not heard from you for a while, so I will end here. Thank you, and goodbye.",
        "Я вже певний час вас не чую, тому завершую. Дякую, до побачення.",
    ),
    (
        "This interview has been ended. Thank you for your time. Goodbye.",
        "Цю співбесіду завершено. Дякую за ваш час. До побачення.",
    ),
];

// What the server says when it refuses something, as a Ukrainian page says it. The keys are the server's own sentences,
// `{…}` standing for what it puts in. What is not here is shown as the server said it.

const SAID: Readonly<Record<string, string>> = {
  "A username has 2 to {USERNAME_CHARS_MAX} characters.": "Ім'я користувача має від 2 до {USERNAME_CHARS_MAX} символів.",
  "A username is made of letters, digits, dots, dashes and underscores.": "Ім'я користувача складається з літер, цифр, крапок, дефісів і підкреслень.",
  "This is not an e-mail address.": "Це не електронна адреса.",
  "A name has at most {FULL_NAME_CHARS_MAX} characters.": "Ім'я має щонайбільше {FULL_NAME_CHARS_MAX} символів.",
  "Control characters are not text.": "Керівні символи не є текстом.",
  "The picture's address begins with https://.": "Адреса зображення починається з https://.",
  "A password has {min} to {max} characters.": "Пароль має від {min} до {max} символів.",
  "This password is the first that would be tried; choose another.": "Такий пароль спробують першим; виберіть інший.",
  "The name or the password is wrong.": "Хибне ім'я або пароль.",
  "The password is wrong.": "Хибний пароль.",
  "There is an account with this address.": "Обліковий запис із цією адресою вже є.",
  "This username is taken.": "Це ім'я вже зайняте.",
  "This account is closed.": "Цей обліковий запис закрито.",
  "This login is over. Please log in again.": "Цей вхід завершено. Увійдіть знову.",
  "This needs an account: log in first.": "Для цього потрібен обліковий запис: спершу увійдіть.",
  "Accounts are made by this server's admins.": "Облікові записи тут створюють адміністратори.",
  "This is for interviewers.": "Це для інтерв'юерів.",
  "This is for admins.": "Це для адміністраторів.",
  "Too many tries. Please wait a while.": "Забагато спроб. Зачекайте трохи.",
  "Too many people are logging in at once. Please try again.": "Зараз одночасно входить забагато людей. Спробуйте ще раз.",
  "This link has expired. Please ask for a new one.": "Час дії цього посилання минув. Попросіть нове.",
  "This link is not open yet. Please come back at the time that you were told.": "Це посилання ще не діє. Поверніться в названий вам час.",
  "This link or token is not valid here.": "Це посилання або ключ тут не діє.",
  "This invitation has been taken back.": "Це запрошення відкликано.",
  "A token is needed: open the link that you were given.": "Потрібен ключ: відкрийте посилання, яке вам дали.",
  "This link is for one interview; log in for anything else.": "Це посилання для однієї співбесіди; для решти увійдіть.",
  "There is nothing here, or it is not yours.": "Тут нічого немає, або воно не ваше.",
  "Consent to being recorded comes first.": "Спершу потрібна згода на запис.",
  "Without consent there is no interview.": "Без згоди співбесіди немає.",
  "The text has changed since it was shown. Please reload the page and read it again.": "Текст змінився відтоді, як його показали. Перезавантажте сторінку і прочитайте його ще раз.",
  "This interview is over.": "Цю співбесіду закінчено.",
  "The interview is over.": "Співбесіду закінчено.",
  "The interview has begun already.": "Співбесіду вже розпочато.",
  "The interview has not begun.": "Співбесіду ще не розпочато.",
  "The interview is paused; resume it first.": "Співбесіда на паузі; спершу продовжте її.",
  "The interview is not paused.": "Співбесіда не на паузі.",
  "This was answered already, or the interviewer has said something since. Look at where the interview stands.": "На це вже є відповідь, або інтерв'юер відтоді щось сказав. Подивіться, де стоїть співбесіда.",
  "The question in hand is another one, or takes no code.": "Зараз поставлено інше запитання, або воно не потребує коду.",
  "No more versions of the code are kept.": "Більше версій коду не зберігають.",
  "An answer has words; to go on without one, skip the question.": "Відповідь має слова; щоб іти далі без неї, пропустіть запитання.",
  "An answer has at most {TEXT_BYTES_MAX} bytes; this one has {}.": "Відповідь має щонайбільше {TEXT_BYTES_MAX} байтів; у цій {}.",
  "Code has at most {CODE_BYTES_MAX} bytes.": "Код має щонайбільше {CODE_BYTES_MAX} байтів.",
  "All places for interviews are taken at the moment. Please try again in a few minutes.": "Зараз усі місця для співбесід зайняті. Спробуйте за кілька хвилин.",
  "The record cannot be reached at the moment. Please try again in a moment.": "Сховище записів зараз недосяжне. Спробуйте за мить.",
  "The server took too long to answer. Please try again.": "Сервер відповідав задовго. Спробуйте ще раз.",
  "There is no such category.": "Такої категорії немає.",
  "This category does not exist in that language.": "Цієї категорії цією мовою немає.",
  "This category has no questions of that level.": "У цій категорії немає запитань цього рівня.",
  "This server cannot hold a voice interview in `{language}`: it hears and speaks {spoken}. Choose mode `text`, or have its operator set providers for that language.": "Цей сервер не може провести співбесіду голосом мовою `{language}`: він чує й говорить {spoken}. Виберіть письмову, або нехай оператор налаштує провайдерів для цієї мови.",
  "Nothing is weak or due: hold an interview first, or come back later.": "Слабкого або того, що час повторити, немає: спершу проведіть співбесіду або поверніться згодом.",
  "There is no confirmed profile: confirm one first.": "Підтвердженого профілю немає: спершу підтвердьте його.",
  "At most 30 technologies.": "Щонайбільше 30 технологій.",
  "The file is empty.": "Файл порожній.",
  "The text is not UTF-8.": "Текст не в UTF-8.",
  "At most {bytes_max} bytes are taken here.": "Тут приймають щонайбільше {bytes_max} байтів.",
  "This file is not a PDF.": "Цей файл не є PDF.",
  "This PDF is damaged and cannot be read. Save it anew and try again, or paste the text.": "Цей PDF пошкоджено, його не прочитати. Збережіть його заново і спробуйте ще раз, або вставте текст.",
  "This PDF is protected by a password or against copying. Save it without protection, or paste the text.": "Цей PDF захищено паролем або від копіювання. Збережіть його без захисту, або вставте текст.",
  "This PDF holds pictures and no text: it was scanned. Paste the text instead.": "У цьому PDF самі зображення, тексту немає: його скановано. Натомість вставте текст.",
  "Reading this PDF takes more memory or time than a CV may. Save it anew, or paste the text.": "Читання цього PDF потребує більше пам'яті чи часу, ніж може резюме. Збережіть його заново, або вставте текст.",
  "Too many files are being read at the moment.": "Зараз читається забагато файлів.",
  "The report is not ready yet. Please ask again in a moment.": "Звіт ще не готовий. Спитайте ще раз за мить.",
  "A reason is needed, of at most {REASON_CHARS_MAX} characters.": "Потрібна причина, щонайбільше {REASON_CHARS_MAX} символів.",
  "Somebody else is changing this report; try again.": "Цей звіт змінює хтось інший; спробуйте ще раз.",
  "The window ends after it begins, and in the future.": "Час дії закінчується після початку і в майбутньому.",
  "The window ends within 90 days.": "Час дії закінчується протягом 90 днів.",
  "The window begins today or later.": "Час дії починається сьогодні або пізніше.",
  "Private addresses are not told of anything here.": "Приватні адреси тут ні про що не повідомляють.",
  "The address begins with https://.": "Адреса починається з https://.",
  "The address must name a server that others reach.": "Адреса має називати сервер, доступний іншим.",
  "This is not an address.": "Це не адреса."
};

/** Those with a place for something: what to look for, and what to say. */
const WITH_PLACES = Object.entries(SAID)
  .filter(([key]) => key.includes("{"))
  .map(([key, words]) => {
    const parts = key.split(/\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { places: key.match(/\{[^}]*\}/g) ?? [], shape: new RegExp(`^${parts.join("(.+?)")}$`, "s"), words };
  });

export function said(words: string): string {
  const whole = SAID[words];
  if (whole !== undefined) return whole;
  for (const { places, shape, words: ours } of WITH_PLACES) {
    const found = shape.exec(words);
    if (found !== null) return places.reduce((text, place, index) => text.replace(place, () => found[index + 1] ?? ""), ours);
  }
  return words;
}

//! Closed lists of words that steer how an answer is read: lower case, without apostrophes; English, and Ukrainian where
//! a denial would otherwise be missed. Must never hold a word of a subject.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A list of words.
pub type List = LazyLock<BTreeSet<&'static str>>;

/// Words that carry no meaning of their own in an answer.
pub static STOP_WORDS: List = LazyLock::new(|| {
    "a about actually after all also am an and any are as at back basically be because been being but by can could \
    did do does doing each er etc every for from get gets getting go goes going gonna good got had has have having \
    he her here him his how i id if ill im in into is it its itself ive just kind let lets like lot mean means may \
    maybe me might more much my need needs now of ok okay on one ones or our out over people probably really say see \
    she should so some something sort still such than that thats the their them then there theres these they theyre \
    thing things think this those to too uh um us use used uses using very want was way we well were what when which \
    will with would you your \
    а або адже б бо був була були було бути в вам вас ви від він вона вони воно все всі всіх вже да для до є ж же за з \
    зі із і й його їх їхній її йому ким коли кого котрий які яка яке який якого яких яку між мене мені ми можна може \
    можуть моя мій на над нам нас наш об один однак ось от по при про під потім сам саме свій свої своїх своє свою собі \
    та так така таке такий такі там твій те ти тих то тобто того тоді той тому ту тут у це цей ці цих цього цьому цю \
    ця ще що щоб щось я як якась якийсь"
        .split(' ')
        .collect()
});

/// Words with which a new clause begins even where nobody wrote a comma.
pub static CLAUSE_OPENERS: List = LazyLock::new(|| {
    "but because so whereas while although though however which therefore if unless otherwise але тому якщо"
        .split(' ')
        .collect()
});

/// Words after which a denial speaks of the contrary case.
pub static CONDITIONALS: List =
    LazyLock::new(|| "if unless otherwise when without until whether якщо без".split(' ').collect());

/// Words that deny what follows (apostrophes are gone by then).
pub static NEGATORS: List = LazyLock::new(|| {
    "not never no cannot cant dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt hasnt havent \
    hadnt mustnt neednt none nobody nothing neither nor hardly aint не ні ніколи немає нема жоден"
        .split(' ')
        .collect()
});

/// "don't …" or "not …" with one of these says nothing about the subject.
pub static UNSAID_VERBS: List = LazyLock::new(|| {
    "know remember recall sure understand familiar certain heard idea clue знаю пам\u{2bc}ятаю памятаю впевнений"
        .split(' ')
        .collect()
});

/// "doesn't matter", "no problem": what follows is not denied.
pub static SETTLING: List = LazyLock::new(|| "matter problem worry doubt mind wonder".split(' ').collect());

/// Words between "don't" and "know".
pub static DEGREES: List =
    LazyLock::new(|| "really quite exactly actually too even very fully totally".split(' ').collect());

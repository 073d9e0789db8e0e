//! Made-up telephone talk as word timings, for judging the policy of the floor: clauses of everyday talk with openings,
//! connectors, fillers, repairs and endings, and pauses whose length depends on what stands before them and on who talks.
//! Must never draw on a corpus: its shares are set so that bare timeouts cut off as many answers as is known of real talk.

use std::fmt::Write as _;

/// What a made-up population talks like.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Median of the talking time of an answer, s, and the spread of its logarithm.
    pub talk_s: f64,
    pub talk_spread: f64,
    /// Median of a pause, s, and the spread of its logarithm, within people and between them.
    pub pause_s: f64,
    pub pause_spread: f64,
    pub person_spread: f64,
    /// How often people pause, against what is usual.
    pub pauses: f64,
    /// Share of answers that trail off in mid-clause, after a connector or a filler.
    pub trailing: f64,
    /// How the words are written.
    pub written: Written,
    /// What they talk about.
    pub subject: Subject,
    /// How much more often people pause at the ends of clauses than within them: 1 as fitted, 0 alike everywhere.
    pub place_weight: f64,
    /// Share of answers that are a word or two.
    pub brief: f64,
}

/// How a transcriber writes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Written {
    /// Lower case, nothing else.
    Plain,
    /// Full stops and commas where sentences and clauses end.
    Punctuated,
    /// A recogniser that closes whatever it heard at a pause with a full stop, and leaves out every other filler.
    Recognised,
}

/// What is talked about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Subject {
    Everyday,
    Work,
}

/// Fitted to what is known of real talk: a bare timeout that cuts off one answer in ten waits for about 2 s.
pub const TELEPHONE: Population = Population {
    talk_s: 4.8,
    talk_spread: 1.15,
    pause_s: 0.45,
    pause_spread: 0.71,
    person_spread: 0.28,
    pauses: 1.0,
    trailing: 0.16,
    written: Written::Plain,
    subject: Subject::Everyday,
    place_weight: 1.0,
    brief: 0.0,
};

/// Populations that differ in all that is not known of those who will be heard, each as hard for a bare timeout as real
/// talk is: pauses, how they differ between people and where they stand, how answers end, how they are written, how
/// many are a word or two, and what they are about.
pub const POPULATIONS: [(&str, Population); 11] = [
    ("telephone", TELEPHONE),
    ("even pauses", Population { pause_s: 0.49, pause_spread: 0.65, ..TELEPHONE }),
    ("people alike", Population { person_spread: 0.1, pause_spread: 0.75, ..TELEPHONE }),
    ("people unlike", Population { person_spread: 0.45, pause_spread: 0.62, ..TELEPHONE }),
    ("punctuated", Population { written: Written::Punctuated, ..TELEPHONE }),
    ("full stops at pauses", Population { written: Written::Recognised, pause_spread: 0.71, ..TELEPHONE }),
    ("pauses anywhere", Population { place_weight: 0.4, pause_spread: 0.74, ..TELEPHONE }),
    ("many trail off", Population { trailing: 0.26, pause_spread: 0.71, ..TELEPHONE }),
    ("few trail off", Population { trailing: 0.06, pause_spread: 0.73, ..TELEPHONE }),
    (
        "about work",
        Population { subject: Subject::Work, talk_s: 7.0, talk_spread: 0.95, pause_spread: 0.66, ..TELEPHONE },
    ),
    ("a word or two", Population { brief: 0.2, talk_s: 6.5, pause_spread: 0.71, ..TELEPHONE }),
];

/// A small generator of random numbers (splitmix64), so that talk is the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.next() < share
    }

    /// Normal, by the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        median * (spread * self.normal()).exp()
    }

    fn one_of<'a>(&mut self, list: &'a str) -> &'a str {
        let entries: Vec<&str> = list.split(" | ").collect();
        entries[(self.next() * entries.len() as f64) as usize]
    }
}

const OPENINGS: &str = "well | yeah | oh | um | uh | no | so | right | i mean | oh yeah | well uh | yeah well | okay | let's see | \
    well you know | uh yeah | no i | oh no";
const CONNECTORS: &str = "and | and | and | and then | but | but | so | because | and uh | or | and so | which | you know | i mean | \
    but uh | and um | except | so that | if | when | and i think | like | even though | plus";
const SUBJECTS: &str = "i | i | i | we | we | they | they | you | he | she | it | my husband | my wife | the kids | my sister | \
    people | the school | a lot of people | most of them | this guy | our neighbors | my mother | everybody | the company | \
    some of the teachers | the dog";
const VERBS: &str = "have | got | went to | like | don't like | used to have | just bought | really enjoy | never had | work with | \
    live near | moved to | look at | talk about | wanted | can't stand | think about | try to get | watch | grew up with | \
    pay for | worry about | need | are looking for | were at | had to fix | drive | get into | read about | keep";
const OBJECTS: &str = "a house | the house | the news | an old car | a garden | the lake | some land out in the country | it | them | \
    that | a couple of cats | the newspaper | baseball | the budget | a program for kids | the city | television | \
    that kind of music | a computer at home | the same thing | a lot of movies | my job | the weather | new york | \
    my parents | a real big family | credit cards | the whole system | a lot of stuff | something different | there | \
    the city council | a good school | the taxes | exercise | vegetables | fishing | the benefits | that movie | a truck";
const TAILS: &str = "last year | down here | in texas | at work | every day | with the kids | on the weekend | for a while | \
    right now | when i was little | in the summer | back home | for about ten years | most of the time | at night | \
    on the other side of town | twice a week | in the evening | nineteen eighty five | or so | out there | at all | too | \
    anymore | by myself | about it | to work | years ago";
const COPULAS: &str =
    "it's | that's | it was | they're | it's been | i was | we were | i'm | she's | that was | it would be | it's just";
const QUALITIES: &str = "really nice | pretty good | kind of hard | very expensive | not too bad | great | awful | a lot of fun | \
    different | really interesting | about the same | a problem | sort of sad | too much | fine | ridiculous | tough | \
    getting better | so hot | hard to say";
const ENDINGS: &str = "you know | and stuff like that | i guess | though | too | or something | so yeah | anyway | i think | and everything | \
    that's about it | or whatever | right | you know what i mean | and all that";
const TRAILS: &str = "so | but | and | so uh | but uh | and uh | you know so | so i | um | uh | or | because | and so | but i don't know | but you know";
const SHORTS: &str = "yeah | no | yes | uh-huh | oh sure | yeah i do | not really | no i don't | oh yeah | right | well yeah | \
    i don't know | yes it is | about ten | in dallas | every day | i think so | absolutely | two boys | no not yet | the weekend";

/// What stands at a place where a pause may come.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Clause,
    Connector,
    Filler,
    Opening,
    Inside,
}

const WORK_SUBJECTS: &str = "i | i | we | we | we | they | you | you | it | it | the client | the server | the index | my team | \
    the manager | the database | one of the services | the load balancer | our tests | the customer | the lead | each node";
const WORK_VERBS: &str = "use | used | have | built | moved | wrote | call | cache | store | keep | look at | talked to | measured | \
    retry | send | check | need | changed | split | worked on | ended up with | read from | were responsible for | want to reduce";
const WORK_OBJECTS: &str = "a queue | the queue | an index | the table | it | that | them | a lot of requests | the request | the key | \
    two replicas | the logs | the whole pipeline | a transaction | the data | postgres | the old system | every row | \
    the same key | a small service | the cache | the migration | a code review | the deployment | the budget | redis";
const WORK_TAILS: &str = "in the background | at the same time | for each request | with a timeout | in production | on every change | \
    after the release | last year | in the end | for example | at scale | over the network | by default | too | \
    before the deadline | once a day | in memory | as well | under load | with the team";
const WORK_QUALITIES: &str = "idempotent | pretty slow | eventually consistent | hard to test | a bottleneck | much faster | fine | \
    a big problem | safer | kind of complicated | the right choice | very expensive | easy to read | blocked | wrong";

struct Words {
    said: Vec<(String, Place)>,
    dice: Dice,
    subject: Subject,
}

impl Words {
    fn say(&mut self, text: &str, at_end: Place) {
        let words: Vec<&str> = text.split(' ').collect();
        for (index, word) in words.iter().enumerate() {
            let place = if matches!(*word, "uh" | "um") {
                Place::Filler
            } else if index + 1 == words.len() {
                at_end
            } else {
                Place::Inside
            };
            // Repairs: short words are said twice, and fillers stand before what is sought.
            if place == Place::Inside && word.len() <= 4 && self.dice.chance(0.02) {
                self.said.push(((*word).to_owned(), Place::Inside));
            }
            self.said.push(((*word).to_owned(), place));
            if place == Place::Inside && self.dice.chance(0.02) {
                let filler = self.dice.one_of("uh | uh | um");
                self.said.push((filler.to_owned(), Place::Filler));
            }
        }
    }

    fn clause(&mut self) {
        let tail = self.dice.chance(0.35);
        let clause_end = |tail: bool| if tail { Place::Inside } else { Place::Clause };
        if self.dice.chance(0.35) {
            let qualities = match self.subject {
                Subject::Everyday => QUALITIES,
                Subject::Work => WORK_QUALITIES,
            };
            let (copula, quality) = (self.dice.one_of(COPULAS), self.dice.one_of(qualities));
            self.say(copula, Place::Inside);
            self.say(quality, clause_end(tail));
        } else {
            let (subjects, verbs, objects) = match self.subject {
                Subject::Everyday => (SUBJECTS, VERBS, OBJECTS),
                Subject::Work => (WORK_SUBJECTS, WORK_VERBS, WORK_OBJECTS),
            };
            let (subject, verb, object) =
                (self.dice.one_of(subjects), self.dice.one_of(verbs), self.dice.one_of(objects));
            self.say(subject, Place::Inside);
            self.say(verb, Place::Inside);
            self.say(object, clause_end(tail));
        }
        if tail {
            let tails = match self.subject {
                Subject::Everyday => TAILS,
                Subject::Work => WORK_TAILS,
            };
            let tail = self.dice.one_of(tails);
            self.say(tail, Place::Clause);
        }
    }
}

/// So many answers as JSON lines, the same for the same `seed`.
pub fn answers(seed: u64, count: usize, population: &Population) -> String {
    let mut lines = String::new();
    for number in 0..count {
        let dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(number as u64 * 7_919));
        let words = timed(population, dice);
        let words: Vec<String> = words
            .iter()
            .map(|(text, start, end)| format!("{{\"text\":\"{text}\",\"start_s\":{start:.2},\"end_s\":{end:.2}}}"))
            .collect();
        writeln!(lines, "{{\"id\":\"{number}\",\"kind\":\"unknown\",\"words\":[{}]}}", words.join(","))
            .expect("a string takes all");
    }
    lines
}

fn timed(population: &Population, mut dice: Dice) -> Vec<(String, f64, f64)> {
    let talk_s = dice.lognormal(population.talk_s, population.talk_spread).clamp(0.4, 90.0);
    let person = dice.lognormal(1.0, population.person_spread);
    let pauses = population.pauses * dice.lognormal(1.0, 0.25);
    let word_s = dice.lognormal(0.27, 0.15);
    let words_wanted = (talk_s / word_s).round().max(1.0) as usize;
    let mut words = Words { said: Vec::new(), dice, subject: population.subject };
    compose(population, &mut words, words_wanted);
    let Words { said, mut dice, .. } = words;
    let last = said.len() - 1;
    let mut at = 0.2 + dice.next() * 0.5;
    let mut timed = Vec::new();
    for (index, (word, place)) in said.into_iter().enumerate() {
        let length = word_s * (0.55 + 0.1 * word.len() as f64) * if place == Place::Inside { 0.9 } else { 1.2 };
        let (start, end) = (at, at + length.max(0.08));
        at = end;
        let (share, longer) = match place {
            Place::Clause => (0.42, 1.1),
            Place::Connector => (0.24, 1.0),
            Place::Filler => (0.5, 1.15),
            Place::Opening => (0.28, 0.95),
            Place::Inside => (0.04, 0.85),
        };
        let weight = population.place_weight;
        let (share, longer) = (share * weight + 0.14 * (1.0 - weight), longer * weight + 1.0 - weight);
        let pause = if dice.chance((share * pauses).min(0.95)) {
            dice.lognormal(population.pause_s * longer * person, population.pause_spread).clamp(0.05, 12.0)
        } else {
            0.0
        };
        at += pause;
        let last = index == last;
        let written = match population.written {
            Written::Plain => word,
            Written::Punctuated => punctuated(&word, place, last, &mut dice),
            Written::Recognised if place == Place::Filler && !last && dice.chance(0.5) => continue,
            Written::Recognised if last || (pause > 0.5 && dice.chance(0.6)) => format!("{word}."),
            Written::Recognised => word,
        };
        timed.push((written, start, end));
    }
    timed
}

fn compose(population: &Population, words: &mut Words, wanted: usize) {
    if (wanted <= 4 && words.dice.chance(0.7)) || words.dice.chance(population.brief) {
        let short = words.dice.one_of(SHORTS);
        return words.say(short, Place::Clause);
    }
    if words.dice.chance(0.55) {
        let opening = words.dice.one_of(OPENINGS);
        words.say(opening, Place::Opening);
    }
    loop {
        words.clause();
        if words.said.len() >= wanted {
            break;
        }
        if words.dice.chance(0.85) {
            let connector = words.dice.one_of(CONNECTORS);
            words.say(connector, Place::Connector);
        }
    }
    if words.dice.chance(population.trailing) {
        if words.dice.chance(0.25) {
            let keep = words.said.len() - (words.dice.next() * 3.0) as usize;
            words.said.truncate(keep.max(1));
        } else {
            let trail = words.dice.one_of(TRAILS);
            words.say(trail, Place::Connector);
        }
    } else if words.dice.chance(0.14) {
        let ending = words.dice.one_of(ENDINGS);
        words.say(ending, Place::Clause);
    }
}

fn punctuated(word: &str, place: Place, last: bool, dice: &mut Dice) -> String {
    match place {
        _ if last => format!("{word}."),
        Place::Clause => format!("{word}{}", if dice.chance(0.6) { "." } else { "," }),
        Place::Opening | Place::Filler => format!("{word},"),
        Place::Connector | Place::Inside => word.to_owned(),
    }
}

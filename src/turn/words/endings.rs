//! Tables of what texts end in, and how complete they then look. English and Ukrainian. Must never hold a rule:
//! `completeness` reads them.

/// Last words, and how complete a text looks that ends in them without punctuation, the first that fits. Nobody ends on
/// an article or a subject; prepositions, verbs that want something and "but" are sometimes left hanging; "you know" and
/// "so" do both; "too", "though" and "it" mostly end.
pub(super) const LAST_WORDS: &[(f32, &str)] = &[
    (
        -1.0,
        "a | an | the | my | our | your | their | its | every | i | i'm | i've | i'll | i'd | we | we're | we've | we'll | \
         we'd | they | they're | they've | they'll | they'd | you're | you've | you'll | you'd | he | he's | he'll | he'd | \
         she | she's | she'll | she'd | it'll | there's | who's | what's | where's | and | because | 'cause | cause | cuz | \
         if | than | nor | whether | although | whereas | unless | until | of | into | onto | towards | upon | via | very | \
         quite | gonna | wanna | mr | mrs | dr | а | або | адже | але | без | бо | буде | був | були | в | ваш | він | вони | від | \
         де | для | до | з | за | зі | й | його | із | із-за | і | її | їх | коли | ми | можна | мій | на | над | наприклад | \
         наш | не | об | оскільки | перед | по | поки | при | про | під | після | та | такий | також | те | тільки | \
         тобто | тому | то | треба | у | хоча | це | цей | через | чи | що | щоб | як | яка | яке | який | якщо | які | між",
    ),
    (
        -0.8,
        "it's | to | from | or | is | are | was | were | am | been | be | being | just | like | as | with | for | at | by | \
         these | those | some | such | each | including | during | between | per | plus | pretty | kinda | sorta | maybe | \
         probably | even | also | only | mostly | usually | basically | which | whose | while | got | gotta | having | \
         getting | going | trying | using",
    ),
    (
        -0.5,
        "but | in | on | about | across | after | before | over | through | under | within | without | since | then | that's | \
         has | have | had | can | could | will | would | should | may | might | must | does | did | where | when | \
         how | why | who | what | his | her | use | get | put | make | take | want | need | said | says | say | went | came | \
         called | any | another | other | more | two | three | real | really | always | never | either | first | new | \
         bought | gave | made | took | kept | found | brought | wanted | needed | tried | decided | goes | makes | takes | gets | \
         gives | keeps | means | seem | seems | seemed | become | becomes | became | liked | loved | tell | told | let | lets | \
         give | keep | find | buy | bring | feel | felt | feels | looks | sounds | used | supposed | able | half | \
         nineteen | except | depending | saying | talking | looking | making | taking | \
         putting | giving | telling | keeping | finding | buying | providing | assuming | against | behind | along | among | \
         around | despite | toward | beyond | regarding | concerning",
    ),
    (
        -0.2,
        "so | do | you | think | well | actually | don't | didn't | can't | doesn't | isn't | wasn't | wouldn't | couldn't | no | one",
    ),
    (
        0.45,
        "too | though | anyway | anyways | anymore | yet | everything | anything | nothing | stuff | there | here | them | \
         him | me | us | it | that | this | today | yesterday | tomorrow | tonight | ago | right | yeah | yes | okay | ok | \
         whatever | again | myself | yourself | themselves | together | all | home | thing | things | guess | sure | true | \
         now | uh-huh | um-hum | mm-hm | mm-hmm | mhm | exactly | definitely | course | years | days | time | lot | bad | good | great | nice | fun",
    ),
];

/// Verbs that want an object and are no nouns: nearly nobody ends on one, but for a question left open.
pub(super) const VERBS: &str = "accept | accepted | achieve | add | added | adds | affect | affects | allow | allowed | allows | ask | asked | avoid | \
    avoids | became | begin | believe | brought | build | built | buy | carry | caught | choose | chose | combine | compare | \
    consider | considered | contain | contains | convert | converts | create | created | creates | decide | define | defines | \
    delete | deleted | deliver | depend | depends | describe | discuss | discussed | drive | drove | eat | enable | enables | \
    enjoy | enjoyed | ensure | ensures | expect | expected | explain | explained | fetch | fix | fixed | follow | followed | \
    forget | forgot | gather | generate | generates | grab | grew | grow | handle | handles | hate | hear | heard | hire | hired | \
    hold | holds | identify | implement | implemented | implements | improve | improved | include | included | includes | \
    introduce | introduced | involve | involves | join | learn | learned | lose | love | maintain | manage | managed | meet | \
    moved | notice | noticed | own | owns | paid | pay | perform | prefer | prepare | prevent | prevents | produce | produces | \
    protect | provide | provided | provides | raise | raised | read | reads | receive | received | receives | reduce | reduced | \
    reduces | reject | remember | remove | removed | represent | represents | require | required | requires | returned | returns | \
    save | saw | sell | send | sends | sent | serve | serves | solve | solved | spend | spent | split | store | stored | stores | \
    suggest | suggested | taught | teach | threw | throw | throws | treat | trust | understand | update | updated | verify | watch | \
    watched | wear | write | writes | written | wrote";

/// What two last words say, where they say another thing than the last alone. "It", "that" and "there" mostly end, but
/// not as a clause's first word or before what they announce; helping verbs and particles mostly go on, but not behind
/// what they complete.
pub(super) const LAST_PAIRS: &[(f32, &str)] = &[
    (
        -0.6,
        "think that | thought that | believe that | say that | said that | says that | so that | fact that | thing that | \
         things that | ones that | people that | is that | was that | feel that | found that | guess that | hope that | \
         means that | mean that | everything that | something that | anything that | stuff that | way that | time that | \
         sure that | such that | make sure | makes sure | the same | the right | the good | the only | the one | the bad | \
         the nice | a good | a bad | a nice | a great | a big | a little | a real | a whole | an old | a new | a different | \
         a couple | a few | a long | a small | a large | a certain | the first | the last | the next | the best | the whole | \
         the other | the main | the new | the old | the most | a very | some good | it's all | we all | they all | \
         they're all | you all | i also | \
         one thing | first thing | the time | due to | as to | in order | as long | as soon | as far | as much | rather than | \
         other than | more than | less than | instead of | because of | in terms | depends on | based on",
    ),
    (
        0.1,
        "going on | goes on | went on | go on | later on | move on | moved on | turn on | and on | move in | moved in | come in | \
         came in | get in | go in | went in | put in | used to | want to | have to | to do | i do | we do | they do | you do | \
         i did | we did | they did | he did | she did | it does | i can | we can | \
         you can | for two | for three",
    ),
    (
        0.45,
        "like that | like this | like it | like them | of course | that way | no more | any more | some more | you too | \
         to me | for me | that much | very much | so much | too much | that many | that one | this one | another one | any other | \
         each other | one another | that's why | do so | think so | say so | hope so | guess so | or so | about it | i see | me too",
    ),
];

/// Words that begin a clause: a pronoun behind one is its subject, and something is to come.
pub(super) const CLAUSE_STARTS: &str = "and | but | or | so | because | 'cause | cause | cuz | if | when | whenever | then | well | \
    which | that | where | what | how | while | although | though | unless | whether | think | thought | guess | okay | \
    yeah | yes";

/// Words that are the subject of a clause if they stand first in it.
pub(super) const FIRST_SUBJECTS: &str = "it | that | this | there | everybody | everyone | somebody | someone | nobody | people | \
    you | one | most | some | all | now | today | sometimes | here | nothing";

/// Subjects that a verb follows.
pub(super) const PRONOUNS: &str = "i | we | they | he | she | you";

/// Words behind which a noun alone is a subject, or half an object ("because the kids").
pub(super) const NOUN_STARTS: &str =
    "because | 'cause | cause | cuz | but | so | if | when | that | which | where | while | although";

/// Words behind which a noun makes a phrase whole.
pub(super) const PREPOSITIONS: &str = "about | across | after | around | at | before | behind | between | by | during | for | from | in | \
    into | like | near | of | on | over | per | through | to | under | via | with | within | without | last | next | every | this";

/// What a noun stands behind.
pub(super) const DETERMINERS: &str = "a | an | the | my | our | your | their | its | his | her | these | those | some";

/// Words in "-ly" that end a sentence as often as they hold one open; others mostly go on.
pub(super) const LY_ENDING: &str = "absolutely | apply | completely | daily | definitely | differently | directly | early | easily | \
    exactly | family | finally | fly | friendly | frequently | hourly | independently | italy | july | likely | locally | \
    lonely | lovely | manually | monthly | only | possibly | precisely | properly | quickly | quietly | rarely | really | \
    recently | rely | reply | safely | separately | silly | slowly | supply | synchronously | asynchronously | totally | \
    ugly | weekly | yearly | automatically | periodically | correctly | eventually | concurrently | incrementally";

/// Of those that go on, words that a sentence may end in ("it has not happened since."), if it is seen to end.
pub(super) const ENDING: &str = "about | across | after | as | at | before | between | by | can | could | each | either | for | from | had | \
    has | have | her | his | how | in | including | is | like | may | might | must | of | on | over | per | really | \
    should | since | some | such | that's | then | though | through | to | towards | under | until | use | using | was | \
    we | were | what | when | where | while | who | why | will | with | within | without | would | you | are | am | been | \
    be | being | these | those | maybe | probably | even | also | only | mostly | usually | trying | going | does | did | \
    but | get | put | make | take | want | need | said | say | says | went | came | called | any | another | other | more | \
    two | three | real | always | never | first | new | do | think | actually | don't | didn't | can't | doesn't | isn't | \
    wasn't | wouldn't | couldn't | no | one | буде | був | були | вони | від | він | до | їх | її | його | коли | ми | \
    мій | можна | наш | по | після | про | так | такий | те | то | треба | це | цей | як | яка | яке | який | які";

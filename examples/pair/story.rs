//! Stories: an arc of beats, each beat in several phrasings, about one hero, one friend and one thing.

use rand::Rng;

use crate::draw::{beside, fill, leaning, one, word};
use crate::lexicon::{Lexicon, WORDS, a, capital};

/// Whom a story is about.
#[derive(Clone, PartialEq)]
pub struct Character {
    /// "fox" or "Anna": what an instruction names and a story must hold.
    pub name: &'static str,
    person: bool,
    she: bool,
}

impl Character {
    pub fn animal(name: &'static str, she: bool) -> Self {
        Self { name, person: false, she }
    }

    pub fn person(name: &'static str, she: bool) -> Self {
        Self { name, person: true, she }
    }

    /// Anyone.
    pub fn any(rng: &mut impl Rng) -> Self {
        let she = rng.random_bool(0.5);
        match rng.random_bool(0.55) {
            true => Self::animal(one(rng, &WORDS.animals).name, she),
            false => Self::person(word(rng, if she { &WORDS.she } else { &WORDS.he }), she),
        }
    }

    /// Anyone but `other`.
    fn other(rng: &mut impl Rng, other: &Self) -> Self {
        loop {
            let found = Self::any(rng);
            if found.name != other.name {
                return found;
            }
        }
    }

    /// "a fox", "Anna".
    pub fn new_here(&self) -> String {
        if self.person { self.name.to_owned() } else { a(self.name) }
    }

    /// "the fox", "Anna".
    fn known(&self) -> String {
        if self.person { self.name.to_owned() } else { format!("the {}", self.name) }
    }

    /// "a clever fox", "a clever girl called Anna".
    fn introduced(&self, adjective: &str) -> String {
        match (self.person, self.she) {
            (false, _) => format!("{} {}", a(adjective), self.name),
            (true, true) => format!("{} girl called {}", a(adjective), self.name),
            (true, false) => format!("{} boy called {}", a(adjective), self.name),
        }
    }

    fn he(&self) -> &'static str {
        if self.she { "she" } else { "he" }
    }

    fn him(&self) -> &'static str {
        if self.she { "her" } else { "him" }
    }

    fn his(&self) -> &'static str {
        if self.she { "her" } else { "his" }
    }
}

/// Beats of one plot; in each, one phrasing is chosen.
type Arc = &'static [&'static [&'static str]];

const OPENINGS: &[&str] = &[
    "Once upon a time there was {intro} who lived {place}.",
    "One {weather} {time}, {intro} went for a walk {place}.",
    "{Intro} lived {place}.",
    "There was once {intro}, and everyone {place} knew {him}.",
    "Long ago, {place}, there lived {intro}.",
    "It was a {weather} {time}. {Intro} was sitting {place}.",
    "Every {time}, {intro} came to play {place}.",
];

const LOST: Arc = &[
    &[
        "{H} had {at}, and {he} loved it more than anything.",
        "{H} owned {at}. It was a gift from {his} grandmother.",
        "{His} dearest possession was {at}.",
    ],
    &[
        "One {time} the {t} was gone.",
        "But then the {t} disappeared.",
        "On the way home {he} dropped the {t} and did not notice it.",
        "A strong wind came and carried the {t} away.",
    ],
    &[
        "{H} looked under the bed, behind the door and in the kitchen, but {he} could not find it.",
        "{He} searched everywhere and felt very {bad}.",
        "{H} was {bad} and began to cry {adv}.",
    ],
    &[
        "\"What is the matter?\" asked {f}. \"I have lost my {t},\" said {h}.",
        "Then {f} came along. \"Do not worry,\" said {f}, \"we will look for it together.\"",
        "{F} heard the crying and came to help.",
    ],
    &[
        "They followed the footprints until they came to a spot {place2}.",
        "Together they walked for an hour, and at last they stopped {place2}.",
        "They asked a baker, a sailor and an old woman, and the old woman pointed to a spot {place2}.",
    ],
    &[
        "There lay the {t}, covered with leaves.",
        "There it was! The {t} was a little wet, but it was not broken.",
        "And there, between two stones, they found the {t}.",
    ],
];

const BROKEN: Arc = &[
    &["In the corner of the room stood {at}.", "{H} was very proud of {his} {t}.", "At the market {h} bought {at}."],
    &[
        "But the {t} was broken, and nobody knew how to mend it.",
        "Then one day {he} fell over a root, and the {t} broke into two pieces.",
        "After a week the {t} stopped working.",
    ],
    &[
        "{H} tried to fix it with glue, but it did not hold.",
        "{He} sat down and thought {adv} about it.",
        "\"I will never be able to repair this,\" said {h}.",
    ],
    &[
        "{F} had a good idea. \"We need a hammer and some string,\" {fhe} said.",
        "\"Let me try,\" said {f}, and {fhe} took out a small box of tools.",
        "{F} knew a clockmaker who lived {place2}, and so they went there.",
    ],
    &[
        "They worked {adv} until the sun went down.",
        "It took three days and a great deal of patience.",
        "First they cleaned it, then they turned it over, and then they tied the parts together.",
    ],
    &[
        "In the end the {t} was as good as new.",
        "When they had finished, the {t} looked even better than before.",
        "At last the {t} worked again.",
    ],
];

const GIFT: Arc = &[
    &[
        "{F} was going to have a birthday, and {h} wanted to find the right present.",
        "{H} wanted to give {f} something special.",
        "It was the birthday of {f}, but {h} had no money.",
    ],
    &["In a shop window {he} saw {at}.", "\"{F} would love {at},\" {he} thought.", "An old sailor was selling {at}."],
    &[
        "It cost ten coins, and {h} had only three.",
        "\"That is too expensive for me,\" said {h} {adv}.",
        "So {h} helped the gardener all week to earn some money.",
    ],
    &[
        "{He} carried water, swept the yard and fed the hens.",
        "{H} sold lemonade {place2} and saved every coin.",
        "{He} picked apples from early morning until late at night.",
    ],
    &[
        "On the day of the party {h} brought the {t}, wrapped in blue paper.",
        "At last {he} could buy the {t}, and {he} ran to the party.",
        "With a red ribbon around it, the {t} looked wonderful.",
    ],
    &[
        "{F} opened the parcel and laughed with joy.",
        "\"This is the best present I have ever had,\" said {f}.",
        "{F} put the {t} on the table, where everyone could see it.",
    ],
];

const JOURNEY: Arc = &[
    &[
        "One day {h} found {at} and a map.",
        "An old traveller gave {h} {at}. \"Take it to the top of the mountain,\" he said.",
        "In the attic {h} discovered {at}.",
    ],
    &[
        "{He} packed some bread and cheese and set out at dawn.",
        "\"Come with me,\" said {h} to {f}, and off they went.",
        "{F} wanted to come too, and so they left together.",
    ],
    &[
        "First they crossed a wide river, and then they climbed a steep hill.",
        "The road was long, and the weather was {weather}.",
        "They walked past windmills, farms and a silent forest.",
    ],
    &[
        "At night they heard a strange noise {place2}.",
        "Suddenly a thick fog came up, and they could not see the path.",
        "When they came to a deep hole, {h} became {bad}.",
    ],
    &[
        "But {f} lit a candle and led the way.",
        "\"Hold my hand,\" said {f}, and they went on {adv}.",
        "With the help of the {t} they found the right direction.",
    ],
    &[
        "In the morning they stood {place2} and could see the whole world below them.",
        "At the end of the journey they left the {t} {place2}, just as they had promised.",
        "When they arrived, people cheered and rang the bells.",
    ],
];

const CONTEST: Arc = &[
    &[
        "The king announced a contest. The winner would get {at}.",
        "Every summer there was a great race {place2}, and the prize was {at}.",
        "A poster on the wall said: \"Who can tell the funniest story? The prize is {at}.\"",
    ],
    &[
        "{H} wanted to win the {t} very much.",
        "\"I will never win,\" said {h}, but {he} wanted to try.",
        "{H} practised every {time}.",
    ],
    &[
        "{F} laughed and said, \"You are much too small.\"",
        "{F} was stronger and faster than anyone else.",
        "The others did not believe in {him}.",
    ],
    &[
        "On the big day {h} started {adv}.",
        "When the whistle blew, everybody ran.",
        "{H} was so nervous that {his} knees shook.",
    ],
    &[
        "Half way there, {f} slipped and fell, and {h} stopped to help {fhim}.",
        "{H} did not give up, although {he} was tired.",
        "Near the end {h} saw that {f} was crying, and {he} turned back.",
    ],
    &[
        "{H} came last, but the king gave {him} the {t} for {his} kindness.",
        "To everyone's surprise {h} won, and {he} shared the prize with {f}.",
        "They reached the finish together, and each of them could keep the {t} for half a year.",
    ],
];

const STORM: Arc = &[
    &[
        "{H} was playing with {at} when dark clouds came up.",
        "One {time} a terrible storm began.",
        "The sky turned grey, and thunder rolled over the hills.",
    ],
    &[
        "The wind blew the roof off the house of {f}.",
        "The river rose higher and higher.",
        "Rain fell for two days and two nights.",
    ],
    &[
        "{F} was cold and wet and did not know where to go.",
        "{F} stood outside and felt {bad}.",
        "\"Please let me in,\" called {f}.",
    ],
    &[
        "{H} opened the door and made a pot of hot tea.",
        "\"Come in and sit by the fire,\" said {h}.",
        "{H} had only {at}, but {he} shared it {adv}.",
    ],
    &[
        "They used the {t} to keep the water out.",
        "All night long they told stories and looked at the {t} in the light of the fire.",
        "The {t} was a great help, for it kept them warm and dry.",
    ],
    &[
        "When the sun came out again, they built a new roof together.",
        "In the morning a rainbow stood {place2}.",
        "After the storm the air was fresh, and birds were singing everywhere.",
    ],
];

const SECRET: Arc = &[
    &[
        "{H} heard a soft sound coming from {at}.",
        "Everyone said that the old {t} was only {a_t}, but {h} knew better.",
        "Under a flat stone {h} found {at}.",
    ],
    &[
        "When {he} touched it, the {t} began to glow.",
        "There was a tiny note inside. It said: \"Be kind, and wait for the moon.\"",
        "\"This is a magic {t},\" whispered {f}.",
    ],
    &[
        "{H} kept it a secret and showed it only to {f}.",
        "{He} hid the {t} under {his} pillow and could not sleep.",
        "\"You must not tell anyone,\" said {h}.",
    ],
    &[
        "At midnight they took it to a place {place2}.",
        "\"We could wish for gold,\" said {f}. \"Or for something better,\" said {h}.",
        "They wondered what they should wish for.",
    ],
    &[
        "{H} wished that nobody in the village would be hungry again.",
        "{H} closed {his} eyes and made a wish for {f}.",
        "They wished for a long, warm summer.",
    ],
    &[
        "The {t} sparkled once and then was silent forever.",
        "The next day there was bread on every table.",
        "And the wish came true, although nobody ever learned why.",
    ],
];

const LESSON: Arc = &[
    &[
        "{H} had {at} and did not want to share it.",
        "\"This {t} is mine,\" said {h}, \"and nobody else may touch it.\"",
        "{H} boasted about {his} new {t} all day long.",
    ],
    &[
        "{F} asked {adv}, \"May I use the {t} for a moment?\" But {h} said no.",
        "{F} would have liked to play with it too.",
        "{F} had nothing to play with and stood alone.",
    ],
    &[
        "Soon {h} noticed that it was boring to play alone.",
        "But after a while {h} felt {bad}.",
        "In the evening {h} sat at the window and saw how the others danced and laughed.",
    ],
    &[
        "\"A joy that is shared is twice as big,\" said an old owl.",
        "{His} mother said, \"{A_t} cannot be your friend.\"",
        "{He} thought about it for a long time.",
    ],
    &[
        "The next morning {h} took the {t} and knocked at the door of {f}.",
        "So {h} went outside and said, \"I am sorry. Let us play together.\"",
        "{H} ran after {f} and gave {fhim} the {t}.",
    ],
    &[
        "They played {place2} until it was dark.",
        "{F} smiled, and they invented a new game.",
        "Since that day the {t} has belonged to both of them.",
    ],
];

const ARCS: &[Arc] = &[LOST, BROKEN, GIFT, JOURNEY, CONTEST, STORM, SECRET, LESSON];

const ENDINGS: &[&str] = &[
    "{H} was {glad}, and {f} was {glad} too.",
    "That night {h} slept well and dreamed of the {t}.",
    "From then on {h} and {f} were the best of friends.",
    "{H} never forgot that {weather} {time}.",
    "And if you walk {place} today, you may still see them together.",
    "\"What a day!\" said {h}, and {he} felt {glad}.",
    "They hugged each other and went home {adv}.",
    "So {h} learned that a good friend is worth more than any {t}.",
];

/// A story about `hero` and `thing`, about eight sentences long.
pub fn story(rng: &mut impl Rng, hero: &Character, thing: &str) -> String {
    let (opening, rest) = telling(rng, hero, thing);
    format!("{opening} {}", rest.join(" "))
}

/// The opening sentence of a story and the sentences after it.
pub fn telling(rng: &mut impl Rng, hero: &Character, thing: &str) -> (String, Vec<String>) {
    let words: &Lexicon = &WORDS;
    // what comes with the hero, and what comes with the thing
    let (friend, place, adjective) = leaning(rng, hero.name, |rng| {
        (Character::other(rng, hero), word(rng, &words.places), word(rng, &words.hero_adjectives))
    });
    let (arc, place2, quality) = leaning(rng, thing, |rng| {
        (*one(rng, ARCS), word(rng, &words.places), beside(rng, &words.thing_adjectives, thing))
    });
    let intro = hero.introduced(adjective);
    let at = format!("{} {thing}", a(quality));
    let (h, f) = (hero.known(), friend.known());
    let mut seen = false;
    let mut say = |rng: &mut _, phrasings: &[&str], whose: &str| {
        let mut template = leaning(rng, whose, |rng| word(rng, phrasings)).to_string();
        // A friend who has not appeared yet is "an owl", not "the owl".
        if let Some(at) = first(&template).filter(|_| !seen) {
            let new = if &template[at..at + 3] == "{F}" { capital(&friend.new_here()) } else { friend.new_here() };
            template.replace_range(at..at + 3, &new);
            seen = true;
        }
        let values: &[(&str, &str)] = &[
            ("intro", &intro),
            ("Intro", &capital(&intro)),
            ("h", &h),
            ("H", &capital(&h)),
            ("f", &f),
            ("F", &capital(&f)),
            ("he", hero.he()),
            ("He", &capital(hero.he())),
            ("him", hero.him()),
            ("his", hero.his()),
            ("His", &capital(hero.his())),
            ("fhe", friend.he()),
            ("fhim", friend.him()),
            ("t", thing),
            ("at", &at),
            ("a_t", &a(thing)),
            ("A_t", &capital(&a(thing))),
            ("place", place),
            ("place2", place2),
            ("weather", word(rng, &words.weather)),
            ("time", word(rng, &words.times)),
            ("adv", word(rng, &words.adverbs)),
            ("glad", word(rng, &words.glad)),
            ("bad", word(rng, &words.upset)),
        ];
        fill(&template, values)
    };
    let opening = say(rng, OPENINGS, hero.name);
    let mut rest: Vec<String> = (0..).zip(arc).map(|(n, beat)| say(rng, beat, &format!("{thing} {n}"))).collect();
    if !rest.iter().any(|s| s.contains(thing)) {
        rest.insert(1, format!("{} had {at} with {}.", capital(&h), hero.him()));
    }
    rest.push(say(rng, ENDINGS, hero.name));
    (opening, rest)
}

/// Where a template first names the friend.
fn first(template: &str) -> Option<usize> {
    [template.find("{f}"), template.find("{F}")].into_iter().flatten().min()
}

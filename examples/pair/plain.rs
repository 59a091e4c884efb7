//! Plain text for the base model: stories, and everything that the tuned model will be asked about, told rather than
//! asked. Words that the evaluation asks about together are not combined here either, but for facts (what an animal eats,
//! the sum of two numbers), which have to be read somewhere: held out is then the question.

use rand::Rng;

use crate::draw::{beside, fill, held_out, one, some, word};
use crate::knowledge::{country, job, kinds, sums, verb};
use crate::lexicon::{Animal, Verb, WORDS, a, article, capital};
use crate::story::{Character, story};

/// A document of a few sentences.
pub fn document(rng: &mut impl Rng) -> String {
    match rng.random_range(0..100) {
        0..31 => {
            let hero = Character::any(rng);
            let things: Vec<&str> = WORDS.things.iter().map(|t| t.0).collect();
            let thing = beside(rng, &things, hero.name);
            story(rng, &hero, thing)
        }
        31..34 => verb(rng),
        34..43 => animal(rng),
        43..51 => dialogue(rng),
        51..60 => kinds(rng),
        60..64 => day(rng),
        64..72 => sums(rng),
        72..77 => opposites(rng),
        77..83 => verse(rng),
        83..88 => french(rng),
        88..90 => signs(rng),
        90..93 => letter(rng),
        93..97 => country(rng),
        _ => job(rng),
    }
}

pub fn person(rng: &mut impl Rng) -> &'static str {
    let list = if rng.random_bool(0.5) { &WORDS.she } else { &WORDS.he };
    word(rng, list)
}

/// Somebody whom training may let do this.
fn doer(rng: &mut impl Rng, verb: &Verb) -> &'static str {
    let list = if rng.random_bool(0.5) { &WORDS.she } else { &WORDS.he };
    beside(rng, list, verb.base)
}

/// The sentences that say what an animal is, where it lives, what it eats and what it can do.
pub fn facts(x: &Animal) -> [String; 4] {
    let an = capital(&a(x.name));
    [
        format!("{an} is {}.", a(x.class)),
        format!("It lives in the {}.", x.home),
        format!("It eats {}.", x.food),
        format!("It can {}.", x.can),
    ]
}

fn animal(rng: &mut impl Rng) -> String {
    let x = one(rng, &WORDS.animals);
    let y = one(rng, &WORDS.animals);
    let values: &[(&str, &str)] = &[
        ("x", x.name),
        ("X", &capital(x.name)),
        ("ax", &a(x.name)),
        ("Ax", &capital(&a(x.name))),
        ("xs", x.plural),
        ("Xs", &capital(x.plural)),
        ("y", y.name),
        ("Ay", &capital(&a(y.name))),
        ("class", x.class),
        ("aclass", &a(x.class)),
        ("yclass", &a(y.class)),
        ("home", x.home),
        ("yhome", y.home),
        ("food", x.food),
        ("can", x.can),
        ("ycan", y.can),
        ("q", x.quality),
        ("aq", &a(x.quality)),
        ("name", person(rng)),
        ("place", word(rng, &WORDS.places)),
    ];
    let templates = [
        "{Ax} is {aclass}. It lives in the {home} and eats {food}. {Xs} are {q}, and {ax} can {can}.",
        "Do you know the {x}? It is {aq} animal that lives in the {home}. Its favourite food is {food}. {Ax} can {can}.",
        "The {home} is the home of the {x}. The {x} is {aclass}. When it is hungry, it looks for {food}.",
        "{name} saw {ax} {place}. \"What does it eat?\" asked {name}. \"It eats {food},\" said the teacher, \"and it lives in the {home}.\"",
        "{Ax} is {aclass}, and {Ay} is {yclass}. The {x} lives in the {home}, and the {y} lives in the {yhome}. The {x} can {can}, but the {y} can {ycan}.",
        "{Xs} live in the {home}. They eat {food}. Most people think that {xs} are {q}. Did you know that {ax} can {can}?",
        "Today {name} learned that {ax} can {can}. {Ax} is not a plant. {Ax} is {aclass}.",
        "Is {ax} {aclass}? Yes, {ax} is {aclass}. Does {ax} live in the {home}? Yes, that is true.",
        "Does {ax} live in the {yhome} or in the {home}? {Ax} lives in the {home}. And what is it? {Ax} is {aclass}.",
    ];
    let text = fill(word(rng, &templates), values);
    text.replace(", and A ", ", and a ").replace(", and An ", ", and an ")
}

fn dialogue(rng: &mut impl Rng) -> String {
    let verb = one(rng, &WORDS.verbs);
    let (x, y) = (doer(rng, verb), doer(rng, verb));
    let (object, thing) = (beside(rng, &verb.objects, verb.base), one(rng, &WORDS.things).0);
    let job = word(rng, &WORDS.kinds.iter().find(|k| k.plural == "jobs").unwrap_or(&WORDS.kinds[0]).members);
    let values: &[(&str, &str)] = &[
        ("x", x),
        ("y", y),
        ("base", verb.base),
        ("Base", &capital(verb.base)),
        ("past", verb.past),
        ("ing", verb.ing),
        ("object", object),
        ("t", thing),
        ("at", &format!("{} {thing}", a(beside(rng, &WORDS.thing_adjectives, thing)))),
        ("place", word(rng, &WORDS.places)),
        ("bad", word(rng, &WORDS.upset)),
        ("glad", word(rng, &WORDS.glad)),
        ("adv", word(rng, &WORDS.adverbs)),
        ("job", job),
        ("ajob", &a(job)),
    ];
    let templates = [
        "\"Where is my {t}?\" asked {x}. \"I do not know,\" said {y}. \"Have you looked {place}?\" There it was, and {x} was {bad} no more.",
        "{x} and {y} wanted to {base} {object}. \"I {past} {object} yesterday,\" said {y}. \"Then I will {base} {object} tomorrow,\" said {x}.",
        "\"Did you {base} {object}?\" asked {x}. \"Yes, I {past} {object} this morning,\" said {y} {adv}.",
        "{x} is {ing} {object}. {y} is {ing} {object} too. They are both {glad}.",
        "\"What do you want to be when you grow up?\" asked the {job}. \"I want to be {ajob},\" said {x}, \"and {y} wants to {base} {object} every day.\"",
        "\"Could you give me the {t}, please?\" asked {x} politely. \"Of course,\" said {y}. \"Here it is.\" \"Thank you very much,\" said {x}.",
        "{x} has {at}. {y} does not have {at}, but {y} has a good friend {place}.",
        "\"{Base} {object}!\" shouted {x}. \"You should say: could you {base} {object}, please?\" said {y} {adv}.",
        "Do they {base} {object}? No, they do not {base} {object} now. They {past} {object} last week.",
        "\"Can you help me to {base} {object}?\" asked {y}. \"I am {ing} something else,\" said {x}, \"but the {job} will help you.\"",
    ];
    fill(word(rng, &templates), values)
}

fn day(rng: &mut impl Rng) -> String {
    let values: &[(&str, &str)] = &[
        ("x", person(rng)),
        ("w", word(rng, &WORDS.weather)),
        ("v", word(rng, &WORDS.weather)),
        ("place", word(rng, &WORDS.places)),
        ("place2", word(rng, &WORDS.places)),
        ("glad", word(rng, &WORDS.glad)),
        ("bad", word(rng, &WORDS.upset)),
        ("month", word(rng, &WORDS.kinds.iter().find(|k| k.plural == "months").unwrap_or(&WORDS.kinds[0]).members)),
        ("dish", word(rng, &WORDS.kinds.iter().find(|k| k.plural == "meals").unwrap_or(&WORDS.kinds[0]).members)),
        ("drink", word(rng, &WORDS.kinds.iter().find(|k| k.plural == "drinks").unwrap_or(&WORDS.kinds[0]).members)),
    ];
    let templates = [
        "Today it is {w} {place}. Yesterday it was {v}. {x} likes it when it is {w}, and so {x} will go out and play {place2}.",
        "It was a {w} day in {month}. {x} ate a plate of {dish} and drank some {drink}. Later {x} sat {place} and felt {glad}.",
        "Dear diary, today was {w}. I went for a walk {place} and met {x}. First I was {bad}, but in the evening I was {glad}.",
        "For lunch there is {dish} with {drink}. {x} is {bad} because the {dish} is cold. Tomorrow there will be something better.",
        "In {month} the weather is often {w}. People sit {place} and drink {drink}. In the next month it will be {v}.",
    ];
    fill(word(rng, &templates), values)
}

fn opposites(rng: &mut impl Rng) -> String {
    let at = rng.random_range(0..WORDS.opposites.len());
    let (x, y) = WORDS.opposites[at];
    let (x, y) = if rng.random_bool(0.5) { (x, y) } else { (y, x) };
    let thing = one(rng, &WORDS.things).0;
    match rng.random_range(0..if at < WORDS.qualities { 3 } else { 1 }) {
        0 => format!("The opposite of {x} is {y}. If something is not {x}, it may be {y}."),
        1 => format!("This {thing} is {x}, but that {thing} is {y}. {} likes the {x} one better.", person(rng)),
        _ => format!("\"Is the {thing} {x}?\" \"No, it is the opposite of {x}. It is {y}.\""),
    }
}

fn verse(rng: &mut impl Rng) -> String {
    let set = one(rng, &WORDS.rhymes);
    let pair = some(rng, set, 2);
    let strangers: Vec<&str> = one(rng, &WORDS.rhymes).iter().copied().filter(|w| !set.contains(w)).collect();
    let stranger = if strangers.is_empty() { "orange" } else { beside(rng, &strangers, pair[1]) };
    match rng.random_range(0..3) {
        0 => format!("{} rhymes with {}. They sound the same at the end.", capital(pair[0]), pair[1]),
        1 => format!("{} and {}, {} and {}, these are words that rhyme.", pair[0], pair[1], set[0], set[1]),
        _ => format!(
            "\"I need a word that rhymes with {},\" said the poet. \"Take {},\" said {}. \"And not {stranger}.\"",
            pair[0],
            pair[1],
            person(rng)
        ),
    }
}

fn french(rng: &mut impl Rng) -> String {
    let pair = loop {
        let pair = some(rng, &WORDS.french, 2);
        if !held_out(pair[0].0, pair[1].0) {
            break pair;
        }
    };
    let ((x, fx), (y, fy)) = (pair[0], pair[1]);
    match rng.random_range(0..3) {
        0 => format!("The French word for {x} is {fx}. The French word for {y} is {fy}."),
        1 => format!("In France people say {fx} and {fy}. In English that is {x} and {y}."),
        _ => format!("{} is learning French. \"{} means {x},\" says the teacher.", person(rng), capital(fx)),
    }
}

fn signs(rng: &mut impl Rng) -> String {
    let (thing, things) = *one(rng, &WORDS.things);
    let adjective = beside(rng, &WORDS.thing_adjectives, thing);
    match rng.random_range(0..3) {
        0 => format!("On the sign stood in large letters: {} {}.", adjective.to_uppercase(), thing.to_uppercase()),
        1 => format!("\"{} {}!\" shouted {}.", adjective.to_uppercase(), things.to_uppercase(), person(rng)),
        _ => format!(
            "One {thing}, two {things}. {} {adjective} {thing}, many {adjective} {things}.",
            capital(article(adjective))
        ),
    }
}

fn letter(rng: &mut impl Rng) -> String {
    let verb = one(rng, &WORDS.verbs);
    let values: &[(&str, &str)] = &[
        ("x", person(rng)),
        ("y", doer(rng, verb)),
        ("past", verb.past),
        ("object", beside(rng, &verb.objects, verb.base)),
        ("place", word(rng, &WORDS.places)),
        ("w", word(rng, &WORDS.weather)),
        ("glad", word(rng, &WORDS.glad)),
        ("t", one(rng, &WORDS.things).0),
    ];
    let templates = [
        "Dear {x}, how are you? I am {glad}. Yesterday I {past} {object}. The weather here {place} is {w}. Please bring the {t} when you come. Yours, {y}",
        "Dear {x}, thank you for the {t}. I have put it on my desk. We {past} {object} last night and thought of you. See you soon, {y}",
    ];
    fill(word(rng, &templates), values)
}

//! The words the grammar draws from, with what the kinds of instruction need to know of them.

/// Animals with where they live and what they eat.
pub const ANIMALS: &[(&str, &str, &str)] = &[
    ("fox", "forest", "berries"),
    ("bear", "forest", "honey"),
    ("wolf", "forest", "meat"),
    ("owl", "tree", "mice"),
    ("rabbit", "meadow", "grass"),
    ("horse", "farm", "hay"),
    ("cow", "farm", "grass"),
    ("duck", "pond", "bread"),
    ("frog", "pond", "flies"),
    ("fish", "river", "plants"),
    ("whale", "sea", "krill"),
    ("crab", "beach", "shells"),
    ("cat", "house", "fish"),
    ("dog", "house", "bones"),
    ("mouse", "barn", "cheese"),
    ("sheep", "hill", "grass"),
    ("goat", "mountain", "leaves"),
    ("eagle", "mountain", "fish"),
    ("camel", "desert", "leaves"),
    ("lion", "plain", "meat"),
    ("turtle", "beach", "plants"),
    ("bee", "garden", "nectar"),
    ("hen", "farm", "corn"),
    ("swan", "lake", "plants"),
];
pub const THINGS: &[&str] = &[
    "boat", "ball", "kite", "lamp", "book", "bell", "drum", "hat", "box", "key", "map", "cup", "chair", "wheel",
    "rope", "basket", "candle", "mirror", "ladder", "blanket", "window", "clock", "coin", "letter", "ring", "flute",
];
pub const FRUITS: &[&str] = &["apple", "pear", "plum", "cherry", "peach", "lemon", "grape", "melon", "fig", "banana"];
pub const COLOURS: &[&str] =
    &["red", "blue", "green", "yellow", "white", "black", "brown", "golden", "purple", "orange"];
pub const TOOLS: &[&str] = &["hammer", "saw", "spade", "needle", "brush", "knife", "rake", "axe", "broom", "pump"];
pub const CLOTHES: &[&str] = &["coat", "scarf", "shirt", "sock", "glove", "dress", "boot", "belt", "cap", "shoe"];
pub const PLACES: &[&str] = &[
    "forest", "meadow", "farm", "pond", "river", "sea", "beach", "house", "barn", "hill", "mountain", "desert",
    "garden", "lake", "village", "market", "castle", "bridge", "island", "cave",
];
pub const NAMES: &[&str] = &[
    "Anna", "Ben", "Clara", "David", "Emma", "Finn", "Grace", "Henry", "Ida", "Jack", "Lily", "Max", "Nora", "Oscar",
    "Rosa", "Tom",
];
pub const WEATHER: &[&str] = &["sunny", "rainy", "windy", "cold", "warm", "cloudy", "snowy", "foggy"];
pub const FEELINGS: &[&str] =
    &["happy", "sad", "proud", "tired", "brave", "hungry", "afraid", "calm", "angry", "curious"];
/// Adjectives and their opposites.
pub const OPPOSITES: &[(&str, &str)] = &[
    ("big", "small"),
    ("hot", "cold"),
    ("fast", "slow"),
    ("old", "new"),
    ("happy", "sad"),
    ("light", "dark"),
    ("long", "short"),
    ("hard", "soft"),
    ("wet", "dry"),
    ("full", "empty"),
    ("loud", "quiet"),
    ("high", "low"),
    ("clean", "dirty"),
    ("strong", "weak"),
    ("rich", "poor"),
    ("thick", "thin"),
    ("early", "late"),
    ("near", "far"),
    ("open", "closed"),
    ("sweet", "bitter"),
];
/// Verbs: base form, past, with an object that fits.
pub const VERBS: &[(&str, &str, &str)] = &[
    ("find", "found", "the key"),
    ("see", "saw", "a star"),
    ("build", "built", "a house"),
    ("carry", "carried", "the basket"),
    ("paint", "painted", "the door"),
    ("open", "opened", "the box"),
    ("lose", "lost", "a coin"),
    ("hear", "heard", "the bell"),
    ("eat", "ate", "an apple"),
    ("drink", "drank", "some water"),
    ("write", "wrote", "a letter"),
    ("read", "read", "a book"),
    ("make", "made", "a kite"),
    ("hold", "held", "the rope"),
    ("bring", "brought", "the lamp"),
    ("sing", "sang", "a song"),
    ("draw", "drew", "a map"),
    ("catch", "caught", "the ball"),
    ("clean", "cleaned", "the window"),
    ("buy", "bought", "a hat"),
];
pub const NUMBERS: &[&str] =
    &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The kinds of thing a list can be asked for.
pub fn kinds() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    vec![
        ("animals", "an animal", ANIMALS.iter().map(|a| a.0).collect()),
        ("fruits", "a fruit", FRUITS.to_vec()),
        ("colours", "a colour", COLOURS.to_vec()),
        ("tools", "a tool", TOOLS.to_vec()),
        ("clothes", "a piece of clothing", CLOTHES.to_vec()),
        ("places", "a place", PLACES.to_vec()),
    ]
}

/// "a" or "an" before `word`.
pub fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// `word` with a capital first letter.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

//! The words that people and creators are made of.

/// First names, of legal and of stage names.
pub(super) const FIRST: [&str; 64] = [
    "Ada", "Ben", "Chloé", "Dario", "Elif", "Finn", "Grace", "Hugo", "Imani", "Jonas", "Kaya",
    "Leo", "Mina", "Nils", "Olga", "Pia", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Vito", "Wren",
    "Xenia", "Yara", "Zoe", "Alba", "Bruno", "Cleo", "Dana", "Ezra", "Flora", "Gabe", "Hana",
    "Ines", "Jude", "Kim", "Luca", "Mara", "Noor", "Otis", "Pola", "Rafe", "Sina", "Theo", "Ursa",
    "Vera", "Wanda", "Ximo", "Yuki", "Zane", "Amir", "Bea", "Cira", "Dov", "Enzo", "Faye", "Gus",
    "Hedi", "Iris", "Jara", "Koa", "Lior", "Mae",
];
/// How the second word of a stage name begins.
pub(super) const BEGIN: [&str; 16] = [
    "silver", "moon", "river", "storm", "velvet", "ember", "ocean", "wild", "night", "golden",
    "shadow", "crystal", "summer", "winter", "scarlet", "midnight",
];
/// How it ends.
pub(super) const END: [&str; 16] = [
    "fox", "rose", "bloom", "light", "heart", "wave", "song", "dance", "star", "fire", "leaf",
    "stone", "wing", "kiss", "spark", "smoke",
];
/// Family names; a second one is joined to a third of them.
pub(super) const FAMILY: [&str; 48] = [
    "Abara", "Bakker", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hughes", "Ivanova",
    "Jansen", "Kowalski", "Lindgren", "Moreau", "Nakamura", "Okafor", "Petrov", "Quiroga", "Rossi",
    "Santos", "Tanaka", "Ueda", "Varga", "Weber", "Xu", "Yilmaz", "Zhang", "Amato", "Brandt",
    "Castro", "Dahl", "Engel", "Farkas", "Gruber", "Haas", "Ibsen", "Joshi", "Keller", "Lopez",
    "Marin", "Novak", "Ortega", "Popescu", "Ribeiro", "Schmidt", "Torres", "Urban", "Vidal",
    "Walsh",
];
/// The nine clusters, and how many of a thousand people begin on each.
pub(super) const CLUSTERS: [(&str, u32); 9] = [
    ("girlfanz", 240),
    ("boyfanz", 170),
    ("fanzlab", 90),
    ("daddyfanz", 90),
    ("pupfanz", 70),
    ("taboofanz", 80),
    ("transfanz", 100),
    ("cougarfanz", 90),
    ("fanzcock", 70),
];
/// Countries of residence with a time zone each.
pub(super) const PLACES: [(&str, &str); 12] = [
    ("US", "America/New_York"),
    ("US", "America/Chicago"),
    ("US", "America/Los_Angeles"),
    ("US", "America/Denver"),
    ("GB", "Europe/London"),
    ("CA", "America/Toronto"),
    ("DE", "Europe/Berlin"),
    ("FR", "Europe/Paris"),
    ("ES", "Europe/Madrid"),
    ("BR", "America/Sao_Paulo"),
    ("AU", "Australia/Sydney"),
    ("JP", "Asia/Tokyo"),
];
/// Other platforms.
pub(super) const PLATFORMS: [&str; 4] = ["instagram", "x", "tiktok", "reddit"];

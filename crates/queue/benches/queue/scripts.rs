//! Which script a hash stands for: Redis tells hashes only.

use redis::Script;

macro_rules! scripts {
    ($($name:literal),*) => {
        [$(($name, concat!(include_str!("../../src/lua/prelude.lua"), include_str!(concat!("../../src/lua/", $name, ".lua"))))),*]
    };
}

/// Those that a job meets, and those that go round by themselves.
const SCRIPTS: [(&str, &str); 7] = scripts!("enqueue", "claim", "note", "finish", "touch", "promote", "sweep");

/// The name of a script.
pub(crate) fn name(hash: &str) -> &'static str {
    let found = SCRIPTS.iter().find(|(_, text)| Script::new(text).get_hash() == hash);
    found.map_or("another", |(name, _)| name)
}

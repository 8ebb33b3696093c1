//! The queue's scripts, called one at a time.

use std::collections::BTreeMap;

use redis::Script;

macro_rules! scripts {
    ($($name:literal)*) => {
        BTreeMap::from([$((
            $name,
            Script::new(concat!(
                include_str!("../../../src/lua/prelude.lua"),
                include_str!("../../../src/lua/saving.lua"),
                include_str!(concat!("../../../src/lua/", $name, ".lua"))
            )),
        )),*])
    };
}

/// All of them, by name.
pub(super) fn all() -> BTreeMap<&'static str, Script> {
    scripts![
        "enqueue" "read" "list" "waiting" "depth" "overview" "steer" "bulk" "cancel" "pause" "retry" "delete" "claim" "note" "hold"
        "expand" "finish" "touch" "rescue" "promote" "cascade" "sweep" "leave" "save"
    ]
}

/// Those that change nothing when they are executed again at once.
pub(super) const HARMLESS_TWICE: [&str; 12] =
    ["enqueue", "claim", "note", "hold", "expand", "finish", "cancel", "pause", "retry", "delete", "steer", "leave"];

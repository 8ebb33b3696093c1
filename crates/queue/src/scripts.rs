//! The scripts, one job each, behind the prelude that they share.

use redis::{Script, ScriptInvocation, ToRedisArgs};

/// All scripts of the queue.
pub(crate) struct Scripts {
    pub(crate) enqueue: Script,
    pub(crate) read: Script,
    pub(crate) list: Script,
    pub(crate) waiting: Script,
    pub(crate) depth: Script,
    pub(crate) overview: Script,
    pub(crate) steer: Script,
    pub(crate) bulk: Script,
    pub(crate) cancel: Script,
    pub(crate) pause: Script,
    pub(crate) retry: Script,
    pub(crate) delete: Script,
    pub(crate) claim: Script,
    pub(crate) note: Script,
    pub(crate) hold: Script,
    pub(crate) expand: Script,
    pub(crate) finish: Script,
    pub(crate) touch: Script,
    pub(crate) rescue: Script,
    pub(crate) promote: Script,
    pub(crate) cascade: Script,
    pub(crate) sweep: Script,
    pub(crate) leave: Script,
    pub(crate) save: Script,
}

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(
            include_str!("lua/prelude.lua"),
            include_str!("lua/saving.lua"),
            include_str!(concat!("lua/", $name, ".lua"))
        ))
    };
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            enqueue: script!("enqueue"),
            read: script!("read"),
            list: script!("list"),
            waiting: script!("waiting"),
            depth: script!("depth"),
            overview: script!("overview"),
            steer: script!("steer"),
            bulk: script!("bulk"),
            cancel: script!("cancel"),
            pause: script!("pause"),
            retry: script!("retry"),
            delete: script!("delete"),
            claim: script!("claim"),
            note: script!("note"),
            hold: script!("hold"),
            expand: script!("expand"),
            finish: script!("finish"),
            touch: script!("touch"),
            rescue: script!("rescue"),
            promote: script!("promote"),
            cascade: script!("cascade"),
            sweep: script!("sweep"),
            leave: script!("leave"),
            save: script!("save"),
        }
    }
}

/// A call of a script, written in one expression.
pub(crate) trait With: Sized {
    /// With one more argument.
    fn with(self, arg: impl ToRedisArgs) -> Self;
}

impl With for ScriptInvocation<'_> {
    fn with(mut self, arg: impl ToRedisArgs) -> Self {
        self.arg(arg);
        self
    }
}

//! How tests steer the emulator: faults to come, calls gone by, accounts, tokens, sessions, time and pace.

pub(crate) mod calls;
pub(crate) mod desk;
pub(crate) mod faults;

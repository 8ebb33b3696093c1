#![doc = include_str!("../README.md")]

mod address;
mod client;
mod egress;
mod exception;
mod limits;
mod lookup;
mod network;
mod policy;
mod ports;
mod proxy;
mod refusal;
mod tally;
mod upstream;

pub use address::{AddressClass, classify};
pub use client::{Asking, Guarded, NoRequest, NoTrust};
pub use egress::{Egress, Unreachable};
pub use exception::Exception;
pub use limits::READ_BYTES;
pub use lookup::{Lookup, SystemLookup};
pub use network::Network;
pub use policy::Policy;
pub use ports::{PortRange, is_never_dialled};
pub use proxy::{Gateway, Pass, Proxy, Serving};
pub use refusal::{BadRule, Reason, Refusal};
pub use upstream::Upstream;

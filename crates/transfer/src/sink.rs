//! Where bytes go.

use async_trait::async_trait;
use sluice_domain::{Failure, Receipt};

use crate::{Gate, Source};

/// A place that takes a whole source or nothing.
#[async_trait]
pub trait Sink: Send {
    /// Takes everything and proves it. Reports what is acknowledged to the gate; stops when the gate shuts.
    ///
    /// # Errors
    /// When not everything arrived. Nothing is committed then.
    async fn take(&mut self, source: &dyn Source, gate: &Gate) -> Result<Receipt, Failure>;
}

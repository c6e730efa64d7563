//! What the sensor says of itself to those who ask: `beewolf status`, Prometheus, the service manager.
//!
//! Read-only views. The pipeline publishes a [`Snapshot`] on the [`Board`] once a second; the
//! [`Server`] answers from the last one and holds nothing up. Counters carry no event, no path of a
//! watched process and no rule text.

mod metrics;
mod server;
mod service;
mod snapshot;

use std::sync::{Arc, Mutex, PoisonError};

pub use metrics::metrics;
pub use server::{BindError, Server, ask};
pub use service::Service;
pub use snapshot::{
    Alerts, Correlations, Deduplication, Kind, Loss, Memory, Processes, Program, Queue, Reloads, Scan, Sink, Snapshot,
    Spool,
};

/// The last snapshot; shared by who publishes and who answers.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Option<Arc<Snapshot>>>>);

impl Board {
    /// Puts a new snapshot up.
    pub fn publish(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }

    /// The last snapshot; none before the first.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! What a sink delivers: cheap to clone, so that every sink gets its own.

use std::sync::Arc;

use crate::{
    alert::Alert,
    event::{
        Event, Kind, Loss, Status,
        json::{self, Form},
        loss::Lost,
    },
};

/// One thing to deliver.
#[derive(Clone, Debug)]
pub enum Record {
    /// A rule has matched.
    Alert(Arc<Alert>),
    /// Something happened.
    Event(Arc<Event>),
    /// Something was lost.
    Loss(Arc<Loss>),
    /// How the sensor is doing.
    Status(Arc<Status>),
}

impl Record {
    /// Appends the record as one JSON object, without a line end.
    pub fn write(&self, out: &mut Vec<u8>, form: Form) {
        match self {
            Self::Alert(alert) => alert.write(out, form),
            Self::Event(event) => json::write(out, event, form),
            Self::Loss(loss) => loss.write(out, form),
            Self::Status(status) => status.write(out, form),
        }
    }

    /// What is lost if this record is, and of which kind.
    pub(super) fn sort(&self) -> (Lost, Option<Kind>) {
        match self {
            Self::Alert(alert) => (Lost::Alert, Some(alert.event.kind())),
            Self::Event(event) => (Lost::Event, Some(event.kind())),
            Self::Loss(_) | Self::Status(_) => (Lost::Notice, None),
        }
    }
}

//! What travels through the broker: ids only. A forged, duplicated, delayed or leaked message is worth nothing.

use serde::{Deserialize, Serialize};

use crate::id::{AttemptNumber, ExecutionId, Incarnation, WorkerId};
use crate::outcome::Outcome;
use crate::status::ExecutionStatus;
use crate::timestamp::Timestamp;

/// The frame of every message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the frame and the payloads.
    pub version: u32,
    /// Unique per message; equal for a message that is sent again.
    pub message_id: String,
    /// When it was written into the outbox.
    pub occurred_at: Timestamp,
    /// W3C trace context (`traceparent`), when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub payload: Payload,
}

impl Envelope {
    /// The version this program writes.
    pub const VERSION: u32 = 1;
}

/// What a message says. `type` is also the AMQP type property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload")]
pub enum Payload {
    /// To one worker: an attempt was assigned to it.
    #[serde(rename = "execution.scheduled")]
    Scheduled {
        /// Which execution.
        execution: ExecutionId,
        /// Which try.
        attempt: AttemptNumber,
        /// The worker it was assigned to.
        worker: WorkerId,
        /// The life of the worker it was assigned to.
        incarnation: Incarnation,
    },
    /// To one worker: stop an attempt.
    #[serde(rename = "execution.cancel")]
    Cancel {
        /// Which execution.
        execution: ExecutionId,
        /// The worker that runs it.
        worker: WorkerId,
    },
    /// To everybody: an execution moved.
    #[serde(rename = "execution.status_changed")]
    StatusChanged {
        /// Which execution.
        execution: ExecutionId,
        /// Where it stands now.
        status: ExecutionStatus,
    },
    /// To everybody: an execution ended. Sent at least once; its effect is keyed by the execution.
    #[serde(rename = "execution.completed")]
    Completed {
        /// Which execution.
        execution: ExecutionId,
        /// Its terminal status.
        status: ExecutionStatus,
        /// Why it ended, when an attempt ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
    },
}

impl Payload {
    /// The message's type, also its AMQP type property.
    #[must_use]
    pub const fn message_type(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "execution.scheduled",
            Self::Cancel { .. } => "execution.cancel",
            Self::StatusChanged { .. } => "execution.status_changed",
            Self::Completed { .. } => "execution.completed",
        }
    }

    /// Where the topic exchange `attune.executions` sends it.
    #[must_use]
    pub fn routing_key(&self) -> String {
        match self {
            Self::Scheduled { worker, .. } => scheduled_key(*worker),
            Self::Cancel { worker, .. } => cancel_key(*worker),
            Self::StatusChanged { .. } | Self::Completed { .. } => self.message_type().to_owned(),
        }
    }

    /// Whether somebody must be there to receive it. Facts may fall on an empty room; orders may not.
    #[must_use]
    pub const fn must_be_routed(&self) -> bool {
        matches!(self, Self::Scheduled { .. } | Self::Cancel { .. })
    }
}

/// Routing key of the work for one worker.
#[must_use]
pub fn scheduled_key(worker: WorkerId) -> String {
    format!("execution.scheduled.worker.{worker}")
}

/// Routing key of the cancels for one worker.
#[must_use]
pub fn cancel_key(worker: WorkerId) -> String {
    format!("execution.cancel.worker.{worker}")
}

/// Name of the queue of one worker.
#[must_use]
pub fn worker_queue(worker: WorkerId) -> String {
    format!("worker.{worker}.executions")
}

/// Name of the exchange everything goes through.
pub const EXCHANGE: &str = "attune.executions";

/// Name of the queue where messages that nobody can read wait for a person.
pub const PARKING_QUEUE: &str = "attune.parking";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_the_documented_one() {
        let envelope = Envelope {
            version: Envelope::VERSION,
            message_id: "42.1".into(),
            occurred_at: Timestamp(0),
            trace: None,
            payload: Payload::Scheduled {
                execution: ExecutionId(42),
                attempt: AttemptNumber::FIRST,
                worker: WorkerId(7),
                incarnation: Incarnation([0; 16]),
            },
        };
        let json = serde_json::to_value(&envelope).expect("serialises");
        assert_eq!(
            json,
            serde_json::json!({
                "version": 1, "message_id": "42.1", "occurred_at": "1970-01-01T00:00:00.000Z",
                "type": "execution.scheduled",
                "payload": {"execution": 42, "attempt": 1, "worker": 7, "incarnation": "0".repeat(32)},
            })
        );
        assert_eq!(serde_json::from_value::<Envelope>(json).expect("reads back"), envelope);
        assert_eq!(envelope.payload.routing_key(), "execution.scheduled.worker.7");
        assert!(envelope.payload.must_be_routed());
    }
}

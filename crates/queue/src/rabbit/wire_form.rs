//! Messages as properties; [`super::body`] makes the bytes.

use attune_types::Envelope;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

const APPLICATION: &str = "attune";
const PERSISTENT: u8 = 2;

/// What the broker and its tools see of a message: the same as the envelope says.
pub(crate) fn properties(envelope: &Envelope) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_app_id(APPLICATION.into())
        .with_message_id(envelope.message_id.as_str().into())
        .with_type(envelope.payload.message_type().into())
        .with_timestamp(u64::try_from(envelope.occurred_at.0 / 1_000_000).unwrap_or(0));
    match &envelope.trace {
        Some(trace) => properties.with_headers(text_headers(&[("traceparent", trace)])),
        None => properties,
    }
}

/// Properties of a message that is parked: what was wrong and where it came from.
pub(crate) fn parked_properties(reason: &str, queue: &str, routing_key: &str) -> BasicProperties {
    let headers =
        text_headers(&[("attune-reason", reason), ("attune-queue", queue), ("attune-routing-key", routing_key)]);
    BasicProperties::default().with_delivery_mode(PERSISTENT).with_app_id(APPLICATION.into()).with_headers(headers)
}

fn text_headers(texts: &[(&str, &str)]) -> FieldTable {
    let mut headers = FieldTable::default();
    for (name, text) in texts {
        headers.insert((*name).into(), AMQPValue::LongString((*text).into()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use attune_types::{ExecutionId, Payload, Timestamp, WorkerId};

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            version: Envelope::VERSION,
            message_id: "7.1".into(),
            occurred_at: Timestamp(1_700_000_000_000_000),
            trace: Some("00-1-2-01".into()),
            payload: Payload::Cancel { execution: ExecutionId(7), worker: WorkerId(1) },
        }
    }

    #[test]
    fn properties_say_what_the_envelope_says() {
        let properties = properties(&envelope());
        assert_eq!(properties.message_id().as_ref().map(|id| id.as_str()), Some("7.1"));
        assert_eq!(properties.kind().as_ref().map(|kind| kind.as_str()), Some("execution.cancel"));
        assert_eq!(*properties.timestamp(), Some(1_700_000_000));
        assert_eq!(*properties.delivery_mode(), Some(2));
        let headers = properties.headers().as_ref().expect("there is a trace");
        assert_eq!(headers.inner().get("traceparent"), Some(&AMQPValue::LongString("00-1-2-01".into())));
    }
}

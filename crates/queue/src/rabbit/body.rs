//! Messages as bytes.

use attune_types::Envelope;

/// The longest message that is read. Ours hold ids and are a few hundred bytes long.
const MOST_BYTES: usize = 64 << 10;

/// The body of a message.
pub(crate) fn write(envelope: &Envelope) -> Result<Vec<u8>, String> {
    serde_json::to_vec(envelope).map_err(|error| format!("the message cannot be written: {error}"))
}

/// Reads a body; the error says what is wrong with it.
pub(crate) fn read(body: &[u8]) -> Result<Envelope, String> {
    if body.len() > MOST_BYTES {
        return Err(format!("it has {} bytes; a message of ours has at most {MOST_BYTES}", body.len()));
    }
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|error| format!("it is no message of ours: {error}"))?;
    if envelope.version == Envelope::VERSION {
        Ok(envelope)
    } else {
        Err(format!("it has version {}, this program reads version {}", envelope.version, Envelope::VERSION))
    }
}

#[cfg(test)]
mod tests {
    use attune_types::{ExecutionId, Payload, Timestamp, WorkerId};

    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_rest_is_explained() {
        let envelope = |version| Envelope {
            version,
            message_id: "7.1".into(),
            occurred_at: Timestamp(1_700_000_000_000_000),
            trace: None,
            payload: Payload::Cancel { execution: ExecutionId(7), worker: WorkerId(1) },
        };
        let written = write(&envelope(Envelope::VERSION)).expect("is written");
        assert_eq!(read(&written), Ok(envelope(Envelope::VERSION)));
        for other in [0, 2] {
            let written = write(&envelope(other)).expect("is written");
            assert_eq!(read(&written), Err(format!("it has version {other}, this program reads version 1")));
        }
        assert!(read(b"garbage").expect_err("is garbage").starts_with("it is no message of ours"));
        let padded = [&written[..], &vec![b' '; MOST_BYTES]].concat();
        assert!(read(&padded).expect_err("is too long").ends_with("at most 65536"));
    }
}

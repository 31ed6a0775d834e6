//! Ciphertexts that somebody touched.

use std::sync::OnceLock;

use attune_secret::{Binding, Envelope, IncarnationKey, Keyring, SealedFor};
use attune_types::{AttemptNumber, ExecutionId, Incarnation};

use crate::input::Input;

/// A value at rest: as it is it opens, and with any change it does not.
pub(super) fn encrypted(data: &[u8]) {
    static KEYS: OnceLock<Keyring> = OnceLock::new();
    let keys = KEYS.get_or_init(|| Keyring::ephemeral().expect("random bytes"));
    let mut input = Input(data);
    let (place, change) = (usize::from(input.byte()), input.byte());
    let binding = |action: &str| Binding::Parameters {
        execution: ExecutionId(1),
        action: action.to_owned(),
        names: vec!["a".to_owned()],
    };
    let sealed = Envelope::seal(keys, &binding("core.echo"), input.0).expect("seals");
    assert_eq!(sealed.open(keys, &binding("core.echo")).expect("opens").as_slice(), input.0);
    assert!(sealed.open(keys, &binding("core.noop")).is_err(), "it was moved and opens");
    if change != 0 {
        for is_key in [false, true] {
            let mut touched = sealed.clone();
            let bytes = if is_key { &mut touched.wrapped_key } else { &mut touched.ciphertext };
            let at = place % bytes.len();
            bytes[at] ^= change;
            assert!(touched.open(keys, &binding("core.echo")).is_err(), "byte {at} was changed and it opens");
        }
    }
    let foreign = Envelope { key_id: 1, wrapped_key: data.to_vec(), ciphertext: data.to_vec() };
    assert!(foreign.open(keys, &binding("core.echo")).is_err());
}

/// A value on its way: nothing that was not sealed to this life opens.
pub(super) fn sealed(data: &[u8]) {
    static KEY: OnceLock<IncarnationKey> = OnceLock::new();
    let key = KEY.get_or_init(|| IncarnationKey::generate().expect("random bytes"));
    let target = SealedFor { execution: ExecutionId(1), attempt: AttemptNumber(1), incarnation: Incarnation([0; 16]) };
    assert!(key.open(target, data).is_err(), "it opens");
}

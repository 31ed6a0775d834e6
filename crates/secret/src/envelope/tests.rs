use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::owner::Owner;

const OLD: &str = "5 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "6 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn ring(texts: &[&str]) -> Keyring {
    Keyring::parse(texts, None).expect("keys")
}

fn of(name: &str, version: i64) -> Binding {
    Binding::Secret(SecretId { owner: Owner::System, name: name.into() }, version)
}

fn not_decrypted(name: &str) -> SecretError {
    SecretError::Authentication { name: name.into() }
}

#[test]
fn what_was_sealed_opens_and_is_not_seen_in_between() {
    let keys = ring(&[OLD]);
    let envelope = Envelope::seal(&keys, &of("db", 1), b"correct horse battery").expect("sealed");
    assert_eq!(&**envelope.open(&keys, &of("db", 1)).expect("opened"), b"correct horse battery");
    let stored = [envelope.wrapped_key.clone(), envelope.ciphertext.clone()].concat();
    assert!(!stored.windows(7).any(|window| window == b"correct" || window == b"battery"));
}

/// SEC-08: a ciphertext that is moved to another row does not open there, under any part of its identity.
#[test]
fn swapped_rows_do_not_open() {
    let keys = ring(&[OLD]);
    let one = Envelope::seal(&keys, &of("one", 1), b"first value").expect("sealed");
    let owned = |owner| Binding::Secret(SecretId { owner, name: "one".into() }, 1);
    for binding in [
        of("two", 1),
        of("one", 2),
        owned(Owner::Pack("core".into())),
        owned(Owner::Action("core.echo".parse().expect("an action"))),
        Binding::Parameters { execution: ExecutionId(1), action: String::new(), names: vec!["one".into()] },
    ] {
        let error = one.open(&keys, &binding).expect_err("not its row");
        assert_eq!(error, not_decrypted(&binding.name()));
        assert!(error.to_string().ends_with("cannot be decrypted (authentication failed)"), "{error}");
    }
    // Only the value, or only its key, of another secret of the same name and version elsewhere.
    let other = Envelope::seal(&keys, &of("one", 1), b"other value").expect("sealed");
    let mixed = Envelope { ciphertext: other.ciphertext, ..one.clone() };
    assert_eq!(mixed.open(&keys, &of("one", 1)), Err(not_decrypted("one")));
}

/// SEC-08: secret parameters of one execution do not open in the place of another's, of the same action or not.
#[test]
fn parameters_of_another_execution_do_not_open() {
    let keys = ring(&[OLD]);
    let parameters = |execution, action: &str| Binding::Parameters {
        execution: ExecutionId(execution),
        action: action.to_owned(),
        names: vec!["token".to_owned()],
    };
    let one = Envelope::seal(&keys, &parameters(1, "core.echo"), b"first value").expect("sealed");
    assert_eq!(&**one.open(&keys, &parameters(1, "core.echo")).expect("opened"), b"first value");
    for elsewhere in [parameters(2, "core.echo"), parameters(1, "core.noop")] {
        assert_eq!(one.open(&keys, &elsewhere), Err(not_decrypted("parameters token")), "{elsewhere:?}");
    }
}

/// SEC-08: one flipped bit anywhere.
#[test]
fn a_flipped_bit_does_not_open() {
    let keys = ring(&[OLD]);
    let binding = of("db", 1);
    let envelope = Envelope::seal(&keys, &binding, b"value").expect("sealed");
    for bit in 8..envelope.ciphertext.len() * 8 {
        let mut flipped = envelope.clone();
        flipped.ciphertext[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(flipped.open(&keys, &binding), Err(not_decrypted("db")), "bit {bit} of the value");
    }
    for bit in 8..envelope.wrapped_key.len() * 8 {
        let mut flipped = envelope.clone();
        flipped.wrapped_key[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(flipped.open(&keys, &binding), Err(not_decrypted("db")), "bit {bit} of the key");
    }
    for cut in 0..envelope.ciphertext.len() {
        let short = Envelope { ciphertext: envelope.ciphertext[..cut].to_vec(), ..envelope.clone() };
        assert!(short.open(&keys, &binding).is_err(), "cut at {cut}");
    }
}

/// SEC-08: an old key id.
#[test]
fn the_number_of_a_key_cannot_be_changed() {
    let same = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let keys = ring(&[&format!("5 {same}\n6 {same}")]);
    let envelope = Envelope::seal(&keys, &of("db", 1), b"value").expect("sealed");
    assert_eq!(envelope.key_id, 6);
    let renumbered = Envelope { key_id: 5, ..envelope.clone() };
    assert_eq!(renumbered.open(&keys, &of("db", 1)), Err(not_decrypted("db")));
    let gone = Envelope { key_id: 7, ..envelope };
    assert_eq!(gone.open(&keys, &of("db", 1)), Err(SecretError::UnknownKey { id: 7, have: vec![5, 6] }));
}

/// SEC-10, the part without a database: before and after, both keys open what they wrapped.
#[test]
fn a_key_is_replaced_without_touching_the_value() {
    let (old, both, new) = (ring(&[OLD]), ring(&[OLD, NEW]), ring(&[NEW]));
    let binding = of("db", 3);
    let before = Envelope::seal(&old, &binding, b"value").expect("sealed");
    let after = before.rewrap(&both, &binding).expect("wrapped anew");
    assert_eq!((after.key_id, &after.ciphertext), (6, &before.ciphertext));
    for (envelope, keys) in [(&before, &old), (&before, &both), (&after, &both), (&after, &new)] {
        assert_eq!(&**envelope.open(keys, &binding).expect("opens"), b"value");
    }
    assert_eq!(before.open(&new, &binding), Err(SecretError::UnknownKey { id: 5, have: vec![6] }));
}

#[test]
fn another_key_of_the_same_number_is_noticed() {
    let envelope = Envelope::seal(&ring(&[OLD]), &of("db", 1), b"value").expect("sealed");
    let wrong = ring(&["5 cccccccccccccccccccccccccccccccc"]);
    assert_eq!(envelope.open(&wrong, &of("db", 1)), Err(not_decrypted("db")));
}

/// SEC-09: one value a million times; the attack is two messages under one key and nonce, the refusal is that no nonce
/// comes twice. The data key is different each time besides.
#[test]
fn a_million_encryptions_use_a_million_nonces() {
    const TIMES: usize = 1_000_000;
    let mut seen = HashSet::with_capacity(TIMES);
    let key = [7; 32];
    for _ in 0..TIMES {
        let bytes = encrypt(&key, b"x", b"").expect("sealed");
        assert!(
            seen.insert(<[u8; NONCE_BYTES]>::try_from(&bytes[1..=NONCE_BYTES]).expect("a nonce")),
            "a nonce came twice"
        );
    }
    assert_eq!(seen.len(), TIMES);
}

proptest! {
    #[test]
    fn any_value_comes_back(value in proptest::collection::vec(any::<u8>(), 0..300), name in "[a-z.]{1,20}", version in 1_i64..1000) {
        let keys = ring(&[OLD]);
        let binding = of(&name, version);
        let envelope = Envelope::seal(&keys, &binding, &value).expect("sealed");
        prop_assert_eq!(&**envelope.open(&keys, &binding).expect("opened"), &value[..]);
    }

    #[test]
    fn garbage_never_opens_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let keys = ring(&[OLD]);
        let envelope = Envelope { key_id: 5, wrapped_key: bytes.clone(), ciphertext: bytes };
        prop_assert!(envelope.open(&keys, &of("db", 1)).is_err());
    }
}

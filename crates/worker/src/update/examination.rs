//! Whether a program may be executed, by its bytes. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::offer::Offer;
use super::public_key::PublicKey;
use super::refusal::Refusal;
use crate::version::version_in;

/// What a 64-bit little-endian program begins with.
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
/// Where its header names the machine.
const MACHINE: std::ops::Range<usize> = 18..20;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

/// Whether what is offered is worth fetching; what it is signed with, if it is.
pub(super) fn of_offer(offer: &Offer) -> Result<Vec<u8>, Refusal> {
    let own = std::env::consts::ARCH;
    if offer.architecture != own {
        return Err(Refusal::OtherMachine { offered: offer.architecture.clone(), own });
    }
    let signature = offer.signature.as_deref().filter(|text| !text.is_empty()).ok_or(Refusal::Unsigned)?;
    STANDARD.decode(signature).ok().filter(|bytes| bytes.len() == SIGNATURE).ok_or(Refusal::NoSignature)
}

/// Whether `program` is what was offered, and signed with `key`. Nothing in it is looked at before the signature holds.
pub(super) fn of_program(program: &[u8], offer: &Offer, key: &PublicKey) -> Result<(), Refusal> {
    let signature = of_offer(offer)?;
    let found = program.len() as u64;
    if found != offer.size {
        return Err(Refusal::Size { found, told: offer.size });
    }
    let sum: String = Sha256::digest(program).iter().map(|byte| format!("{byte:02x}")).collect();
    if !sum.eq_ignore_ascii_case(&offer.sha256) {
        return Err(Refusal::Checksum { found: sum, told: offer.sha256.clone() });
    }
    if !key.has_signed(program, &signature) {
        return Err(Refusal::Signature);
    }
    let own = std::env::consts::ARCH;
    let machine: [u8; 2] = match own {
        "x86_64" => [62, 0],
        "aarch64" => [183, 0],
        _ => return Err(Refusal::Foreign { own }),
    };
    if !program.starts_with(&MAGIC) || program.get(MACHINE) != Some(&machine[..]) {
        return Err(Refusal::Foreign { own });
    }
    // An old one, signed in its time, could be offered as something newer.
    let found = version_in(program).unwrap_or("none");
    if found != offer.version {
        return Err(Refusal::Version { found: found.to_owned(), told: offer.version.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Signer, program};
    use super::*;

    #[test]
    fn only_what_was_offered_and_is_signed_with_the_key_for_this_machine_is_executed() {
        let (signer, other) = (Signer::new(), Signer::new());
        let good = program("1.1.0");
        let offer = signer.offer("1.1.0", &good);
        assert_eq!(of_program(&good, &offer, &signer.public_key()), Ok(()));
        let upper = Offer { sha256: offer.sha256.to_uppercase(), ..offer.clone() };
        assert_eq!(of_program(&good, &upper, &signer.public_key()), Ok(()));

        let mut altered = good.clone();
        altered[8] ^= 1;
        let mut foreign = good.clone();
        foreign[18] ^= 0xff;
        let script = b"#!/bin/sh\nexit 0\nattune-agent-version=1.1.0\0".to_vec();
        let old = program("1.0.0");
        let with = |signature: Option<String>| Offer { signature, ..offer.clone() };
        for (what, program, offer, expected) in [
            ("unsigned", &good, with(None), "not signed"),
            ("signed with nothing", &good, with(Some(String::new())), "not signed"),
            ("no signature", &good, with(Some("c2ln".into())), "not 64 bytes"),
            ("the signature of something else", &good, with(Some(signer.sign(&altered))), "not signed with the key"),
            ("another's key", &good, other.offer("1.1.0", &good), "not signed with the key"),
            (
                "altered with its checksum",
                &altered,
                Offer { signature: offer.signature.clone(), ..signer.offer("1.1.0", &altered) },
                "not signed with the key",
            ),
            ("altered", &altered, offer.clone(), "its SHA-256 is"),
            ("cut short", &good[..good.len() - 1].to_vec(), offer.clone(), "bytes came of"),
            ("more than was said", &[&good[..], b"."].concat(), offer.clone(), "bytes came of"),
            ("another machine's, openly", &good, Offer { architecture: "m68k".into(), ..offer.clone() }, "for m68k"),
            ("another machine's", &foreign, signer.offer("1.1.0", &foreign), "no program for"),
            ("a script", &script, signer.offer("1.1.0", &script), "no program for"),
            ("nothing", &Vec::new(), signer.offer("1.1.0", &[]), "no program for"),
            ("an old one as a new one", &old, signer.offer("1.1.0", &old), "says that it is version 1.0.0"),
        ] {
            let refusal = of_program(program, &offer, &signer.public_key()).expect_err(what);
            assert!(refusal.to_string().contains(expected), "{what}: {refusal}");
            assert_eq!(refusal.to_string().lines().count(), 1, "{what}");
        }
    }
}

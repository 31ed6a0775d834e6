//! One look at what the server gives out.

use super::decision::{self, Decision};
use super::examination;
use super::folder::Folder;
use super::offer::Offer;
use super::public_key::PublicKey;
use super::refusal::Refusal;
use super::source::{Source, SourceError};
use crate::version::version;

/// What one look came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing newer, or nothing that was not judged before.
    Nothing,
    /// Something newer that is not executed.
    Refused(Offer, Refusal),
    /// Something newer, which is the candidate now.
    Candidate(Offer),
}

/// Looks, fetches and examines; what was found `hopeless` before is not fetched again. Blocks.
///
/// Nothing is written where it could be executed before it was examined.
pub(super) fn search(
    source: &Source,
    folder: &Folder,
    key: &PublicKey,
    hopeless: Option<&Offer>,
) -> Result<Found, SourceError> {
    let Some(offer) = source.offer()?.filter(|offer| Some(offer) != hopeless) else { return Ok(Found::Nothing) };
    match decision::about(version(), &offer, folder.record().as_ref()) {
        Decision::Stay | Decision::Known => return Ok(Found::Nothing),
        Decision::Refuse(refusal) => return Ok(Found::Refused(offer, refusal)),
        Decision::Fetch => {}
    }
    if folder.examine_candidate(&offer, key).is_err() {
        let program = source.fetch(&offer)?;
        if let Err(refusal) = examination::of_program(&program, &offer, key) {
            return Ok(Found::Refused(offer, refusal));
        }
        folder.keep(&program).map_err(SourceError::Kept)?;
    }
    Ok(Found::Candidate(offer))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use attune_config::{Config, Environment, Sources};

    use super::super::samples::{Signer, program};
    use super::*;

    struct NoVariables;

    impl Environment for NoVariables {
        fn variables(&self) -> Vec<(String, String)> {
            Vec::new()
        }
    }

    /// A server that says `offer` and sends `program` under a header that promises `length` bytes.
    fn serve(offer: &Offer, program: Vec<u8>, length: usize) -> String {
        let info = offer.to_value().to_string().into_bytes();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
                let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let is_info = head.first().is_some_and(|line| line.contains("/agent/info"));
                let (body, length) = if is_info { (&info, info.len()) } else { (&program, length) };
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                // Whoever refuses may hang up before the end.
                let _sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        });
        address
    }

    fn source(address: &str) -> Source {
        let overrides = vec![("client.api_url".to_owned(), address.to_owned())];
        let config = Config::load(Sources { file: None, environment: NoVariables, overrides }).expect("it is whole");
        Source::of(&config).expect("this machine's")
    }

    #[test]
    fn what_a_lying_server_sends_is_refused_in_one_line_and_is_never_a_file() {
        let (signer, other) = (Signer::new(), Signer::new());
        let good = program("99.0.0");
        let offer = signer.offer("99.0.0", &good);
        let mut altered = good.clone();
        altered[8] ^= 1;
        let old = program("0.0.1");
        for (what, offer, sent, expected) in [
            ("unsigned", Offer { signature: None, ..offer.clone() }, good.clone(), "is not signed"),
            (
                "wrongly signed",
                Offer { signature: Some(signer.sign(&altered)), ..offer.clone() },
                good.clone(),
                "not signed with the key",
            ),
            ("signed by another", other.offer("99.0.0", &good), good.clone(), "not signed with the key"),
            ("truncated", offer.clone(), good[..good.len() / 2].to_vec(), "bytes came of"),
            ("longer", offer.clone(), [&good[..], b"more"].concat(), "bytes came of"),
            ("altered", offer.clone(), altered.clone(), "SHA-256"),
            ("older", signer.offer("0.0.1", &old), old.clone(), "version 0.0.1, and this is"),
            ("older as newer", signer.offer("99.0.0", &old), old.clone(), "says that it is version 0.0.1"),
            ("for other machines", Offer { architecture: "m68k".into(), ..offer.clone() }, good.clone(), "for m68k"),
        ] {
            let state = tempfile::tempdir().expect("a folder");
            let folder = Folder::of(state.path());
            let source = source(&serve(&offer, sent.clone(), sent.len()));
            let found = search(&source, &folder, &signer.public_key(), None).expect("it answers");
            let Found::Refused(of, refusal) = found else { panic!("{what}: {found:?}") };
            let said = refusal.to_string();
            assert!(said.contains(expected) && said.lines().count() == 1, "{what}: {said}");
            assert_eq!(of, offer);
            assert!(
                !folder.candidate().exists() && !folder.program().exists(),
                "{what}: nothing that could be executed"
            );
            assert_eq!(search(&source, &folder, &signer.public_key(), Some(&of)).expect("again"), Found::Nothing);
        }
        // Cut in the middle of what the header promised.
        let state = tempfile::tempdir().expect("a folder");
        let folder = Folder::of(state.path());
        let cut = source(&serve(&offer, good[..9].to_vec(), good.len()));
        let error = search(&cut, &folder, &signer.public_key(), None).expect_err("it broke off");
        assert!(matches!(error, SourceError::Broken { .. }), "{error}");
        assert!(!folder.candidate().exists());
        // And the honest one.
        let honest = source(&serve(&offer, good.clone(), good.len()));
        let found = search(&honest, &folder, &signer.public_key(), None).expect("it answers");
        assert_eq!(found, Found::Candidate(offer.clone()));
        assert_eq!(folder.examine_candidate(&offer, &signer.public_key()), Ok(()));
    }
}

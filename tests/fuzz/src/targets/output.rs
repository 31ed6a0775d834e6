//! What actions write, on its way to people.

use attune_secret::redact::{Needles, Redactor};

use super::escape::Escaper;
use crate::input::Input;

/// Output does not depend on how it was cut, and no secret is left in it.
pub(super) fn redactor(data: &[u8]) {
    let mut input = Input(data);
    let count = usize::from(input.byte() % 4);
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count {
        let length = usize::from(input.byte() % 40);
        // A mask must not make a needle of what stands around it.
        let secret = input.bytes(length).iter().map(|byte| if *byte == b'*' { b'+' } else { *byte });
        secrets.push(secret.collect());
    }
    let cut = usize::from(input.byte() % 17) + 1;
    // Text in which secrets stand whole, cut short and overlapping.
    let mut text = Vec::new();
    while !input.is_empty() && text.len() < 20_000 {
        match input.byte() {
            byte @ 0..=7 if !secrets.is_empty() => {
                let secret = &secrets[usize::from(byte) % secrets.len()];
                let end = secret.len() - usize::from(byte > 5).min(secret.len());
                text.extend_from_slice(&secret[..end]);
            }
            b'*' => text.push(b'+'),
            byte => text.push(byte),
        }
    }
    let needles = Needles::new(secrets.iter().map(|secret| ("secret", secret.as_slice())));
    let redact = |size: usize| {
        let (mut redactor, mut out) = (Redactor::new(&needles), Vec::new());
        for piece in text.chunks(size) {
            redactor.push(piece, &mut out);
        }
        redactor.finish(&mut out);
        (out, redactor.report())
    };
    let whole = redact(usize::MAX);
    assert!(redact(cut) == whole, "in pieces of {cut} it is another");
    assert!(redact(1) == whole, "byte by byte it is another");
    for secret in &secrets {
        let secret = secret.trim_ascii();
        if secret.len() >= Needles::SHORTEST {
            assert!(!whole.0.windows(secret.len()).any(|window| window == secret), "a secret is left");
        }
    }
    if whole.1.is_empty() {
        assert!(whole.0 == text, "nothing was found and something changed");
    }
}

/// Nothing but colours reaches a terminal, however the text was cut.
pub(super) fn terminal(data: &[u8]) {
    let mut input = Input(data);
    let cut = usize::from(input.byte() % 9) + 1;
    let escape = |size: usize| {
        let mut escaper = Escaper::default();
        let mut text: String = input.0.chunks(size).map(|piece| escaper.feed(piece)).collect();
        text.push_str(&escaper.finish());
        text
    };
    let text = escape(usize::MAX);
    assert_eq!(escape(cut), text, "in pieces of {cut} it is another");
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        if one == '\u{1b}' {
            assert_eq!(rest.next(), Some('['), "a sequence that is no colour: {text:?}");
            let end = rest.find(|one| !matches!(one, '0'..='9' | ';' | ':'));
            assert_eq!(end, Some('m'), "a sequence that is no colour: {text:?}");
            continue;
        }
        // A line end of Windows stays one.
        let is_bad = one.is_control() && !matches!(one, '\n' | '\t' | '\r');
        let reorders = matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        assert!(!is_bad && !reorders, "{one:?} in {text:?}");
    }
    assert!(!text.replace("\r\n", "").contains('\r'), "the cursor goes back: {text:?}");
}

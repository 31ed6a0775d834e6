//! Redaction as a whole: against a model that looks at the whole text at once, and against the encodings of real programs.

use proptest::prelude::*;

use super::{Encoding, Leak, Needles, Redactor};

const SECRET: &str = "it's a \"p4ss\\word\" <&$(x)/é!";

fn needles(values: &[&str]) -> Needles {
    let names: Vec<String> = (0..values.len()).map(|index| format!("s{index}")).collect();
    Needles::new(names.iter().map(String::as_str).zip(values.iter().map(|value| value.as_bytes())))
}

fn cut_at(needles: &Needles, text: &[u8], sizes: impl Iterator<Item = usize>) -> (Vec<u8>, Vec<Leak>) {
    let (mut redactor, mut out, mut rest) = (Redactor::new(needles), Vec::new(), text);
    for size in sizes {
        let (piece, others) = rest.split_at(size.min(rest.len()));
        redactor.push(piece, &mut out);
        rest = others;
    }
    redactor.push(rest, &mut out);
    redactor.finish(&mut out);
    (out, redactor.report())
}

fn whole(needles: &Needles, text: &[u8]) -> (Vec<u8>, Vec<Leak>) {
    cut_at(needles, text, std::iter::empty())
}

fn text_of(needles: &Needles, text: &str) -> String {
    String::from_utf8_lossy(&whole(needles, text.as_bytes()).0).into_owned()
}

/// Everything that is covered by any needle is masked; what is covered without a gap is one mask.
fn model(needles: &Needles, text: &[u8]) -> Vec<u8> {
    let Some(compiled) = needles.compiled() else { return text.to_vec() };
    let mut covered_upto = vec![0_usize; text.len()];
    for needle in &compiled.needles {
        let needle = compiled.bytes_of(needle);
        for begin in 0..text.len() {
            if text[begin..].starts_with(needle) {
                covered_upto[begin] = covered_upto[begin].max(begin + needle.len());
            }
        }
    }
    let (mut out, mut end) = (Vec::new(), None::<usize>);
    for (place, upto) in covered_upto.iter().enumerate() {
        if *upto > 0 {
            if end.is_none_or(|end| end < place) {
                out.extend_from_slice(b"***");
            }
            end = Some(end.unwrap_or(0).max(*upto));
        }
        if end.is_none_or(|end| end <= place) {
            out.push(text[place]);
        }
    }
    out
}

#[test]
fn what_is_written_between_two_bytes_of_a_secret_does_not_matter() {
    let needles = needles(&[SECRET]);
    let text = format!("before {SECRET} after\n");
    for size in 1..text.len() {
        let (out, leaks) = cut_at(&needles, text.as_bytes(), std::iter::repeat_n(size, text.len()));
        assert_eq!(String::from_utf8_lossy(&out), "before *** after\n", "in pieces of {size}");
        assert_eq!(leaks, [Leak { secret: "s0".into(), encoding: Encoding::Raw, times: 1, line: 1 }]);
    }
}

#[test]
fn without_needles_nothing_is_held_or_changed() {
    for values in [&[][..], &["short"], &["  \n"]] {
        let needles = needles(values);
        assert!(needles.is_empty());
        let mut redactor = Redactor::new(&needles);
        let mut out = Vec::new();
        redactor.push(b"sho", &mut out);
        assert_eq!((out.as_slice(), redactor.is_idle()), (&b"sho"[..], true));
    }
    assert_eq!(needles(&["short", " ", "long enough"]).unmaskable(), ["s0"]);
}

#[test]
fn only_what_may_begin_a_secret_is_held_and_a_pause_lets_two_bytes_go() {
    let needles = needles(&["hunter2-hunter2"]);
    let mut redactor = Redactor::new(&needles);
    let mut push = |text: &str, is_pause: bool| {
        let mut out = Vec::new();
        redactor.push(text.as_bytes(), &mut out);
        if is_pause {
            redactor.pause(&mut out);
        }
        String::from_utf8(out).expect("text")
    };
    assert_eq!(push("a line\n", false), "a line\n");
    assert_eq!(push("a prompt: h", false), "a prompt: ");
    assert_eq!(push("", true), "h", "one byte is no secret");
    assert_eq!(push("unter2-hunter2.", false), "***.", "but what follows is still known");
    assert_eq!(push("hunt", true), "", "what may be a secret waits");
    assert_eq!(push("er", true), "");
    assert_eq!(push("s\n", true), "hunters\n");
}

#[test]
fn neighbours_are_one_mask_and_all_are_counted() {
    let needles = needles(&["aaaabbbb", "bbbbcccc", "abcdefgh"]);
    assert_eq!(text_of(&needles, "x aaaabbbbcccc y"), "x *** y");
    assert_eq!(text_of(&needles, "abcdefghabcdefgh abcdefgh"), "*** ***");
    let (_, leaks) = whole(&needles, b"\n\naaaabbbbcccc\nabcdefghabcdefgh");
    let counted: Vec<(&str, u64, u64)> =
        leaks.iter().map(|leak| (leak.secret.as_str(), leak.times, leak.line)).collect();
    assert_eq!(counted, [("s0", 1, 3), ("s1", 1, 3), ("s2", 2, 4)]);
}

#[test]
fn every_encoding_is_masked_and_named() {
    let needles = needles(&[SECRET]);
    for (encoding, written) in [
        (Encoding::Raw, SECRET.to_owned()),
        (Encoding::HexLower, SECRET.bytes().map(|byte| format!("{byte:02x}")).collect()),
        (Encoding::HexUpper, SECRET.bytes().map(|byte| format!("{byte:02X}")).collect()),
        // What Python prints for base64.b64encode, urlsafe_b64encode, quote, quote_plus, json.dumps, repr of the
        // bytes, html.escape and shlex.quote.
        (Encoding::Base64, "aXQncyBhICJwNHNzXHdvcmQiIDwmJCh4KS/DqSE=".to_owned()),
        (Encoding::Base64, "LWl0J3MgYSAicDRzc1x3b3JkIiA8JiQoeCkvw6khCg==".to_owned()),
        (Encoding::Base64, "LS1pdCdzIGEgInA0c3Ncd29yZCIgPCYkKHgpL8OpIQ==".to_owned()),
        (Encoding::Base64Url, "aXQncyBhICJwNHNzXHdvcmQiIDwmJCh4KS_DqSE=".to_owned()),
        (Encoding::Percent, "it%27s%20a%20%22p4ss%5Cword%22%20%3C%26%24%28x%29/%C3%A9%21".to_owned()),
        (Encoding::Percent, "it%27s+a+%22p4ss%5Cword%22+%3C%26%24%28x%29%2F%C3%A9%21".to_owned()),
        (Encoding::Json, "it's a \\\"p4ss\\\\word\\\" <&$(x)/\\u00e9!".to_owned()),
        (Encoding::Json, "it's a \\\"p4ss\\\\word\\\" \\u003c\\u0026$(x)/é!".to_owned()),
        (Encoding::Json, "it's a \\\\\\\"p4ss\\\\\\\\word\\\\\\\" <&$(x)/é!".to_owned()),
        (Encoding::Debug, "it\\'s a \"p4ss\\\\word\" <&$(x)/\\xc3\\xa9!".to_owned()),
        (Encoding::Xml, "it&#x27;s a &quot;p4ss\\word&quot; &lt;&amp;$(x)/é!".to_owned()),
        (Encoding::Shell, "it'\"'\"'s a \"p4ss\\word\" <&$(x)/é!".to_owned()),
        // What bash prints with `set -x` and for printf %q.
        (Encoding::Shell, "it'\\''s a \"p4ss\\word\" <&$(x)/é!".to_owned()),
        (Encoding::Shell, "it\\'s\\ a\\ \\\"p4ss\\\\word\\\"\\ \\<\\&\\$\\(x\\)/é\\!".to_owned()),
        (Encoding::Decimal, format!("{:?}", SECRET.as_bytes())),
    ] {
        let (out, leaks) = whole(&needles, format!("<{written}>").as_bytes());
        let out = String::from_utf8_lossy(&out);
        assert!(out.contains("***"), "{encoding:?}: {out}");
        // At the edges of base64 a character may hold bits of others.
        assert!(out.len() <= 3 + 2 + 6, "{encoding:?}: {out}");
        assert_eq!(leaks.len(), 1, "{encoding:?}: {leaks:?}");
        assert_eq!(leaks[0].encoding, encoding, "{out}");
    }
}

#[test]
fn lines_and_leaves_are_secrets_too_and_frames_are_not() {
    let pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\nend=\n-----END KEY-----\n";
    let needles = needles(&[pem, "{\"user\": \"short\", \"key\": {\"id\": [\"leaf-of-a-tree\"]}}"]);
    let (out, leaks) =
        whole(&needles, b"> MIIEvQIBADANBgkqhkiG9w0B\n> -----BEGIN KEY-----\n> leaf-of-a-tree\n> end=\n");
    assert_eq!(String::from_utf8_lossy(&out), "> ***\n> -----BEGIN KEY-----\n> ***\n> end=\n");
    assert!(leaks.iter().all(|leak| leak.encoding == Encoding::Part), "{leaks:?}");
    assert_eq!(text_of(&needles, &format!("a{}b", pem.trim())), "a***b");
}

#[test]
fn a_value_longer_than_a_needle_is_one_mask_and_counted_once() {
    let value: String =
        (0..3_003_u32).map(|index| char::from(b'a' + (index.wrapping_mul(2_654_435_761) >> 24) as u8 % 26)).collect();
    let needles = needles(&[&value]);
    let text = format!("<{value}> <{}>", &value[..2 * Needles::LONGEST]);
    let (out, leaks) = cut_at(&needles, text.as_bytes(), std::iter::repeat_n(7, 1_000));
    assert_eq!(String::from_utf8_lossy(&out), "<***> <***>");
    assert_eq!(leaks, [Leak { secret: "s0".into(), encoding: Encoding::Raw, times: 2, line: 1 }]);
    let base64 = String::from_utf8(super::escapes::base64(value.as_bytes(), 0, false)).expect("text");
    let wrapped: Vec<&str> =
        base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("text")).collect();
    let out = text_of(&needles, &wrapped.join("\n"));
    assert!(out.split('\n').all(|line| line.starts_with("***") && line.len() < 11), "{out}");
}

#[test]
fn what_a_gap_cuts_is_masked_on_both_sides() {
    let needles = needles(&["hunter2-hunter2"]);
    let mut redactor = Redactor::new(&needles);
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    redactor.push(b"head hunter2-hun", &mut head);
    redactor.gap(&mut head);
    redactor.push(b"ter2 ta", &mut tail);
    redactor.push(b"il", &mut tail);
    redactor.finish(&mut tail);
    assert_eq!(String::from_utf8_lossy(&head), "head ***");
    assert_eq!(String::from_utf8_lossy(&tail), "*** tail");
    redactor.gap(&mut tail);
    redactor.push(b" more", &mut tail);
    redactor.finish(&mut tail);
    assert_eq!(String::from_utf8_lossy(&tail), "*** tail more", "what is no part of a secret stays");
}

#[test]
fn values_are_redacted_in_texts_names_and_numbers() {
    let needles = needles(&["hunter2-hunter2", "1234567890"]);
    let mut value =
        serde_json::json!({"a hunter2-hunter2": [1, "x hunter2-hunter2"], "n": 12345678901_i64, "o": {"p": null}});
    let leaks = needles.redact_value(&mut value);
    assert_eq!(value, serde_json::json!({"a ***": [1, "x ***"], "n": "***1", "o": {"p": null}}));
    assert_eq!(leaks.iter().map(|leak| leak.times).sum::<u64>(), 3);
    assert_eq!(needles.redact("nothing").0, "nothing");
}

#[test]
fn nothing_shows_a_needle() {
    let needles = needles(&[SECRET]);
    let mut redactor = Redactor::new(&needles);
    redactor.push(&SECRET.as_bytes()[..9], &mut Vec::new());
    assert!(!format!("{needles:?} {redactor:?} {:?}", redactor.report()).contains("it's"));
}

fn values() -> impl Strategy<Value = Vec<String>> {
    // Few letters, so that needles overlap and begin like each other.
    proptest::collection::vec("[ab]{8,12}|[abc\\n\"]{8,30}|[a-z']{8,9}", 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_chunking_gives_what_the_model_gives(
        values in values(),
        filler in proptest::collection::vec("[ab\"]{0,9}|[a-z\\n ]{0,12}", 0..8),
        order in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0..4_usize), 0..8),
        sizes in proptest::collection::vec(1..20_usize, 0..80),
    ) {
        let borrowed: Vec<&str> = values.iter().map(String::as_str).collect();
        let needles = needles(&borrowed);
        let mut text = Vec::new();
        for (index, (which, is_cut, form)) in order.iter().enumerate() {
            text.extend_from_slice(filler.get(index).map_or(&b""[..], |filler| filler.as_bytes()));
            let value = which.get(&values).trim();
            let mut written = match form {
                0 => value.as_bytes().to_vec(),
                1 => super::escapes::base64(value.as_bytes(), index % 3, false),
                2 => super::escapes::hex(value.as_bytes(), false, ""),
                _ => super::escapes::json(value, super::escapes::JsonStyle::default()),
            };
            if *is_cut {
                written.truncate(written.len() - 1);
            }
            text.extend_from_slice(&written);
        }
        let expected = model(&needles, &text);
        let (out, leaks) = whole(&needles, &text);
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
        let (chunked, chunked_leaks) = cut_at(&needles, &text, sizes.into_iter());
        prop_assert_eq!(String::from_utf8_lossy(&chunked), String::from_utf8_lossy(&out));
        prop_assert_eq!(chunked_leaks, leaks);
        let (bytewise, _) = cut_at(&needles, &text, std::iter::repeat_n(1, text.len()));
        prop_assert_eq!(String::from_utf8_lossy(&bytewise), String::from_utf8_lossy(&out));
    }

    #[test]
    fn a_text_without_needles_is_not_changed(text in "[ -~\\n]{0,400}", size in 1..50_usize) {
        let needles = needles(&["\u{1}never printed\u{1}", "\u{2}nor this one\u{2}"]);
        let (out, leaks) = cut_at(&needles, text.as_bytes(), std::iter::repeat_n(size, text.len()));
        prop_assert_eq!(out, text.as_bytes());
        prop_assert!(leaks.is_empty());
    }
}

/// The edge of what is promised: whoever means to give a secret away can. When this fails, the promise may become larger.
#[test]
fn what_is_written_backwards_or_apart_passes() {
    let value = "correct-horse-battery";
    let backwards: String = value.chars().rev().collect();
    let apart: String = value.chars().flat_map(|one| [one, ' ']).collect();
    for text in [backwards, apart] {
        assert_eq!(text_of(&needles(&[value]), &text), text);
    }
}

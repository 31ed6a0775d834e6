//! How fast output is redacted, beside the same way without redaction: a pipe, read in chunks, into a file. One JSON line
//! per figure; best of several rounds, since everything that disturbs makes it slower.
#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Instant;

use attune_secret::redact::{Needles, Redactor};

const BYTES: usize = 256 << 20;
const CHUNK: usize = 64 << 10;
const ROUNDS: usize = 5;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const WORDS: &[&str] = &[
    "request",
    "GET",
    "/api/v1/users",
    "status=200",
    "took",
    "12.5ms",
    "user",
    "alice",
    "2024-05-01T12:00:00Z",
    "INFO",
    "connection",
    "to",
    "db-1.internal:5432",
    "established",
    "0x7ffe",
    "{\"level\":\"info\",\"msg\":\"ok\"}",
];

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }
}

fn main() -> io::Result<()> {
    let mut random = Random(88_172_645_463_325_252);
    let secrets: Vec<String> =
        (0..100).map(|_| (0..32).map(|_| char::from(LETTERS[random.below(64)])).collect()).collect();
    let needles = Needles::new(secrets.iter().map(|secret| ("secret", secret.as_bytes())));
    for (name, one_in) in [("no secret in it", usize::MAX), ("a secret in every tenth line", 10)] {
        let mut text = Vec::with_capacity(CHUNK * 64);
        let mut line = 0_usize;
        while text.len() < CHUNK * 64 - 512 {
            line += 1;
            for _ in 0..10 {
                text.extend_from_slice(WORDS[random.below(WORDS.len())].as_bytes());
                text.push(b' ');
            }
            if line.is_multiple_of(one_in) {
                text.extend_from_slice(secrets[random.below(100)].as_bytes());
            }
            text.push(b'\n');
        }
        // Alone, and between a pipe and a file.
        let mut alone = 0_f64;
        for _ in 0..ROUNDS {
            let (mut redactor, mut out, begun, mut done) = (Redactor::new(&needles), Vec::new(), Instant::now(), 0);
            while done < BYTES {
                for chunk in text.chunks(CHUNK) {
                    out.clear();
                    redactor.push(chunk, &mut out);
                    std::hint::black_box(&out);
                }
                done += text.len();
            }
            alone = alone.max(rate(done, begun));
        }
        let (mut plain, mut redacted) = (0_f64, 0_f64);
        for _ in 0..ROUNDS {
            plain = plain.max(through(&text, Redactor::new(&Needles::none()))?);
            redacted = redacted.max(through(&text, Redactor::new(&needles))?);
        }
        println!(
            "{{\"figure\":\"redaction, {name}\",\"values\":100,\"forms\":{},\"value\":{alone:.0},\"unit\":\"MiB/s\",\
             \"pipe_to_file\":{redacted:.0},\"pipe_to_file_without\":{plain:.0}}}",
            needles.count()
        );
    }
    Ok(())
}

/// From a pipe that another thread fills into a file, as `cat > file` does it.
fn through(text: &[u8], mut redactor: Redactor) -> io::Result<f64> {
    let (mut reader, mut writer) = io::pipe()?;
    let mut file: File = tempfile::tempfile()?;
    let begun = Instant::now();
    let done = std::thread::scope(|scope| -> io::Result<usize> {
        scope.spawn(move || {
            let mut done = 0;
            while done < BYTES / 2 && writer.write_all(text).is_ok() {
                done += text.len();
            }
        });
        let (mut buffer, mut out, mut done) = (vec![0; CHUNK], Vec::new(), 0);
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                return Ok(done);
            }
            done += count;
            if redactor.is_idle() {
                file.write_all(&buffer[..count])?;
            } else {
                out.clear();
                redactor.push(&buffer[..count], &mut out);
                file.write_all(&out)?;
            }
        }
    })?;
    Ok(rate(done, begun))
}

fn rate(bytes: usize, begun: Instant) -> f64 {
    bytes as f64 / f64::from(1 << 20) / begun.elapsed().as_secs_f64()
}

//! How long after a container's start its worker consumes.

use crate::Outcome;
use crate::docker::Docker;
use crate::images::Images;
use crate::programs::Programs;
use crate::site::{Site, until};
use crate::worker_container::{Surroundings, WorkerContainer};

/// How often it is measured.
const TIMES: usize = 15;

/// Shows it: from the call that starts the container, both until the engine says that its process runs and until the worker
/// says that it is registered and that it consumes. The difference is the worker's own.
pub(super) fn show(docker: &Docker, programs: &Programs) -> Outcome<Vec<String>> {
    Images::ensure(docker, &["python", "busybox"])?;
    let site = Site::start(docker, programs)?;
    let mut lines = Vec::new();
    for image in ["busybox", "python"] {
        let name = format!("start-{image}");
        let worker = WorkerContainer::create(&site, &name, &Images::name(image), &Surroundings::default())?;
        let (mut containers, mut registered, mut consuming, mut own) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TIMES {
            let begun = now();
            worker.begin()?;
            let since = |text: &str| {
                let said = worker.said();
                let mut lines = said.lines().filter(|line| line.contains(text)).filter_map(|line| {
                    let at = line.split("\"timestamp\":\"").nth(1)?.split('"').next()?;
                    Some(micros(at)? - begun)
                });
                lines.rfind(|after| *after > 0)
            };
            until("it to consume", std::time::Duration::from_secs(20), || {
                since("\"worker started\"").is_some() && since("\"consuming\"").is_some()
            })?;
            let started = site.docker().inspect(worker.container())?["State"]["StartedAt"].clone();
            let container = micros(started.as_str().unwrap_or_default()).ok_or("the engine says no time")? - begun;
            let (is_registered, consumes) =
                (since("\"worker started\"").unwrap_or_default(), since("\"consuming\"").unwrap_or_default());
            containers.push(container);
            registered.push(is_registered);
            consuming.push(consumes);
            own.push(is_registered.max(consumes) - container);
            worker.signal("TERM")?;
            worker.ended()?;
        }
        lines.push(format!(
            "{image}: registered and consuming {} ms after the container's own start (median of {TIMES}; worst {} ms); \
             container {} ms, registered {} ms, consuming {} ms after docker start",
            millis(median(&own)),
            millis(own.iter().copied().max().unwrap_or_default()),
            millis(median(&containers)),
            millis(median(&registered)),
            millis(median(&consuming)),
        ));
    }
    Ok(lines)
}

fn median(values: &[i64]) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn millis(micros: i64) -> i64 {
    (micros + 500) / 1000
}

#[expect(clippy::disallowed_methods, reason = "compared with the engine's own words, which are of the wall clock")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds since the epoch of `2026-11-21T12:33:04.123456789Z`.
fn micros(text: &str) -> Option<i64> {
    let (date, time) = text.trim_end_matches('Z').split_once('T')?;
    let mut date = date.split('-').map(|number| number.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    // Days since the epoch, by the civil calendar.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.split(':').map(|number| number.parse::<i64>().ok());
    let seconds = clock.next()?? * 3600 + clock.next()?? * 60 + clock.next()??;
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    Some((days * 86_400 + seconds) * 1_000_000 + digits.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(micros("1970-01-01T00:00:01.5Z"), Some(1_500_000));
        assert_eq!(micros("2026-11-21T12:33:04.123456789Z"), Some(1_795_264_384_123_456));
    }
}

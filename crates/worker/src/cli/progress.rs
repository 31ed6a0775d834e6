//! A bar on a terminal while environments are made.

use std::io::{IsTerminal, Write};

use tokio::sync::watch;

use crate::environments::Preparation;

/// How wide the bar is.
const WIDTH: usize = 24;
/// How much of what is happening fits behind it on a small terminal.
const MOST_WORDS: usize = 44;

/// Shows a bar on standard error until everything is made, if that is a terminal. Whoever reads a file has the log.
pub(super) fn show(mut preparation: watch::Receiver<Preparation>) {
    let is_over = preparation.borrow().is_over();
    if is_over || !std::io::stderr().is_terminal() {
        return;
    }
    tokio::spawn(async move {
        loop {
            let shown = preparation.borrow_and_update().clone();
            if shown.is_over() {
                break;
            }
            draw(&format!("\r\x1b[K{}", line(&shown)));
            if preparation.changed().await.is_err() {
                break;
            }
        }
        draw("\r\x1b[K");
    });
}

/// Nobody is told when there is nobody to look.
fn draw(text: &str) {
    let mut terminal = std::io::stderr().lock();
    let _nobody_looks = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

/// `[######            ] 1/4 environments, 1 failed · python for reports: install`
fn line(preparation: &Preparation) -> String {
    let Preparation { wanted, ready, failed, now } = preparation;
    let filled = (ready + failed) * WIDTH / (*wanted).max(1);
    let failures = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
    let now: String = now.chars().filter(|character| !character.is_control()).take(MOST_WORDS).collect();
    let bar: String = (0..WIDTH).map(|place| if place < filled { '#' } else { ' ' }).collect();
    format!("[{bar}] {}/{wanted} environments{failures} \u{b7} {now}", ready + failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is_and_what_is_happening() {
        let at = |ready, failed, now: &str| line(&Preparation { wanted: 4, ready, failed, now: now.to_owned() });
        assert_eq!(
            at(1, 1, "python for reports: install"),
            "[############            ] 2/4 environments, 1 failed \u{b7} python for reports: install"
        );
        assert_eq!(at(0, 0, "a\x1b[31m\n"), format!("[{}] 0/4 environments \u{b7} a[31m", " ".repeat(WIDTH)));
    }
}

//! Findings as people read them.

use super::{Finding, State};

/// How wide text for people is.
const WIDTH: usize = 80;
/// Where facts begin.
const INDENT: usize = 26;

/// One paragraph for every finding, 80 columns wide, without colour; advice below the fact. The last line counts.
#[must_use]
pub fn render(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let head = format!("{:<4}  {:<18}", finding.state.as_str(), finding.name);
        push(&mut text, &format!("{head:<width$}", width = INDENT - 2), &finding.found);
        if let Some(advice) = &finding.advice {
            push(&mut text, &" ".repeat(INDENT - 2), &format!("-> {advice}"));
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (failed, warned) = (count(State::Fail), count(State::Warn));
    let verdict = if failed > 0 { "not usable as it is" } else { "usable" };
    text.push_str(&format!("\n{verdict}: {} ok, {warned} warn, {failed} fail\n", count(State::Ok)));
    text
}

fn push(text: &mut String, head: &str, words: &str) {
    let mut line = format!("{head} ");
    let mut is_empty = true;
    for word in words.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(INDENT);
        } else {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_line_up_and_say_what_to_do_next() {
        let findings = [
            Finding::fail("database", "postgres://***@db/attune: connection refused", "look at database.url"),
            Finding::warn(
                "limit memory",
                "cannot be enforced: there is no control group that this user may write to",
                "go",
            ),
            Finding::ok("python", "3.11.2 /usr/bin/python3"),
        ];
        let expected = "\
fail  database            postgres://***@db/attune: connection refused
                          -> look at database.url
warn  limit memory        cannot be enforced: there is no control group that
                          this user may write to
                          -> go
ok    python              3.11.2 /usr/bin/python3

not usable as it is: 1 ok, 1 warn, 1 fail
";
        assert_eq!(render(&findings), expected);
    }
}

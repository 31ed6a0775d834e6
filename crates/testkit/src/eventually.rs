//! Waiting for a condition.

use std::time::Duration;

use tokio::time::Instant;

/// Asks `probe` again and again until it answers, and returns the answer.
///
/// # Panics
/// When there is none `within` that time; the message names `what` was waited for.
pub async fn eventually<T, F, A>(what: &str, within: Duration, mut probe: F) -> T
where
    F: FnMut() -> A,
    A: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(begun.elapsed() < within, "waited {within:?} in vain for: {what}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_answer_is_returned() {
        let mut asked = 0;
        let answer = eventually("three questions", Duration::from_secs(30), || {
            asked += 1;
            let answer = (asked == 3).then_some(asked);
            async move { answer }
        });
        assert_eq!(answer.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain for: the impossible")]
    async fn a_condition_that_never_holds_is_named() {
        eventually("the impossible", Duration::ZERO, || async { None::<()> }).await;
    }
}

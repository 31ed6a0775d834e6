//! Turns many single requests into few commits.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::error::StoreError;

/// Why a request that went through a [`GroupCommit`] has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GroupCommitError {
    /// The commit of the whole batch failed; every request of the batch gets the same error.
    #[error("the batch could not be committed")]
    Commit(#[source] Arc<StoreError>),
    /// The batch was given up: its commit panicked, answered too little, or the runtime is going away. Whether it was
    /// committed is unknown.
    #[error("the batch was given up and what became of it is unknown")]
    Gone,
}

impl GroupCommitError {
    /// Whether waiting and trying again makes sense. What is unknown may be tried again, because every write of the
    /// store is fenced.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Commit(error) => error.is_passing(),
            Self::Gone => true,
        }
    }
}

/// The least time between the end of a commit and the start of the next.
const GATHER: Duration = Duration::from_millis(2);

struct Waiter<Request, Answer> {
    request: Request,
    answer: oneshot::Sender<Result<Answer, GroupCommitError>>,
}

/// Collects requests that arrive while a commit is under way and commits them together as soon as it has ended.
///
/// A request that comes alone is committed at once, so the latency of an idle system is that of one commit. Only a
/// request that comes on the heels of a commit waits, at most until 2 ms after its end: under load that makes
/// one statement of four, where each statement costs more than the rows in it. (A window that also delays the lone
/// request was rejected: it taxes every single execution for nothing.)
///
/// Clones share the same queue. Dropping a waiting [`GroupCommit::submit`] does not take its request back.
pub struct GroupCommit<Request, Answer> {
    sender: mpsc::Sender<Waiter<Request, Answer>>,
}

impl<Request, Answer> Clone for GroupCommit<Request, Answer> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<Request, Answer> fmt::Debug for GroupCommit<Request, Answer> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GroupCommit").finish_non_exhaustive()
    }
}

impl<Request, Answer> GroupCommit<Request, Answer>
where
    Request: Send + 'static,
    Answer: Send + 'static,
{
    /// Starts the committing task on the current tokio runtime; it ends when the last clone is dropped.
    ///
    /// `commit` gets between 1 and `most` requests and must answer each of them in order.
    #[must_use]
    pub fn new<Commit, Committing>(most: usize, commit: Commit) -> Self
    where
        Commit: Fn(Vec<Request>) -> Committing + Send + Sync + 'static,
        Committing: Future<Output = Result<Vec<Answer>, StoreError>> + Send + 'static,
    {
        Self::gathering(most, GATHER, commit)
    }

    /// The same with a pause of `gather` instead of 2 ms between the end of a commit and the start of the next.
    #[must_use]
    pub fn gathering<Commit, Committing>(most: usize, gather: Duration, commit: Commit) -> Self
    where
        Commit: Fn(Vec<Request>) -> Committing + Send + Sync + 'static,
        Committing: Future<Output = Result<Vec<Answer>, StoreError>> + Send + 'static,
    {
        let most = most.max(1);
        let (sender, receiver) = mpsc::channel(most.saturating_mul(4));
        tokio::spawn(run(most, gather, receiver, commit));
        Self { sender }
    }

    /// Hands in one request and waits until the batch it became part of is committed.
    ///
    /// # Errors
    /// [`GroupCommitError`] when the batch failed.
    pub async fn submit(&self, request: Request) -> Result<Answer, GroupCommitError> {
        let (answer, answered) = oneshot::channel();
        self.sender.send(Waiter { request, answer }).await.map_err(|_| GroupCommitError::Gone)?;
        answered.await.unwrap_or(Err(GroupCommitError::Gone))
    }
}

async fn run<Request, Answer, Commit, Committing>(
    most: usize,
    gather: Duration,
    mut receiver: mpsc::Receiver<Waiter<Request, Answer>>,
    commit: Commit,
) where
    Commit: Fn(Vec<Request>) -> Committing,
    Committing: Future<Output = Result<Vec<Answer>, StoreError>>,
{
    let mut batch = Vec::with_capacity(most);
    let mut earliest = Instant::now();
    while receiver.recv_many(&mut batch, most).await > 0 {
        if batch.len() < most && Instant::now() < earliest {
            tokio::time::sleep_until(earliest).await;
            while batch.len() < most {
                let Ok(waiter) = receiver.try_recv() else { break };
                batch.push(waiter);
            }
        }
        let (requests, waiting): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|waiter| (waiter.request, waiter.answer)).unzip();
        // A panic of one batch must not make every later request wait for ever.
        let committed = AssertUnwindSafe(async { commit(requests).await }).catch_unwind().await;
        answer_all(waiting, committed.ok());
        earliest = Instant::now() + gather;
    }
}

fn answer_all<Answer>(
    waiting: Vec<oneshot::Sender<Result<Answer, GroupCommitError>>>,
    committed: Option<Result<Vec<Answer>, StoreError>>,
) {
    // Whoever stopped waiting does not want the answer: a failed send is no fault.
    match committed {
        Some(Ok(answers)) => {
            let mut answers = answers.into_iter();
            for waiter in waiting {
                let _unwanted = waiter.send(answers.next().ok_or(GroupCommitError::Gone));
            }
        }
        Some(Err(error)) => {
            let error = Arc::new(error);
            for waiter in waiting {
                let _unwanted = waiter.send(Err(GroupCommitError::Commit(Arc::clone(&error))));
            }
        }
        None => {
            for waiter in waiting {
                let _unwanted = waiter.send(Err(GroupCommitError::Gone));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    type Gated = (GroupCommit<u32, u32>, Arc<Semaphore>, Arc<Mutex<Vec<usize>>>);

    /// A commit that waits for a permit and notes the size of each batch.
    fn gated(most: usize) -> Gated {
        let (gate, sizes) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (inner_gate, inner_sizes) = (Arc::clone(&gate), Arc::clone(&sizes));
        let group = GroupCommit::new(most, move |requests: Vec<u32>| {
            let gate = Arc::clone(&inner_gate);
            inner_sizes.lock().expect("lock").push(requests.len());
            async move {
                gate.acquire().await.expect("open").forget();
                match requests.iter().find(|request| **request >= 900) {
                    Some(900) => Err(StoreError::Random { reason: "asked for".into() }),
                    Some(_) => panic!("asked for"),
                    None => Ok(requests.into_iter().map(|request| request * 2).collect()),
                }
            }
        });
        (group, gate, sizes)
    }

    async fn started(sizes: &Mutex<Vec<usize>>, batches: usize) {
        while sizes.lock().expect("lock").len() < batches {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_lone_request_is_committed_alone_and_at_once() {
        let (group, gate, sizes) = gated(10);
        gate.add_permits(1);
        assert_eq!(group.submit(21).await.expect("committed"), 42);
        assert_eq!(*sizes.lock().expect("lock"), [1]);
    }

    #[tokio::test]
    async fn requests_during_a_commit_form_the_next_batch_of_at_most_the_limit() {
        let (group, gate, sizes) = gated(4);
        let first = tokio::spawn({
            let group = group.clone();
            async move { group.submit(1).await }
        });
        started(&sizes, 1).await;
        let later: Vec<_> = (2..=7)
            .map(|number| {
                let group = group.clone();
                tokio::spawn(async move { group.submit(number).await })
            })
            .collect();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(3);
        assert_eq!(first.await.expect("joined").expect("committed"), 2);
        for (number, task) in (2..=7).zip(later) {
            assert_eq!(task.await.expect("joined").expect("committed"), number * 2);
        }
        assert_eq!(*sizes.lock().expect("lock"), [1, 4, 2]);
    }

    #[tokio::test]
    async fn a_failure_reaches_every_request_of_its_batch_and_no_other() {
        let (group, gate, sizes) = gated(10);
        let first = tokio::spawn({
            let group = group.clone();
            async move { group.submit(1).await }
        });
        started(&sizes, 1).await;
        let failing: Vec<_> = [2, 900]
            .map(|number| {
                let group = group.clone();
                tokio::spawn(async move { group.submit(number).await })
            })
            .into_iter()
            .collect();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(3);
        assert!(first.await.expect("joined").is_ok());
        for task in failing {
            assert!(matches!(task.await.expect("joined"), Err(GroupCommitError::Commit(_))));
        }
        assert_eq!(group.submit(5).await.expect("the next batch is untouched"), 10);
    }

    #[tokio::test]
    async fn a_panic_ends_its_batch_but_not_the_group() {
        let (group, gate, _) = gated(10);
        gate.add_permits(2);
        assert!(matches!(group.submit(901).await, Err(GroupCommitError::Gone)));
        assert_eq!(group.submit(3).await.expect("still there"), 6);
    }
}

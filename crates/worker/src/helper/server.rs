//! The worker's end of one execution's socket.
//!
//! Whoever runs in the execution may send anything at any speed. So one request is handled at a time, and what takes
//! longer goes on beside it up to a number; then requests wait in the socket, and with them who sent them. An answer is
//! sent or dropped, never waited for. Descriptors are looked at with calls that cannot block, and everything that can
//! (reading a file, closing something strange) is done where blocking is allowed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use attune_artifacts::{check_name, quoted};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::calls::Calls;
use super::protocol::{self, Call, MAX_REQUEST, MAX_VALUE};
use super::system::{self, Received};

/// How many requests of one execution are worked on at once.
const MOST_AT_ONCE: usize = 8;
/// How many requests of one execution are taken in [`WINDOW`]; more of them wait.
const MOST_PER_WINDOW: u32 = 200;
const WINDOW: Duration = Duration::from_millis(100);
/// Values up to this size are read in place; larger ones where blocking is allowed.
const SMALL: usize = 16 << 10;

/// Answers the calls of one execution until nobody can call any more. Dropping the future ends it: nothing is accepted
/// afterwards, and whoever waits for an answer sees the end.
pub(crate) async fn serve(socket: OwnedFd, calls: Arc<Calls>) {
    let served = async {
        let mut server = Server {
            socket: system::watch(socket)?,
            calls: Arc::clone(&calls),
            beside: JoinSet::new(),
            window: (Instant::now(), 0),
        };
        server.run().await
    };
    if let Err(error) = served.await {
        tracing::warn!(execution.id = %calls.key().execution, error = &error as &dyn std::error::Error, "the calls of an execution can no longer be answered");
    }
}

struct Server {
    socket: AsyncFd<OwnedFd>,
    calls: Arc<Calls>,
    beside: JoinSet<()>,
    window: (Instant, u32),
}

impl Server {
    async fn run(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; MAX_REQUEST];
        loop {
            self.pace().await;
            while self.beside.try_join_next().is_some() {}
            while self.beside.len() >= MOST_AT_ONCE {
                self.beside.join_next().await;
            }
            let received = match self.calls.progress_due() {
                None => self.next(&mut buffer).await?,
                Some(due) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(due) => {
                            self.calls.say_progress().await;
                            continue;
                        }
                        received = self.next(&mut buffer) => received?,
                    }
                }
            };
            if received.is_over {
                return Ok(());
            }
            self.handle(received, &buffer).await;
        }
    }

    /// Waits when this execution asks more often than is decent.
    async fn pace(&mut self) {
        let (begun, count) = self.window;
        if begun.elapsed() >= WINDOW {
            self.window = (Instant::now(), 1);
        } else if count < MOST_PER_WINDOW {
            self.window.1 += 1;
        } else {
            tokio::time::sleep_until(begun + WINDOW).await;
            self.window = (Instant::now(), 1);
        }
    }

    async fn next(&self, buffer: &mut [u8]) -> io::Result<Received> {
        loop {
            let mut ready = self.socket.readable().await?;
            if let Ok(received) = ready.try_io(|socket| system::receive(socket.get_ref().as_fd(), buffer, false)) {
                return received;
            }
        }
    }

    async fn handle(&mut self, received: Received, buffer: &[u8]) {
        let mut descriptors = received.descriptors.into_iter();
        // Who left no way to answer is not answered, and nothing is done for him.
        let Some(reply) = descriptors.next() else { return };
        let other = descriptors.next();
        let rest: Vec<OwnedFd> = descriptors.collect();
        if !system::is_pair_end(reply.as_fd()) {
            self.dispose([Some(reply), other].into_iter().flatten().chain(rest));
            return;
        }
        let reply = Reply(reply);
        if received.is_truncated || !rest.is_empty() {
            self.dispose(other.into_iter().chain(rest));
            reply.refuse("the request is too large");
            return;
        }
        let request = protocol::read_request(buffer.get(..received.length).unwrap_or_default());
        let (call, body) = match request {
            Ok(request) => request,
            Err(why) => {
                self.dispose(other);
                reply.refuse(&why);
                return;
            }
        };
        match (call, other) {
            (Call::OutputSet { merge }, None) => reply.give(self.set_output(body.to_vec(), merge).await),
            (Call::OutputSet { merge }, Some(value)) if system::is_sealed(value.as_fd()) && body.is_empty() => {
                let result = match read_sealed(value) {
                    Ok(value) => self.set_output(value, merge).await,
                    Err(why) => Err(why),
                };
                reply.give(result);
            }
            (Call::ArtifactPut { name }, Some(file)) => self.put_artifact(name, file, reply),
            (Call::ArtifactPut { .. }, None) => reply.refuse("no file came with the request"),
            (Call::Progress { percent, message }, None) => {
                let result = self.calls.progress(percent, message.as_deref());
                self.calls.say_progress().await;
                reply.give(result);
            }
            (Call::SecretGet { name }, None) => self.get_secret(name, reply),
            (Call::Log { level, message }, None) => {
                self.calls.log(level, &message).await;
                reply.give(Ok(()));
            }
            (_, Some(other)) => {
                self.dispose([other]);
                reply.refuse("a descriptor came with the request that this call has no use for");
            }
        }
    }

    async fn set_output(&self, text: Vec<u8>, merge: bool) -> Result<(), String> {
        if text.len() <= SMALL {
            return self.calls.set_output(&text, merge);
        }
        let calls = Arc::clone(&self.calls);
        let set = tokio::task::spawn_blocking(move || calls.set_output(&text, merge));
        set.await.unwrap_or_else(|error| Err(format!("the worker failed to read the value: {error}")))
    }

    fn put_artifact(&mut self, name: String, file: OwnedFd, reply: Reply) {
        if let Err(problem) = check_name(&name) {
            self.dispose([file]);
            reply.refuse(&format!("artifact name {} {problem}", quoted(&name)));
            return;
        }
        let calls = Arc::clone(&self.calls);
        self.beside.spawn(async move {
            let taking = Arc::clone(&calls);
            let taken = tokio::task::spawn_blocking(move || taking.take_file(file)).await;
            let result = match taken.unwrap_or_else(|error| Err(format!("the worker failed to copy it: {error}"))) {
                Ok(path) => calls.store_file(&name, path).await,
                Err(why) => Err(format!("artifact {} is not taken: {why}", quoted(&name))),
            };
            reply.give(result);
        });
    }

    fn get_secret(&mut self, name: String, reply: Reply) {
        let calls = Arc::clone(&self.calls);
        self.beside.spawn(async move {
            match calls.secret(name).await {
                Ok(secret) => reply.send(Ok(secret.expose())),
                Err(why) => reply.refuse(&why),
            }
        });
    }

    /// Closes descriptors of unknown kinds, which may take as long as whoever made them likes.
    fn dispose(&mut self, descriptors: impl IntoIterator<Item = OwnedFd>) {
        let descriptors: Vec<OwnedFd> = descriptors.into_iter().collect();
        if !descriptors.is_empty() {
            self.beside.spawn_blocking(move || drop(descriptors));
        }
    }
}

/// Reads a sealed file in memory, which never waits.
fn read_sealed(file: OwnedFd) -> Result<Vec<u8>, String> {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::from(file);
    let failed = |error: io::Error| format!("the value cannot be read: {error}");
    let size = file.metadata().map_err(failed)?.len();
    let size = usize::try_from(size).ok().filter(|size| *size <= MAX_VALUE);
    let size = size.ok_or_else(|| format!("the value is larger than {MAX_VALUE} bytes"))?;
    let mut value = vec![0; size];
    file.read_exact_at(&mut value, 0).map_err(failed)?;
    Ok(value)
}

/// Where the answer to one request goes.
struct Reply(OwnedFd);

impl Reply {
    fn give(self, result: Result<(), String>) {
        match result {
            Ok(()) => self.send(Ok(b"")),
            Err(why) => self.refuse(&why),
        }
    }

    fn refuse(self, why: &str) {
        self.send(Err(why));
    }

    fn send(self, answer: Result<&[u8], &str>) {
        let mut bytes = protocol::write_answer(answer);
        // A caller that is gone, or has filled its own socket, gets no answer.
        let _unheard = system::send(self.0.as_fd(), &bytes, &[], false);
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

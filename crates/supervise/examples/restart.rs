//! An actor that panics every third message, and keeps its address: `cargo run -p attune-supervise --example restart`.

use std::{io::Write, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised, System};
use attune_supervise::{
    Backoff, ChildSpec, Generation, Life, Policy, Restart, Shutdown, Status, Strategy, TreeBuilder, install_panic_hook,
};

/// Deps (`life`) and state, as the contract of a child says.
struct Worker {
    life: Life<Self>,
    state: State,
}

#[derive(Default)]
struct State {
    handled: u32,
    beat: Generation,
    beats: u32,
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let number = self.state.beat.advance();
        ctx.notify_later(Beat(number), Duration::from_millis(20));
    }
}

impl Supervised for Worker {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.state = State::default();
    }
}

/// The timer, as a message to itself: armed anew by its handler, so that a stall is not followed by a burst.
struct Beat(u64);

impl Message for Beat {
    type Result = ();
}

impl Handler<Beat> for Worker {
    type Result = ();

    fn handle(&mut self, beat: Beat, ctx: &mut Context<Self>) {
        if self.state.beat.is_current(beat.0) {
            self.state.beats += 1;
            ctx.notify_later(Beat(self.state.beat.advance()), Duration::from_millis(20));
        }
    }
}

struct Work;

impl Message for Work {
    type Result = String;
}

impl Handler<Work> for Worker {
    type Result = String;

    fn handle(&mut self, _: Work, _: &mut Context<Self>) -> String {
        self.state.handled += 1;
        assert!(self.state.handled < 3, "the third message is always too much");
        format!("life {}, message {}, {} beats", self.life.number(), self.state.handled, self.state.beats)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    install_panic_hook();
    System::new().block_on(async {
        let mut out = std::io::stdout();
        let backoff = Backoff { min: Duration::from_millis(50), ..Backoff::default() };
        let policy = Policy { backoff, ..Policy::default() };
        let mut tree = TreeBuilder::new("example", Strategy::OneForOne, policy);
        let worker =
            tree.child(ChildSpec::new("worker", Restart::Permanent), |life| Worker { life, state: State::default() });
        let supervisor = tree.start();
        for number in 1..=8 {
            match worker.send(Work).await {
                Ok(answer) => writeln!(out, "{number}: {answer}")?,
                Err(error) => writeln!(out, "{number}: lost, {error}")?,
            }
        }
        let status = supervisor.send(Status).await?;
        writeln!(out, "{:#?}", status.children[0])?;
        let report = supervisor.send(Shutdown).await?;
        writeln!(out, "clean shutdown: {}", report.is_clean())?;
        Ok(())
    })
}

//! What another crate may add to a worker.

use std::sync::{Arc, Mutex};

use actix::{Actor, Context, Handler, Supervised};
use attune_supervise::{ChildSpec, How, Restart};
use attune_testkit::eventually;
use attune_types::{ExecutionId, Outcome, RuntimeSpec};
use attune_worker::ExecutionNotice;
use serde_json::{Map, json};

use crate::crashes::crash;
use crate::fixture::{Fixture, LONG, exited, in_system, shell};

type Seen = Arc<Mutex<Vec<(ExecutionId, Option<Outcome>)>>>;

/// Remembers what it hears.
struct Witness {
    seen: Seen,
}

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Supervised for Witness {}

impl Handler<ExecutionNotice> for Witness {
    type Result = ();

    fn handle(&mut self, notice: ExecutionNotice, _: &mut Self::Context) {
        let heard = match notice {
            ExecutionNotice::Started { execution, .. } => (execution, None),
            ExecutionNotice::Ended { execution, outcome, .. } => (execution, Some(outcome)),
            _ => return,
        };
        self.seen.lock().expect("lock").push(heard);
    }
}

#[test]
fn an_actor_of_another_crate_hears_of_every_execution_and_is_restarted_like_the_rest() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let seen = Seen::default();
        let witness = Arc::clone(&seen);
        let builder = fixture.builder(fixture.settings()).fault_injection(true).actor(move |tree, ports| {
            let address = tree.child(ChildSpec::new("witness", Restart::Permanent), move |_| Witness { seen: witness });
            ports.observe(address.recipient());
        });
        let worker = builder.start().await.expect("the worker starts");
        let mut expected = Vec::new();
        for code in 0..3 {
            let id = fixture.run(&worker, &format!("exit {code}")).await;
            fixture.ended(id).await;
            expected.extend([(id, None), (id, exited(code))]);
            eventually("the witness to hear of it", LONG, || async {
                (*seen.lock().expect("lock") == expected).then_some(())
            })
            .await;
            crash(&worker, "witness", How::PanicInTimer).await;
        }
        fixture.stop(&worker).await;
    });
}

#[test]
fn a_runtime_of_another_crate_runs_like_those_of_packs() {
    in_system(async {
        let fixture = Fixture::embedded().await;
        let mut settings = fixture.settings();
        settings.runtimes = None;
        let runtime: RuntimeSpec = serde_json::from_value(json!({
            "ref": "example.upper", "name": "upper",
            "execution_config": {"arguments": ["-c", "tr a-z A-Z < \"$0\""]},
            "detection": {"binaries": ["sh"]},
        }))
        .expect("a runtime");
        let worker = fixture.builder(settings).runtime(runtime).start().await.expect("the worker starts");
        assert!(worker.capabilities().runtimes.contains(&"upper".to_owned()));
        let mut spec = shell("shout");
        spec.requirement.runtime = "upper".into();
        let id = fixture.run_spec(&worker, spec, Map::new()).await;
        assert_eq!(fixture.ended(id).await.outcome, exited(0));
        assert_eq!(fixture.output(id, attune_types::LogStream::Stdout).await, "SHOUT");
        fixture.stop(&worker).await;
    });
}

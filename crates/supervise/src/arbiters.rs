//! The threads a tree owns.

use std::{collections::BTreeMap, sync::Arc};

use actix_rt::{Arbiter, ArbiterHandle};
use tokio::runtime::Runtime;

/// The arbiters a tree owns, by name. They stop with it.
#[derive(Default)]
pub(crate) struct Arbiters {
    runtime: Option<Arc<Runtime>>,
    by_name: BTreeMap<&'static str, Arbiter>,
}

impl Arbiters {
    /// Makes later arbiters share this runtime: one reactor for all sockets, timers and children, outliving every arbiter.
    pub(crate) fn share(&mut self, runtime: Arc<Runtime>) {
        self.runtime = Some(runtime);
    }

    /// Returns the arbiter with this name, starting its thread when it is new.
    pub(crate) fn get(&mut self, name: &'static str) -> ArbiterHandle {
        let runtime = self.runtime.clone();
        let start = || match runtime {
            Some(runtime) => Arbiter::with_tokio_rt(move || runtime),
            None => Arbiter::new(),
        };
        self.by_name.entry(name).or_insert_with(start).handle()
    }

    /// Stops all arbiters and waits for their threads. Only for arbiters whose children are all down: a blocked thread never ends.
    pub(crate) async fn stop_and_join(&mut self) {
        for (_, arbiter) in std::mem::take(&mut self.by_name) {
            arbiter.stop();
            // A thread that panicked has been logged by the hook.
            let _ = tokio::task::spawn_blocking(move || arbiter.join()).await;
        }
    }
}

impl Drop for Arbiters {
    fn drop(&mut self) {
        for arbiter in self.by_name.values() {
            arbiter.stop();
        }
    }
}

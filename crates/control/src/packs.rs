//! Follows the folders of packs: what changes there is stored, so that requests are checked against what lies there now.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use attune_pack::Shelf;
use attune_store::{Store, StoreError};
use attune_supervise::Life;

use crate::api::contents_of;
use crate::offload::offload;
use crate::trouble::{Trouble, chain};

/// How often the folders are looked at. A look is one `stat` per declaration.
const EVERY: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Look;

impl Message for Look {
    type Result = ();
}

/// What it needs; survives its restarts.
#[derive(Clone)]
pub(crate) struct PacksDeps {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) shelf: Arc<Shelf>,
}

/// The actor.
///
/// A pack whose folder is gone stays in the store: executions of it may be running elsewhere, and `DELETE` is a word of its
/// own.
pub(crate) struct Packs {
    deps: PacksDeps,
    life: Life<Self>,
    trouble: Trouble,
    /// Packs that are read and not yet stored. After a crash everything is stored again, which changes nothing.
    waiting: Vec<String>,
}

impl Packs {
    pub(crate) fn new(deps: PacksDeps, life: Life<Self>) -> Self {
        Self { deps, life, trouble: Trouble::default(), waiting: Vec::new() }
    }
}

/// Reads what changed and stores it together with what could not be stored before. What is still to be stored, and why.
async fn follow(deps: PacksDeps, mut waiting: Vec<String>) -> (Vec<String>, Result<(), StoreError>) {
    let shelf = Arc::clone(&deps.shelf);
    let change = tokio::task::spawn_blocking(move || shelf.refresh()).await.ok().flatten();
    if let Some(change) = change {
        for broken in &change.broken {
            tracing::warn!(error = %chain(broken), "a pack cannot be used as it is now");
        }
        waiting.extend(change.changed.into_iter().filter(|name| !waiting.contains(name)).collect::<Vec<_>>());
    }
    let library = deps.shelf.library();
    while let Some(name) = waiting.pop() {
        let Some(pack) = library.pack(&name) else { continue };
        if let Err(error) = deps.store.put_pack(&contents_of(pack)).await {
            waiting.push(name);
            return (waiting, Err(error));
        }
        tracing::info!(pack.name = %name, pack.version = %pack.spec.version, "pack changed");
    }
    (waiting, Ok(()))
}

impl Actor for Packs {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if self.life.number() > 0 {
            self.waiting = self.deps.shelf.library().packs().map(|pack| pack.spec.pack_ref.clone()).collect();
        }
        context.notify_later(Look, EVERY);
    }
}

impl Supervised for Packs {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.trouble = Trouble::default();
        self.waiting = Vec::new();
    }
}

impl Handler<Look> for Packs {
    type Result = ();

    fn handle(&mut self, _: Look, context: &mut Self::Context) {
        let following = offload(follow(self.deps.clone(), std::mem::take(&mut self.waiting)));
        context.spawn(following.into_actor(self).map(|(waiting, result), actor, context| {
            actor.waiting = waiting;
            actor.trouble.note("storing a changed pack", result);
            context.notify_later(Look, EVERY);
        }));
    }
}

//! One program with its links.

use std::path::PathBuf;

use attune_testkit::proxy::{Conduct, Link};

use crate::keeper::{Keeper, Recipe};

/// A server or a worker, and the links through which it reaches everything and everything reaches it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) keeper: Keeper,
    /// To the database; none when that is embedded.
    pub(crate) database: Option<Link>,
    /// To the broker.
    pub(crate) broker: Option<Link>,
    /// From clients to its API.
    pub(crate) api: Option<Link>,
    /// Where it keeps what must outlive it.
    pub(crate) state: PathBuf,
}

impl Host {
    /// How its program is started.
    pub(crate) fn keeper_recipe(&self) -> Recipe {
        self.keeper.recipe_now()
    }

    /// All of its links.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Link> {
        [&self.database, &self.broker, &self.api].into_iter().flatten()
    }

    /// Treats all of its links alike.
    pub(crate) fn conduct(&self, conduct: Conduct) {
        self.links().for_each(|link| link.conduct(conduct));
    }

    /// Heals all of its links.
    pub(crate) fn heal(&self) {
        self.links().for_each(Link::heal);
    }
}

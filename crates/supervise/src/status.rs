//! What a tree says about itself.

use actix::Message;
use serde::{Deserialize, Serialize};

use crate::{Exit, Restart, Strategy};

/// Asks the [`Supervisor`](crate::Supervisor) for a picture of its tree. Never waits for a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status;

impl Message for Status {
    type Result = TreeStatus;
}

/// A picture of a tree at one moment. All times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeStatus {
    /// The name of the tree.
    pub name: String,
    /// Which siblings share the fate of a failed child.
    pub strategy: Strategy,
    /// How long the tree has been up.
    pub uptime_ms: u64,
    /// The children in the order they start.
    pub children: Vec<ChildStatus>,
    /// The groups of temporary children.
    pub groups: Vec<GroupStatus>,
}

impl TreeStatus {
    /// Finds a child of the tree by its name.
    pub fn child(&self, name: &str) -> Option<&ChildStatus> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// One child in a [`TreeStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildStatus {
    /// Its name.
    pub name: String,
    /// Its restart kind.
    pub restart: Restart,
    /// What it is doing.
    pub state: ChildState,
    /// How long the present life has lasted; absent when it is not alive.
    pub uptime_ms: Option<u64>,
    /// How many lives it began after the first.
    pub restarts: u64,
    /// How its last life ended.
    pub last_exit: Option<Exit>,
    /// The message of its last panic.
    pub last_panic: Option<String>,
    /// The age of its mailbox: how long ago it last answered a probe, or started, whichever is later. Absent when it is not alive.
    pub mailbox_age_ms: Option<u64>,
}

/// What a child is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildState {
    /// Declared, its first life has not begun.
    Starting,
    /// Alive.
    Running,
    /// Its life ended and it waits for the next.
    BackingOff,
    /// Told to stop, not down yet.
    Stopping,
    /// Down for good.
    Ended,
    /// Its thread does not answer, so it could not be stopped.
    Lost,
}

/// A group of temporary children in a [`TreeStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The name of the group.
    pub name: String,
    /// How many were ever spawned.
    pub spawned: u64,
    /// How many of them panicked.
    pub panicked: u64,
    /// Those alive now, oldest first.
    pub children: Vec<ChildStatus>,
}

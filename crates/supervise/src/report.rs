//! Who is told about the ends of a child.

use tokio::sync::mpsc;

use crate::{Exit, event::Event};

/// Who is told about the ends of a child.
pub(crate) enum Report {
    /// The brain of a tree, after every life.
    Tree { position: usize, events: mpsc::UnboundedSender<Event> },
    /// Whoever spawned a temporary child, once.
    Once(Option<Box<dyn FnOnce(Exit)>>),
}

impl Report {
    /// Tells that a life ended and that the task waits for a verdict.
    pub(crate) fn ended(&mut self, life: u64, exit: Exit) {
        if let Self::Tree { position, events } = self {
            // Without a brain the orders end too, and the task with them.
            let _ = events.send(Event::Ended { position: *position, life, exit });
        }
    }

    /// Tells that there will be no other life.
    pub(crate) fn finished(&mut self, exit: Exit) {
        if let Self::Once(tell) = self
            && let Some(tell) = tell.take()
        {
            tell(exit);
        }
    }
}

impl Drop for Report {
    /// An arbiter that goes away takes its tasks with it; whoever waits for a temporary child must still hear of its end.
    fn drop(&mut self) {
        self.finished(Exit::Shutdown);
    }
}

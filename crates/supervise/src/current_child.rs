//! Which child the present thread is running.

use std::{cell::RefCell, sync::Arc};

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Names the child that runs on this thread until it is dropped, so that the panic hook can say whose panic it is.
pub(crate) struct CurrentChild {
    outer: Option<Arc<str>>,
}

impl CurrentChild {
    pub(crate) fn enter(name: Arc<str>) -> Self {
        let outer = CURRENT.try_with(|current| current.replace(Some(name))).ok().flatten();
        Self { outer }
    }

    /// Returns the name; `None` outside of any child and while the thread is being torn down.
    pub(crate) fn name() -> Option<Arc<str>> {
        CURRENT.try_with(|current| current.try_borrow().ok().and_then(|name| name.clone())).ok().flatten()
    }
}

impl Drop for CurrentChild {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let _ = CURRENT.try_with(|current| current.replace(outer));
    }
}

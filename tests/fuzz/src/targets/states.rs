//! The life of one attempt under any events.

use attune_types::Outcome;
use attune_worker::protocol::{Effect, EndedChild, Event, State, Stop, StopCause};

use crate::input::Input;

/// It is reported at most once, and nothing follows the report.
pub(super) fn attempt(data: &[u8]) {
    let mut input = Input(data);
    let mut state = State::Preparing { held: input.byte() & 1 == 1 };
    let mut is_reported = false;
    while !input.is_empty() {
        let failure = || Outcome::InterpreterMissing { name: "r".to_owned() };
        let event = match input.byte() % 8 {
            0 => Event::Prepared(Ok(())),
            1 => Event::Prepared(Err(failure())),
            2 => Event::Opened(true),
            3 => Event::Opened(false),
            4 => Event::Started,
            5 => Event::Ended(EndedChild::NotStarted(failure())),
            byte => Event::Stop(Stop { cause: StopCause::Cancelled { by: "ada".to_owned() }, kill: byte == 7 }),
        };
        let (next, effects) = state.step(event);
        state = next;
        for effect in effects {
            assert!(!is_reported, "{effect:?} follows the report");
            is_reported = matches!(effect, Effect::Complete(_) | Effect::HandBack { .. } | Effect::Leave);
        }
    }
}

//! Secrets kept out of what is written down: streaming redaction.
//!
//! # Theory of operation
//!
//! Of every value that an execution was given, [`Needles`] derives the forms in which it may appear: as it is, the lines
//! and JSON leaves of it, and each of those in the encodings that programs commonly print ([`Encoding`]). A [`Redactor`]
//! takes a stream in pieces of any size and hands on the same stream with every needle replaced by `***`.
//!
//! * **Independent of chunking.** All occurrences of all needles are found, overlapping ones too; what they cover together
//!   is masked, and what is masked without a gap is one `***`. That is a property of the whole stream, so it does not
//!   matter how the stream was cut.
//! * **As little as possible is held back**: the shortest end of the stream that is the beginning of a needle. A line
//!   that is finished is nearly never held back, since no needle begins with a line end. [`Redactor::pause`] lets go of
//!   one or two bytes when nothing follows for a while.
//! * **Bounded.** A needle has at least [`Needles::SHORTEST`] and at most [`Needles::LONGEST`] bytes; a longer value is
//!   looked for piece by piece. So no more than that is ever held back, and time is linear in the length of the stream.
//! * **Nothing costs nothing.** Without needles bytes pass as they are.
//! * **What was found is known**: which secret, in which encoding, how often, and in which line first ([`Leak`]).
//!
//! Search is that of Wu and Manber: a table of the hashes of four bytes says how far the window may be moved on, up to
//! five bytes at a time, and where it may not be moved the eight bytes of the window are looked up. It needs one table of
//! 64 KiB however many needles there are. The Aho-Corasick automaton needs a table of megabytes for a hundred values in a
//! dozen encodings, and waits for memory instead.
//!
//! Redaction is a net and not a wall: a program that wants to print a secret can, by reversing or splitting it, or in any
//! encoding that is not in the list.

mod encoding;
mod escapes;
mod leak;
mod needles;
mod redactor;
mod search;
mod shield;
#[cfg(test)]
mod tests;
mod text;
mod variants;

pub use encoding::Encoding;
pub use leak::Leak;
pub use needles::Needles;
pub use redactor::Redactor;
pub use shield::{Shield, ShieldGuard, Shielded};

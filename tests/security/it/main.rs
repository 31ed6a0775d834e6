//! The list of attacks is whole, and those that are tried here.

mod canary;
mod inside;
mod list;
mod slow;

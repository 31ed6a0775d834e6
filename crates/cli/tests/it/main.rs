//! The real program, run as people run it.

mod attacks;
mod demo;
mod dev;
mod environment;
mod fixture;
mod helper;
mod pack;
mod recovery;
mod remote;
mod run;
mod signals;
mod story;

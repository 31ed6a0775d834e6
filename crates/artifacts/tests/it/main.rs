//! What is taken of a hostile directory, and where it is kept.
mod harvesting;
mod places;

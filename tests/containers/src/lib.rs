//! The agent in real containers of a real engine.

//! HTTP API, scheduler, relay and reaper

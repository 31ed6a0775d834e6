//! The protocol without its machines: the same decisions, a modelled world.

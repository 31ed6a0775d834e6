//! Placement by table and by property.

//! Pack, action and runtime YAML: parse, validate, template

//! Writes parameters for delivery. Data never becomes code: values are quoted for their format and nothing else.

use attune_types::ParameterFormat;
use serde_json::{Map, Value};

/// The most bytes that fit into one environment string (`MAX_ARG_STRLEN`, execve(2): 32 pages).
pub const MOST_ENVIRONMENT_BYTES: usize = 128 * 1024;

/// Why parameters cannot be delivered as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The kernel takes no environment string this long.
    #[error(
        "parameter {name:?} has {bytes} bytes; an environment variable holds at most {MOST_ENVIRONMENT_BYTES}: use `parameter_delivery: stdin` or `file`"
    )]
    TooLongForEnvironment {
        /// The parameter.
        name: String,
        /// Its length as text.
        bytes: usize,
    },
    /// The kernel ends strings at a NUL byte.
    #[error(
        "parameter {name:?} holds a NUL byte, which cannot stand in an environment variable: use `parameter_delivery: stdin` or `file`"
    )]
    HoldsNul {
        /// The parameter.
        name: String,
    },
    /// The format cannot say it.
    #[error("parameters cannot be written as {format}: {reason}")]
    Format {
        /// The format.
        format: &'static str,
        /// Why.
        reason: String,
    },
}

/// The parameters as one document.
///
/// # Errors
/// When the format cannot hold them.
pub fn render(format: ParameterFormat, parameters: &Map<String, Value>) -> Result<Vec<u8>, RenderError> {
    match format {
        ParameterFormat::Json => serde_json::to_vec(parameters)
            .map_err(|error| RenderError::Format { format: "json", reason: error.to_string() }),
        ParameterFormat::Yaml => serde_saphyr::to_string(parameters)
            .map(String::into_bytes)
            .map_err(|error| RenderError::Format { format: "yaml", reason: error.to_string() }),
        ParameterFormat::Dotenv => {
            let mut text = String::new();
            for (name, value) in environment(parameters)? {
                // Inside single quotes a shell changes nothing; a quote itself is written outside of them.
                text.push_str(&format!("{name}='{}'\n", value.replace('\'', "'\\''")));
            }
            Ok(text.into_bytes())
        }
    }
}

/// The parameters as environment variables `ATTUNE_PARAM_<NAME>`: texts as they are, everything else as JSON.
///
/// # Errors
/// When a value is too long for the kernel or holds a NUL byte.
pub fn environment(parameters: &Map<String, Value>) -> Result<Vec<(String, String)>, RenderError> {
    parameters
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let variable = variable_name(name);
            if text.contains('\0') {
                return Err(RenderError::HoldsNul { name: name.clone() });
            }
            if variable.len() + text.len() + 2 > MOST_ENVIRONMENT_BYTES {
                return Err(RenderError::TooLongForEnvironment { name: name.clone(), bytes: text.len() });
            }
            Ok((variable, text))
        })
        .collect()
}

/// `ATTUNE_PARAM_<NAME>`; what cannot stand in a variable's name becomes `_`.
pub(crate) fn variable_name(parameter: &str) -> String {
    let upper = parameter.to_uppercase();
    let name: String =
        upper.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect();
    format!("ATTUNE_PARAM_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("not an object: {other}"),
        }
    }

    #[test]
    fn values_that_look_like_code_stay_data() {
        let parameters = map(json!({"a": "'; rm -rf / #", "b-c": [1, "$(id)"]}));
        let text = String::from_utf8(render(ParameterFormat::Dotenv, &parameters).expect("rendered")).expect("text");
        assert_eq!(text, "ATTUNE_PARAM_A=''\\''; rm -rf / #'\nATTUNE_PARAM_B_C='[1,\"$(id)\"]'\n");
        let json = render(ParameterFormat::Json, &parameters).expect("rendered");
        assert_eq!(serde_json::from_slice::<Value>(&json).expect("json"), Value::Object(parameters));
    }

    #[test]
    fn yaml_reads_back_as_the_same_values() {
        let parameters = map(json!({"a": "no", "b": "1", "c": 1, "d": null, "e": ["x: y", "- z"], "f": "two\nlines"}));
        let yaml = String::from_utf8(render(ParameterFormat::Yaml, &parameters).expect("rendered")).expect("text");
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).expect(&yaml), Value::Object(parameters));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e15..1e15).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ \\t\\n:#'\"\\\\{}\\[\\],&*!|>%@`~=<0-9eE.+_-]{0,12}".prop_map(Value::from),
            "(yes|no|on|off|true|null|NaN|[.]inf|0x1F|0o7|1_000|<<|---|[.]{3}|2026-11-21)".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_parameters_read_back_as_they_were(value in any_value()) {
            let parameters = map(json!({"value": value}));
            for format in [ParameterFormat::Json, ParameterFormat::Yaml] {
                let text = String::from_utf8(render(format, &parameters).expect("rendered")).expect("text");
                let read: Value = match format {
                    ParameterFormat::Json => serde_json::from_str(&text).expect("json"),
                    _ => serde_saphyr::from_str(&text).expect(&text),
                };
                prop_assert_eq!(read, Value::Object(parameters.clone()), "{}", text);
            }
        }
    }

    #[test]
    fn what_the_kernel_cannot_take_is_refused() {
        let long = map(json!({"x": "a".repeat(MOST_ENVIRONMENT_BYTES)}));
        assert!(matches!(environment(&long), Err(RenderError::TooLongForEnvironment { .. })));
        assert!(matches!(environment(&map(json!({"x": "a\0b"}))), Err(RenderError::HoldsNul { .. })));
    }
}

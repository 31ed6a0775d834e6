//! Writes parameters for delivery. Data never becomes code: values are quoted for their format and nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use attune_types::{ParameterDelivery, ParameterFormat};
use serde_json::{Map, Value};

use crate::yaml_text;

/// The most bytes that fit into one environment string (`MAX_ARG_STRLEN`, execve(2): 32 pages).
pub const MOST_ENVIRONMENT_BYTES: usize = 128 * 1024;
/// The most bytes that all parameters may take of the environment. The kernel gives a quarter of the stack limit, usually
/// 2 MiB, to arguments and environment together; the rest is for the other variables.
pub const MOST_ENVIRONMENT_TOGETHER: usize = 1024 * 1024;

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
    /// The kernel takes no environment this large.
    #[error(
        "the parameters have {bytes} bytes together, the most of them in {name:?}; the environment holds at most {MOST_ENVIRONMENT_TOGETHER}: use `parameter_delivery: stdin` or `file`"
    )]
    TooLongTogether {
        /// The longest parameter.
        name: String,
        /// The length of all as environment strings.
        bytes: usize,
    },
    /// The kernel and every shell end strings at a NUL byte.
    #[error("parameter {name:?} holds a NUL byte, which {place} cannot hold: use {instead}")]
    HoldsNul {
        /// The parameter.
        name: String,
        /// What cannot hold it.
        place: &'static str,
        /// What can.
        instead: &'static str,
    },
    /// Two parameters would be one variable.
    #[error("parameters {first:?} and {second:?} would both be {variable}: rename one of them")]
    SameVariable {
        /// One.
        first: String,
        /// The other.
        second: String,
        /// What both become.
        variable: String,
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

impl RenderError {
    /// The parameter that is to blame, where it is one.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::TooLongForEnvironment { name, .. }
            | Self::TooLongTogether { name, .. }
            | Self::HoldsNul { name, .. } => Some(name),
            Self::SameVariable { second, .. } => Some(second),
            Self::Format { .. } => None,
        }
    }
}

/// The parameters as one document, for standard input or a file.
///
/// JSON and YAML hold every value, a NUL character as an escape. A dotenv document holds `ATTUNE_PARAM_<NAME>='text'`
/// lines, texts as they are and everything else as JSON; a shell that reads it (`. "$ATTUNE_PARAMETERS_FILE"`) gets
/// exactly these values and runs nothing.
///
/// # Errors
/// When the format cannot hold them.
pub fn render(format: ParameterFormat, parameters: &Map<String, Value>) -> Result<Vec<u8>, RenderError> {
    match format {
        ParameterFormat::Json => serde_json::to_vec(parameters)
            .map_err(|error| RenderError::Format { format: "json", reason: error.to_string() }),
        ParameterFormat::Yaml => Ok(yaml_text::document(parameters).into_bytes()),
        ParameterFormat::Dotenv => {
            let mut text = String::new();
            for Variable { name, value, .. } in variables(parameters, "a shell", "`parameter_format: json`")? {
                text.push_str(&name);
                // Inside single quotes a shell changes nothing; a quote itself is written outside of them.
                text.push_str("='");
                text.push_str(&value.replace('\'', "'\\''"));
                text.push_str("'\n");
            }
            Ok(text.into_bytes())
        }
    }
}

/// The parameters as environment variables `ATTUNE_PARAM_<NAME>`: texts as they are, everything else as JSON (which is
/// YAML too), whatever the format.
///
/// # Errors
/// When a value is too long for the kernel or holds a NUL byte, or two parameters would be one variable.
pub fn environment(parameters: &Map<String, Value>) -> Result<Vec<(String, String)>, RenderError> {
    let variables = variables(parameters, "an environment variable", "`parameter_delivery: stdin` or `file`")?;
    let mut together = 0_usize;
    for Variable { parameter, name, value } in &variables {
        // The name, `=`, the value, a NUL.
        let length = name.len() + value.len() + 2;
        if length > MOST_ENVIRONMENT_BYTES {
            return Err(RenderError::TooLongForEnvironment { name: (*parameter).to_owned(), bytes: value.len() });
        }
        // And a pointer to it.
        together += length + size_of::<usize>();
    }
    if together > MOST_ENVIRONMENT_TOGETHER {
        let longest = variables.iter().max_by_key(|variable| variable.value.len());
        let name = longest.map(|variable| variable.parameter.to_owned()).unwrap_or_default();
        return Err(RenderError::TooLongTogether { name, bytes: together });
    }
    Ok(variables.into_iter().map(|variable| (variable.name, variable.value.into_owned())).collect())
}

/// What of these parameters cannot be delivered as an action asks. Those in `secret` never stand in the environment:
/// they take the way of standard input.
///
/// # Errors
/// As [`render()`] and [`environment`].
pub fn check_delivery(
    delivery: ParameterDelivery,
    format: ParameterFormat,
    parameters: &Map<String, Value>,
    is_secret: impl Fn(&str) -> bool,
) -> Result<(), RenderError> {
    let lines =
        |parameters: &Map<String, Value>| variables(parameters, "a shell", "`parameter_format: json`").map(|_| ());
    match (delivery, format) {
        (ParameterDelivery::Env, _) => {
            let (secret, open): (Map<String, Value>, Map<String, Value>) =
                parameters.clone().into_iter().partition(|(name, _)| is_secret(name));
            environment(&open)?;
            if format == ParameterFormat::Dotenv { lines(&secret) } else { Ok(()) }
        }
        (_, ParameterFormat::Dotenv) => lines(parameters),
        // These hold every value there is.
        (_, ParameterFormat::Json | ParameterFormat::Yaml) => Ok(()),
    }
}

struct Variable<'a> {
    parameter: &'a str,
    name: String,
    value: Cow<'a, str>,
}

fn variables<'a>(
    parameters: &'a Map<String, Value>,
    place: &'static str,
    instead: &'static str,
) -> Result<Vec<Variable<'a>>, RenderError> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut variables = Vec::with_capacity(parameters.len());
    for (parameter, value) in parameters {
        let value = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        if value.contains('\0') {
            return Err(RenderError::HoldsNul { name: parameter.clone(), place, instead });
        }
        let name = variable_name(parameter);
        if let Some(first) = taken.insert(name.clone(), parameter) {
            let (first, second) = (first.to_owned(), parameter.clone());
            return Err(RenderError::SameVariable { first, second, variable: name });
        }
        variables.push(Variable { parameter, name, value });
    }
    Ok(variables)
}

/// `ATTUNE_PARAM_<NAME>`: letters as capitals, and `_` for everything that cannot stand in a variable's name.
pub(crate) fn variable_name(parameter: &str) -> String {
    let name: String = parameter
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' })
        .collect();
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
        let longest = map(json!({"x": "a".repeat(MOST_ENVIRONMENT_BYTES - "ATTUNE_PARAM_X=".len() - 1)}));
        assert_eq!(environment(&longest).expect("fits").len(), 1);
        let many: Map<String, Value> = (0..20).map(|n| (format!("p{n}"), Value::from("a".repeat(100_000)))).collect();
        let refused = environment(&many).expect_err("too much together");
        assert!(matches!(refused, RenderError::TooLongTogether { .. }), "{refused}");
        for text in [long, many].map(|parameters| environment(&parameters).expect_err("refused").to_string()) {
            assert!(text.contains("parameter_delivery: stdin"), "{text}");
        }
        let nul = map(json!({"x": "a\0b"}));
        assert_eq!(
            environment(&nul).expect_err("refused").to_string(),
            "parameter \"x\" holds a NUL byte, which an environment variable cannot hold: use `parameter_delivery: stdin` or `file`"
        );
        assert!(matches!(render(ParameterFormat::Dotenv, &nul), Err(RenderError::HoldsNul { place: "a shell", .. })));
        assert_eq!(render(ParameterFormat::Json, &nul).expect("held"), br#"{"x":"a\u0000b"}"#);
        assert_eq!(render(ParameterFormat::Yaml, &nul).expect("held"), b"x: \"a\\x00b\"\n");
    }

    #[test]
    fn a_document_has_no_limit_of_the_kernel() {
        let parameters = map(json!({"x": "'".repeat(1 << 20)}));
        let text = render(ParameterFormat::Dotenv, &parameters).expect("rendered");
        assert_eq!(text.len(), "ATTUNE_PARAM_X=''\n".len() + 4 * (1 << 20));
    }

    #[test]
    fn two_parameters_never_become_one_variable() {
        for (first, second) in [("a-b", "a_b"), ("name", "NAME"), ("\u{e9}", "\u{e8}")] {
            let parameters = map(json!({first: 1, second: 2}));
            assert!(matches!(environment(&parameters), Err(RenderError::SameVariable { .. })), "{first} {second}");
            assert!(render(ParameterFormat::Dotenv, &parameters).is_err());
            assert!(render(ParameterFormat::Json, &parameters).is_ok());
        }
    }
}

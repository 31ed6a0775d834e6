//! The routes and the document that describes them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access::Access;
use super::openapi::DOCUMENT;
use super::routes::endpoints;

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("the document is JSON")
}

/// A path as the document has it: without the pattern of a parameter that may have slashes.
fn described_as(path: &str) -> String {
    path.replace(":.*}", "}")
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    let document = document();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let served: BTreeSet<String> =
        endpoints().iter().map(|endpoint| format!("{} {}", endpoint.method, described_as(endpoint.path))).collect();
    assert_eq!(described, served);
}

#[test]
fn the_document_says_which_scope_each_route_asks_for() {
    let document = document();
    for endpoint in endpoints() {
        let operation = &document["paths"][described_as(endpoint.path)][endpoint.method.as_str().to_lowercase()];
        let route = format!("{} {}", endpoint.method, endpoint.path);
        match endpoint.access {
            Access::Open => assert_eq!(operation["security"], json!([]), "{route}"),
            Access::Needs(scope, _) => {
                assert_eq!(operation["security"], json!([{"token": [scope.as_str()]}]), "{route}");
            }
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                map.values().for_each(|value| walk(value, document));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    walk(&document(), &document());
}

/// The server takes `null` for left out, and so says the document.
#[test]
fn what_may_be_left_out_of_a_request_may_be_null() {
    let document = document();
    let mut fields = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let schema = &methods["post"]["requestBody"]["content"]["application/json"]["schema"];
        let schema = match schema["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("it leads somewhere"),
            None => schema,
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.contains(&json!(name));
            let takes_null = field["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
            assert_ne!(is_required, takes_null, "{path}: {name}");
            assert!(field["enum"].is_null() || field["enum"].as_array().is_some_and(|all| all.contains(&json!(null))));
            fields += 1;
        }
    }
    assert!(fields > 10);
}

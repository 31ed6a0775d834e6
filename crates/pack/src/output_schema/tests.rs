//! What a result is told, and the same judgement as the larger validator's on whatever comes.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{check_result, problem};

#[test]
fn a_result_is_checked_with_its_position() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    assert_eq!(check_result(&schema, &json!({"n": 1})), Ok(()));
    assert_eq!(check_result(&schema, &json!({"n": "x"})), Err("/n: \"x\" is not of type \"integer\"".to_owned()));
    assert_eq!(check_result(&schema, &json!({})), Err("the result: \"n\" is a required property".to_owned()));
    let rows = json!({"properties": {"a/b~": {"items": {"enum": [1, "two"]}}}});
    assert_eq!(
        check_result(&rows, &json!({"a/b~": [1, "two", 3]})),
        Err("/a~1b~0/2: 3 is not one of [1,\"two\"]".to_owned())
    );
    let closed = json!({"properties": {"a": {}}, "additionalProperties": false});
    assert_eq!(
        check_result(&closed, &json!({"a": 1, "b": 2})),
        Err("the result: Additional properties are not allowed (\"b\" was unexpected)".to_owned())
    );
}

#[test]
fn a_message_about_a_large_value_stays_short() {
    let long = json!("x".repeat(100_000));
    for schema in [
        json!({"maxLength": 5}),
        json!({"pattern": "^y"}),
        json!({"type": "integer"}),
        json!({"const": 1}),
        json!({"anyOf": [{"type": "null"}, {"minLength": 1_000_000}]}),
        json!({"not": {"type": "string"}}),
        json!(false),
    ] {
        let message = check_result(&schema, &long).expect_err("refused");
        assert!(message.len() < 400, "{}", message.len());
    }
    let names: Map<String, Value> = (0..10_000).map(|number| (format!("name{number}"), json!(1))).collect();
    let message = check_result(&json!({"additionalProperties": false}), &Value::Object(names)).expect_err("refused");
    assert!(message.len() < 400 && message.contains("and others"), "{message}");
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    for (schema, words) in [
        (json!({"type": "strnig"}), "/type: \"strnig\" cannot stand here"),
        (json!({"properties": {"a": {"minimum": "1"}}}), "/properties/a/minimum: \"1\" cannot stand here"),
        (json!({"properties": {"a": 5}}), "/properties/a: a schema is an object, true or false"),
        (json!({"items": [{}]}), "/items: a list of schemas is called prefixItems since 2020-12"),
        (json!({"required": "n"}), "/required: \"n\" cannot stand here"),
        (json!({"$ref": "#/$defs/a"}), "/$ref: \"#/$defs/a\" leads nowhere in this schema"),
        (json!({"$ref": "#/x", "x": {"type": 1}}), "/$ref/type: 1 cannot stand here"),
        (json!({"pattern": "a("}), "/pattern: the pattern \"a(\" cannot be used: unclosed group"),
        (json!([]), ": a schema is an object, true or false"),
    ] {
        assert_eq!(problem(&schema).as_deref(), Some(words), "{schema}");
        assert_eq!(check_result(&schema, &json!(1)), Err(format!("output_schema: {words}")));
    }
}

#[test]
fn what_is_not_known_here_is_refused_and_never_passed_over() {
    let draft = |name: &str, keyword: &str, value: Value| json!({"$schema": name, keyword: value});
    for (schema, words) in [
        (json!({"$dynamicRef": "#a"}), "not supported"),
        (json!({"items": {"$recursiveRef": "#"}}), "not supported"),
        (json!({"pattern": "^(?!x)"}), "look-around"),
        (json!({"patternProperties": {"(a)\\1": {}}}), "backreferences"),
        (json!({"$ref": "https://example.org/schema.json"}), "nothing is fetched"),
        (json!({"$ref": "file:///etc/passwd"}), "nothing is fetched"),
        (json!({"properties": {"a": {"$id": "https://example.org/a"}}}), "only the whole schema"),
        (draft("https://example.org/mine", "type", json!("null")), "none of draft"),
        (draft("http://json-schema.org/draft-07/schema#", "format", json!("email")), "not checked"),
        (draft("http://json-schema.org/draft-07/schema#", "unevaluatedProperties", json!(false)), "means nothing"),
        (draft("https://json-schema.org/draft/2019-09/schema", "prefixItems", json!([true])), "means nothing"),
    ] {
        let told = problem(&schema);
        assert!(told.as_deref().is_some_and(|told| told.contains(words)), "{schema}: {told:?}");
    }
    // What only describes, and what is in no draft, means nothing, as before.
    let described = json!({"title": "t", "format": "email", "x-mine": 1, "secret": true, "contentEncoding": "base64"});
    assert_eq!(check_result(&described, &json!("x")), Ok(()));
}

#[test]
fn references_lead_within_the_schema() {
    let tree = json!({
        "$id": "https://example.org/tree", "type": "object", "required": ["name"],
        "properties": {
            "name": {"$ref": "#name"}, "kind": {"$ref": "https://example.org/tree#/$defs/a%20kind"},
            "children": {"type": "array", "items": {"$ref": "#"}},
        },
        "$defs": {"a kind": {"enum": ["x", "y"]}, "n": {"$anchor": "name", "type": "string"}},
    });
    assert_eq!(problem(&tree), None);
    assert_eq!(check_result(&tree, &json!({"name": "a", "kind": "x", "children": [{"name": "b"}]})), Ok(()));
    let wrong = json!({"name": "a", "children": [{"name": "b", "children": [{"name": 5}]}]});
    assert_eq!(check_result(&tree, &wrong), Err("/children/0/children/0/name: 5 is not of type \"string\"".to_owned()));
}

#[test]
fn a_schema_without_an_end_is_no_end_of_the_worker() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"not": {"$ref": "#"}}),
        json!({"anyOf": [{"$ref": "#/$defs/a"}, true], "$defs": {"a": {"allOf": [{"$ref": "#"}]}}}),
    ] {
        let told = check_result(&schema, &json!(1)).expect_err("cannot be judged");
        assert!(told.contains("without end"), "{schema}: {told}");
    }
    let chain: Map<String, Value> =
        (0..10_000).map(|number| (format!("d{number}"), json!({"$ref": format!("#/$defs/d{}", number + 1)}))).collect();
    let mut schema = json!({"$ref": "#/$defs/d0", "$defs": chain});
    schema["$defs"]["d10000"] = json!(true);
    assert!(check_result(&schema, &json!(1)).expect_err("too deep").contains("too deeply"));
    // As deep as a result can be.
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let lists = json!({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]});
    assert_eq!(check_result(&lists, &deep), Ok(()));
}

#[test]
fn many_items_are_compared_in_time() {
    let items: Vec<Value> = (0..200_000).map(Value::from).collect();
    assert_eq!(check_result(&json!({"uniqueItems": true}), &Value::Array(items)), Ok(()));
}

/// Values in which every rule finds something: few names, few numbers, texts of one and of two bytes. No number is so large
/// that the other validator divides it inexactly.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3..6_i64).prop_map(Value::from),
        prop::sample::select(vec![0.3, 0.5, 1.0, 1.5, -2.0, 1e15, 4.35]).prop_map(Value::from),
        Just(json!(u64::MAX)),
        prop::sample::select(vec!["", "a", "ab", "abc", "\u{e9}", "1", "a b", "\u{663}"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c", "dd"]), inner, 0..4).prop_map(
                |fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            ),
        ]
    })
}

/// One keyword with a value for it.
fn keyword(schema: BoxedStrategy<Value>, refers: bool, is_old: bool) -> BoxedStrategy<(String, Value)> {
    let of = |names: &'static [&'static str], values: BoxedStrategy<Value>| {
        (prop::sample::select(names), values).prop_map(|(name, value)| (name.to_owned(), value)).boxed()
    };
    let names = || prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "dd"]), 0..3);
    let unique_names = || names().prop_map(|names| json!(names.into_iter().collect::<std::collections::BTreeSet<_>>()));
    let count = || (0..4_u64).prop_map(Value::from).boxed();
    let types = prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"]);
    let named = |names: Vec<&'static str>, inner: BoxedStrategy<Value>| {
        prop::collection::btree_map(prop::sample::select(names), inner, 1..3).prop_map(|fields| json!(fields)).boxed()
    };
    let patterns = vec!["^a", "b$", "^\\w+$", "\\d", "\\s", "^[ab]{1,2}$", "", "\\S", "^.$"];
    let several = || prop::collection::vec(schema.clone(), 1..3).prop_map(Value::from).boxed();
    let mut all = vec![
        of(&["type"], types.clone().prop_map(Value::from).boxed()),
        of(&["type"], prop::collection::btree_set(types, 1..3).prop_map(|kinds| json!(kinds)).boxed()),
        of(&["enum"], prop::collection::vec(value(), 1..3).prop_map(Value::from).boxed()),
        of(&["const"], value().boxed()),
        of(&["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], count()),
        of(
            &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
            prop::sample::select(vec![json!(-1), json!(0), json!(1), json!(1.5), json!(1e15)]).boxed(),
        ),
        of(&["multipleOf"], prop::sample::select(vec![json!(1), json!(2), json!(0.1), json!(0.5), json!(3)]).boxed()),
        of(&["pattern"], prop::sample::select(patterns.clone()).prop_map(Value::from).boxed()),
        of(&["uniqueItems"], any::<bool>().prop_map(Value::from).boxed()),
        of(&["required"], unique_names().boxed()),
        of(&["properties"], named(vec!["a", "b", "c", "dd"], schema.clone())),
        of(&["patternProperties"], named(patterns, schema.clone())),
        of(&["contains", "additionalProperties", "propertyNames", "items", "not"], schema.clone()),
        of(&["if", "then", "else"], schema.clone()),
        of(&["allOf", "anyOf", "oneOf"], several()),
        of(&["title", "x-unknown"], Just(json!("means nothing")).boxed()),
    ];
    if is_old {
        all.push(of(&["items"], several()));
        all.push(of(&["additionalItems"], schema.clone()));
        all.push(of(&["dependencies"], named(vec!["a", "b"], prop_oneof![schema.clone(), unique_names()].boxed())));
    } else {
        all.push(of(&["prefixItems"], several()));
        all.push(of(&["minContains", "maxContains"], count()));
        all.push(of(&["unevaluatedItems", "unevaluatedProperties"], schema.clone()));
        all.push(of(&["dependentSchemas"], named(vec!["a", "b"], schema.clone())));
        all.push(of(&["dependentRequired"], named(vec!["a", "b"], unique_names().boxed())));
    }
    if refers {
        all.push(of(&["$ref"], Just(json!("#/definitions/it")).boxed()));
    }
    proptest::strategy::Union::new(all).boxed()
}

fn schema(refers: bool, is_old: bool) -> BoxedStrategy<Value> {
    any::<bool>()
        .prop_map(Value::from)
        .prop_recursive(3, 32, 4, move |inner| {
            prop::collection::vec(keyword(inner.boxed(), refers, is_old), 0..5)
                .prop_map(|keywords| Value::Object(keywords.into_iter().collect()))
        })
        .boxed()
}

fn assert_agree(schema: &Value, values: &[Value]) -> Result<(), TestCaseError> {
    let larger = jsonschema::validator_for(schema);
    prop_assert!(larger.is_ok() == problem(schema).is_none(), "{schema}: {:?}, {:?}", larger.err(), problem(schema));
    let Ok(larger) = larger else { return Ok(()) };
    for value in values {
        let (told, fits) = (check_result(schema, value), larger.is_valid(value));
        prop_assert!(told.is_ok() == fits, "{schema}\n{value}\nthe larger one: {fits}, this one: {told:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn the_larger_validator_agrees(
        it in schema(false, false), schema in schema(true, false), values in prop::collection::vec(value(), 8)
    ) {
        assert_agree(&json!({"definitions": {"it": it}, "allOf": [schema]}), &values)?;
    }

    #[test]
    fn the_larger_validator_agrees_on_an_earlier_draft(
        it in schema(false, true), schema in schema(true, true), values in prop::collection::vec(value(), 8)
    ) {
        let draft = "http://json-schema.org/draft-07/schema#";
        assert_agree(&json!({"$schema": draft, "definitions": {"it": it}, "allOf": [schema]}), &values)?;
    }
}

//! Reads query strings: unknown names are refused, and every broken rule is named.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::{HttpRequest, web};

use super::problem::{FieldProblem, Problem};

/// The pairs of a query string.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    problems: Vec<FieldProblem>,
}

impl Query {
    /// Reads the query string of `request`, which may only hold the names in `known`.
    pub(crate) fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        Self::parse(request.query_string(), known)
    }

    fn parse(text: &str, known: &[&str]) -> Result<Self, Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|error| Problem::malformed(format!("the query cannot be read: {error}")))?
            .into_inner();
        let unknown = pairs.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let problems = unknown
            .map(|(name, _)| {
                let message = if known.is_empty() {
                    "is unknown; no names are known here".to_owned()
                } else {
                    format!("is unknown; known are {}", known.join(", "))
                };
                FieldProblem::new(format!("?{name}"), "unknown", message)
            })
            .collect();
        Ok(Self { pairs, problems })
    }

    /// The value of `name`; the last one when it is there twice.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The value of `name`, read.
    pub(crate) fn value<Value: FromStr<Err: Display>>(&mut self, name: &str) -> Option<Value> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let problem = FieldProblem::new(format!("?{name}"), "type", error.to_string());
                self.problems.push(problem);
                None
            }
        }
    }

    /// A number between `least` and `most`, or `default`.
    pub(crate) fn number(&mut self, name: &str, least: u32, most: u32, default: u32) -> u32 {
        match self.value::<u32>(name) {
            Some(number) if (least..=most).contains(&number) => number,
            Some(_) => {
                self.refuse(name, "range", format!("must be between {least} and {most}"));
                default
            }
            None => default,
        }
    }

    /// All values of `name`, each of which may be a list separated by commas, read.
    pub(crate) fn list<Value: FromStr<Err: Display>>(&mut self, name: &str) -> Vec<Value> {
        let mut values = Vec::new();
        let mut refused = Vec::new();
        for (_, text) in self.pairs.iter().filter(|(found, _)| found == name) {
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                match part.parse() {
                    Ok(value) => values.push(value),
                    Err(error) => {
                        refused.push(FieldProblem::new(format!("?{name}"), "value", Value::Err::to_string(&error)))
                    }
                }
            }
        }
        self.problems.extend(refused);
        values
    }

    /// Notes that a value breaks a rule.
    pub(crate) fn refuse(&mut self, name: &str, rule: &str, message: impl Into<String>) {
        self.problems.push(FieldProblem::new(format!("?{name}"), rule, message));
    }

    /// Whether all was well.
    pub(crate) fn check(self) -> Result<(), Problem> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problem::invalid(self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::ExecutionStatus;

    #[test]
    fn values_are_read_and_unknown_names_refused() {
        let mut query =
            Query::parse("status=running,failed&status=timeout&limit=20", &["status", "limit"]).expect("readable");
        let statuses: Vec<ExecutionStatus> = query.list("status");
        assert_eq!(statuses, [ExecutionStatus::Running, ExecutionStatus::Failed, ExecutionStatus::Timeout]);
        assert_eq!(query.number("limit", 1, 1000, 50), 20);
        assert!(query.check().is_ok());

        let problem = Query::parse("limt=1", &["limit"]).expect("readable").check().expect_err("unknown");
        assert_eq!((problem.errors[0].field.as_str(), problem.errors[0].rule.as_str()), ("?limt", "unknown"));
    }

    #[test]
    fn a_page_of_a_thousand_million_is_refused() {
        for text in ["limit=1000000000", "limit=0", "limit=ten", "limit=-1"] {
            let mut query = Query::parse(text, &["limit"]).expect("readable");
            assert_eq!(query.number("limit", 1, 1000, 50), 50);
            assert_eq!(query.check().expect_err(text).errors.len(), 1, "{text}");
        }
    }
}

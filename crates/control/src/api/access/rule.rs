//! What a route asks of whoever asks for it.

use super::principal::{Principal, Reach};
use super::scope::Scope;
use crate::api::problem::Problem;
use attune_types::ExecutionId;

/// What the parameter of a path names, as far as it matters who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Nothing that belongs to somebody.
    Nothing,
    /// `{id}` is an execution: only its owner finds it.
    Execution,
    /// `{id}` is an execution: only its owner finds it, and so does its own script, with the token of its attempt.
    OwnExecution,
    /// `{name}` is the worker that a bootstrap token names, and only such a token may ask.
    Worker,
}

/// What a route asks. Every route has one: its constructor wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// A scope, and that what is asked about is the asker's.
    Needs(Scope, Subject),
}

/// What the store must be asked before it is known whether somebody may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// They may.
    Pass,
    /// They may when this execution is theirs.
    WhenOwned(ExecutionId),
}

/// The part of `path` that stands where `pattern` has `parameter`.
fn part<'a>(pattern: &str, path: &'a str, parameter: &str) -> &'a str {
    pattern.split('/').zip(path.split('/')).find(|(name, _)| *name == parameter).map_or("", |(_, value)| value)
}

impl Access {
    /// Decides, as far as that is possible without a look at the store. `pattern` is the route's, `path` what was asked.
    pub(crate) fn decide(self, principal: &Principal, pattern: &str, path: &str) -> Result<Decision, Problem> {
        let Self::Needs(scope, subject) = self else { return Ok(Decision::Pass) };
        let allowed = principal.scopes.has(scope)
            && match principal.reach {
                Reach::Everything | Reach::Own => subject != Subject::Worker,
                Reach::Attempt(..) => subject == Subject::OwnExecution,
                Reach::Worker(_) => subject == Subject::Worker || scope == Scope::AgentRead,
            };
        if !allowed {
            return Err(Problem::forbidden(scope.as_str()));
        }
        // What is written differently from how it is printed (`%31` for `1`) is nobody's: it may be read differently
        // further on.
        match (subject, &principal.reach) {
            (Subject::Execution | Subject::OwnExecution, Reach::Own | Reach::Attempt(..)) => {
                let text = part(pattern, path, "{id}");
                let id = text.parse::<ExecutionId>().ok().filter(|id| id.to_string() == text);
                let id = id.ok_or_else(|| Problem::not_found(format!("there is no execution {text:?}")))?;
                match principal.reach {
                    Reach::Attempt(own, _) if own == id => Ok(Decision::Pass),
                    Reach::Attempt(..) => Err(Problem::not_found(format!("there is no execution {id}"))),
                    _ => Ok(Decision::WhenOwned(id)),
                }
            }
            (Subject::Worker, Reach::Worker(own)) => {
                let name = part(pattern, path, "{name}");
                if name == own {
                    Ok(Decision::Pass)
                } else {
                    Err(Problem::not_found("the token is for another worker"))
                }
            }
            _ => Ok(Decision::Pass),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::access::Scopes;
    use attune_types::AttemptNumber;

    const LOGS: &str = "/api/v1/executions/{id}/logs";

    fn principal(reach: Reach, words: &[&str]) -> Principal {
        let scopes = Scopes::read(words.iter().copied()).expect("known");
        Principal { reach, scopes, ..Principal::nobody(None) }
    }

    fn decide(who: &Principal, subject: Subject, path: &str) -> Result<Decision, u16> {
        Access::Needs(Scope::ExecutionsRead, subject).decide(who, LOGS, path).map_err(|problem| problem.status)
    }

    #[test]
    fn somebody_with_own_executions_finds_those_alone() {
        let ada = principal(Reach::Own, &["executions:read"]);
        let owned = Ok(Decision::WhenOwned(ExecutionId(7)));
        assert_eq!(decide(&ada, Subject::Execution, "/api/v1/executions/7/logs"), owned);
        for other in ["%37", "07", "+7", "7%20", "x", ""] {
            assert_eq!(
                decide(&ada, Subject::Execution, &format!("/api/v1/executions/{other}/logs")),
                Err(404),
                "{other}"
            );
        }
        assert_eq!(decide(&principal(Reach::Own, &["packs:read"]), Subject::Execution, "/x"), Err(403));
    }

    #[test]
    fn a_script_asks_about_itself_alone() {
        let script = principal(Reach::Attempt(ExecutionId(7), AttemptNumber(1)), &["executions:read"]);
        assert_eq!(decide(&script, Subject::OwnExecution, "/api/v1/executions/7/logs"), Ok(Decision::Pass));
        assert_eq!(decide(&script, Subject::OwnExecution, "/api/v1/executions/8/logs"), Err(404));
        assert_eq!(decide(&script, Subject::Execution, "/api/v1/executions/7/logs"), Err(403));
        assert_eq!(decide(&script, Subject::Nothing, "/api/v1/executions"), Err(403));
    }

    #[test]
    fn a_bootstrap_token_is_for_one_worker() {
        let token = principal(Reach::Worker("w1".into()), &["workers:enroll", "agent:read"]);
        let enroll = Access::Needs(Scope::WorkersEnroll, Subject::Worker);
        let ask = |who: &Principal, path: &str| {
            enroll.decide(who, "/api/v1/workers/{name}/enroll", path).map_err(|problem| problem.status)
        };
        assert_eq!(ask(&token, "/api/v1/workers/w1/enroll"), Ok(Decision::Pass));
        assert_eq!(ask(&token, "/api/v1/workers/w2/enroll"), Err(404));
        assert_eq!(ask(&Principal::owner(None), "/api/v1/workers/w1/enroll"), Err(403));
        let agent = Access::Needs(Scope::AgentRead, Subject::Nothing);
        assert!(agent.decide(&token, "/api/v1/agent/binary", "/api/v1/agent/binary").is_ok());
        assert!(Access::Needs(Scope::WorkersRead, Subject::Nothing).decide(&token, "/w", "/w").is_err());
    }
}

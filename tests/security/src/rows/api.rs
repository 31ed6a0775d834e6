//! What is tried at the API.

use crate::row::{Proof, Row};

/// What is tried at the API.
pub(super) const API: &[Row] = &[
    Row {
        id: "API-01",
        attack: "every route with no, false, expired, revoked, too narrow and foreign tokens",
        refusal: "401, 403, 404",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "every_route_against_every_credential",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/tests.rs",
                test: "every_route_is_in_the_document_and_the_other_way_round",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/tests.rs",
                test: "the_document_says_which_scope_each_route_asks_for",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-02",
        attack: "`status`, `owner`, `worker` in a request",
        refusal: "422 unknown field",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/executions/request.rs",
                test: "nobody_assigns_what_is_the_servers",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/api.rs",
                test: "what_breaks_a_rule_is_refused_before_anything_is_stored",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-03",
        attack: "an execution's token after its end, for another execution, beyond its scopes",
        refusal: "401 `the token expired with execution 42`, 403, 404",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "every_route_against_every_credential",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "a_worker_lives_its_whole_life_in_its_narrow_role",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-04",
        attack: "tokens in database, logs, URLs",
        refusal: "hashes only; header only; a checksum that scanners know",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "tokens_are_made_listed_and_revoked_and_only_ever_less",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/src/api_token.rs",
                test: "a_token_reads_back_and_nothing_else_does",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/src/api_token.rs",
                test: "neither_its_hash_nor_its_debug_text_shows_it",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/token.rs",
                test: "only_the_token_itself_passes",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-05",
        attack: "guessing, floods, slow headers, many streams, pages of 10^9",
        refusal: "429 with Retry-After, 408, 422; others are served",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "whoever_asks_too_often_waits_and_hurts_nobody_else",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/access/limiter.rs",
                test: "guesses_are_few_however_many_requests_are_allowed",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/access/limiter.rs",
                test: "streams_are_counted_while_they_live",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/query.rs",
                test: "a_page_of_a_thousand_million_is_refused",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/slow.rs",
                test: "who_is_slow_with_a_request_is_sent_away",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-06",
        attack: "addresses within the network in packs and schemas (SSRF)",
        refusal: "the server fetches nothing",
        level: "API",
        tests: &[
            Proof {
                package: "attune-pack",
                file: "crates/pack/src/parameters.rs",
                test: "a_schema_that_would_be_fetched_from_elsewhere_is_refused",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/src/commands/pack/git.rs",
                test: "addresses_are_told_from_paths",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-07",
        attack: "downloads with `..`, of others, as HTML",
        refusal: "own ones; attachment, nosniff, sandbox",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/artifacts.rs",
                test: "artifacts_are_listed_and_downloaded_as_attachments_and_nothing_else_is_reached",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/artifacts.rs",
                test: "a_name_cannot_break_out_of_its_header",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-08",
        attack: "SQL in every text, sort and filter",
        refusal: "data",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/api.rs",
                test: "a_list_is_read_page_by_page",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/submitting.rs",
                test: "awkward_text_survives",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-09",
        attack: "no token, a guessable one, an open door to everybody",
        refusal: "refuses to start; `attune dev` on loopback with a random token",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/auth.rs",
                test: "an_open_door_to_everybody_is_refused",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/dev.rs",
                test: "it_listens_to_this_machine_alone",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/src/dev/kept.rs",
                test: "a_token_is_made_once_and_is_nobody_elses_business",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-10",
        attack: "pages of other sites in a browser",
        refusal: "refused by origin; tokens are no cookies",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/auth.rs",
                test: "without_a_token_foreign_pages_are_turned_away",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/origin.rs",
                test: "only_this_machine_may_ask",
            },
        ],
        apart: "",
    },
    Row {
        id: "API-11",
        attack: "the audit trail is altered or cut by the role of the API",
        refusal: "permission denied; `attune audit verify` names the first broken entry",
        level: "database",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "the_api_takes_in_and_shows_and_bends_no_history",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/src/audit.rs",
                test: "whoever_alters_removes_or_swaps_a_link_is_seen",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "what_is_done_and_what_is_refused_is_in_the_audit_trail",
            },
        ],
        apart: "",
    },
];

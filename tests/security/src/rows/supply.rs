//! What is done to what ships.

use crate::row::{Proof, Row};

/// What is done to what ships.
pub(super) const SUPPLY: &[Row] = &[
    Row {
        id: "SUP-01",
        attack: "the agent's program is altered by a byte on its way",
        refusal: "refused: checksum, pinned digest or signature; nothing is executed",
        level: "wrapper",
        tests: &[
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/wrapper.rs",
                test: "what_is_not_what_the_server_said_is_refused_and_not_executed",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/wrapper.rs",
                test: "only_what_is_signed_with_the_right_key_is_taken_when_a_key_is_given",
            },
        ],
        apart: "",
    },
    Row {
        id: "SUP-02",
        attack: "a page, a script, a cut or broken download in the agent's place",
        refusal: "refused with the reason",
        level: "wrapper",
        tests: &[Proof {
            package: "attune-end-to-end",
            file: "tests/it/wrapper.rs",
            test: "what_is_not_what_the_server_said_is_refused_and_not_executed",
        }],
        apart: "",
    },
    Row {
        id: "SUP-03",
        attack: "an older version of the agent is served",
        refusal: "refused below `ATTUNE_AGENT_MIN_VERSION`",
        level: "wrapper",
        tests: &[Proof {
            package: "attune-end-to-end",
            file: "tests/it/wrapper.rs",
            test: "what_is_not_what_the_server_said_is_refused_and_not_executed",
        }],
        apart: "",
    },
    Row {
        id: "SUP-04",
        attack: "the agent is fetched without a token, with another's, or where there is none",
        refusal: "401, 404",
        level: "API",
        tests: &[
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/wrapper.rs",
                test: "a_real_server_gives_the_agent_to_whoever_may_have_it",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "every_route_against_every_credential",
            },
        ],
        apart: "",
    },
    Row {
        id: "SUP-05",
        attack: "the agent is replaced through its update of itself: unsigned, by another key, altered, older, another machine's",
        refusal: "off by default; a newer one is never a file before its signature held, and never executed without; no key, no start",
        level: "always",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/src/update/search.rs",
                test: "what_a_lying_server_sends_is_refused_in_one_line_and_is_never_a_file",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/src/update/examination.rs",
                test: "only_what_was_offered_and_is_signed_with_the_key_for_this_machine_is_executed",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/self_update.rs",
                test: "what_lies_on_the_disk_is_executed_only_when_it_is_signed",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/self_update.rs",
                test: "without_a_key_self_update_cannot_be_switched_on",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/inside.rs",
                test: "nothing_fetches_the_agent_but_the_wrapper_and_what_was_switched_on",
            },
        ],
        apart: "",
    },
    Row {
        id: "SUP-06",
        attack: "foreign code in a build",
        refusal: "locked versions; who may use what is checked",
        level: "build",
        tests: &[Proof {
            package: "attune-security-tests",
            file: "tests/security/it/list.rs",
            test: "the_lock_file_and_the_walls_are_there",
        }],
        apart: "building twice and comparing, which takes longer than all other rows together (`make build-agent` in two places and `sha256sum`), and the list of advisories, which is fetched (`cargo deny check advisories`)",
    },
];

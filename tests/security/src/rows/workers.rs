//! What a stolen worker, its database login or its broker user tries.

use crate::row::{Proof, Row};

/// What a stolen worker, its database login or its broker user tries.
pub(super) const WORKERS: &[Row] = &[
    Row {
        id: "WRK-01",
        attack: "the login of a worker reads or writes tables",
        refusal: "`permission denied`, 0 rows, row-level security",
        level: "database",
        tests: &[Proof {
            package: "attune-store",
            file: "crates/store/tests/it/roles.rs",
            test: "a_stolen_login_of_a_worker_reads_no_secret_and_writes_nothing_of_others",
        }],
        apart: "",
    },
    Row {
        id: "WRK-02",
        attack: "a stale attempt, a wrong token, a second end, fifty at once",
        refusal: "one wins",
        level: "store",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "of_fifty_completers_in_the_narrow_role_one_wins",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/claiming.rs",
                test: "of_many_concurrent_claims_one_is_granted",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/src/rules/fenced.rs",
                test: "an_end_counts_exactly_for_what_runs_and_only_with_its_token",
            },
        ],
        apart: "",
    },
    Row {
        id: "WRK-03",
        attack: "a worker beats or completes for another's attempts",
        refusal: "refused",
        level: "database",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "a_stolen_login_of_a_worker_reads_no_secret_and_writes_nothing_of_others",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/src/rules/fenced.rs",
                test: "nothing_is_granted_to_another_life",
            },
        ],
        apart: "an entry in the audit trail: rows of others are not there for its login, so such a statement is one about nothing, and nobody but the attacker could tell it from a late one",
    },
    Row {
        id: "WRK-04",
        attack: "a forged order in a worker's queue",
        refusal: "the claim is refused; nothing runs",
        level: "store",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/src/hearing.rs",
                test: "only_what_is_meant_for_this_life_is_offered",
            },
            Proof {
                package: "attune-queue",
                file: "crates/queue/tests/it/rabbitmq.rs",
                test: "garbage_is_parked_with_its_reason_and_does_not_hold_up_the_rest",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/src/rules/fenced.rs",
                test: "nothing_is_granted_to_another_life",
            },
        ],
        apart: "",
    },
    Row {
        id: "WRK-05",
        attack: "a worker's broker user consumes another's queue, publishes or declares",
        refusal: "403 ACCESS_REFUSED",
        level: "broker",
        tests: &[Proof {
            package: "attune-queue",
            file: "crates/queue/tests/it/permissions.rs",
            test: "a_workers_user_reaches_its_own_queue_alone",
        }],
        apart: "",
    },
    Row {
        id: "WRK-06",
        attack: "plain text to other machines; a false, expired or foreign certificate",
        refusal: "refused unless allowed by name",
        level: "always",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/tls.rs",
                test: "wrk_06_a_database_is_trusted_only_with_a_certificate_that_holds",
            },
            Proof {
                package: "attune-queue",
                file: "crates/queue/tests/it/tls.rs",
                test: "wrk_06_a_broker_is_trusted_only_with_a_certificate_that_holds",
            },
            Proof {
                package: "attune-queue",
                file: "crates/queue/tests/it/tls.rs",
                test: "wrk_06_plain_text_to_another_machine_is_refused_and_says_what_to_do",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/tls.rs",
                test: "wrk_06_plain_text_to_another_machine_is_refused_and_says_what_to_do",
            },
            Proof {
                package: "attune-types",
                file: "crates/types/src/plain_text.rs",
                test: "other_machines_are_refused_unless_they_are_named",
            },
        ],
        apart: "",
    },
    Row {
        id: "WRK-07",
        attack: "a worker registers 100,000 runtimes, or names with escape sequences",
        refusal: "refused; shown as plain text",
        level: "store",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/workers.rs",
                test: "who_registers_too_much_is_refused",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/src/output/table.rs",
                test: "columns_line_up_and_foreign_text_cannot_break_them",
            },
        ],
        apart: "",
    },
    Row {
        id: "WRK-08",
        attack: "a bootstrap token once more, expired, for another name, guessed",
        refusal: "refused with the reason",
        level: "API",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/matrix.rs",
                test: "a_bootstrap_token_enrols_its_worker_once",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "an_enrolled_name_is_taken_with_its_key_alone",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/access/rule.rs",
                test: "a_bootstrap_token_is_for_one_worker",
            },
        ],
        apart: "",
    },
];

//! What is done to get at secrets.

use crate::row::{Proof, Row};

/// What is done to get at secrets.
pub(super) const SECRETS: &[Row] = &[
    Row {
        id: "SEC-01",
        attack: "an action is given a secret; environments and arguments of all processes are read all the while",
        refusal: "0 bytes of it",
        level: "always",
        tests: &[Proof {
            package: "attune-security-tests",
            file: "tests/security/it/canary.rs",
            test: "nothing_of_a_canary_is_found_anywhere",
        }],
        apart: "",
    },
    Row {
        id: "SEC-02",
        attack: "afterwards database, wire of the broker, logs, spool, artifacts and temporary files are searched for it in 12 encodings",
        refusal: "ciphertext only",
        level: "always",
        tests: &[
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/canary.rs",
                test: "nothing_of_a_canary_is_found_anywhere",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/secrets.rs",
                test: "secret_parameters_are_ciphertexts_and_stay_so_in_a_repetition",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-03",
        attack: "an action writes a secret raw, byte by byte, across a buffer's end, in base64, hex, percent, JSON, `set -x`, a traceback, and backwards",
        refusal: "`***` each time but the last: masking is a net, not a wall",
        level: "always",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/redaction.rs",
                test: "sec_03_a_secret_is_masked_however_it_is_written",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/redaction.rs",
                test: "a_shell_that_traces_itself_shows_no_secret",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/redact/tests.rs",
                test: "every_chunking_gives_what_the_model_gives",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/redact/tests.rs",
                test: "every_encoding_is_masked_and_named",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/redact/tests.rs",
                test: "what_is_written_backwards_or_apart_passes",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-04",
        attack: "an action reads its worker's environment, memory or descriptors, or traces it",
        refusal: "EACCES, EPERM; `attune doctor` names the level",
        level: "1 for memory, 2 for signals",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "nobody_shut_in_can_touch_the_guard_the_launcher_or_the_worker",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/src/sandbox/tests.rs",
                test: "nothing_outside_can_be_signalled_traced_or_read",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/src/sandbox/privacy.rs",
                test: "another_process_of_the_same_user_reads_nothing",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/doctor.rs",
                test: "the_agent_says_what_works_here_and_that_it_needs_its_services",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-05",
        attack: "an execution reads memory, input, environment, work folder or temporary files of another",
        refusal: "EACCES",
        level: "2",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "siblings_cannot_touch_each_other_when_shut_in",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/sandbox.rs",
                test: "what_belongs_to_the_worker_and_to_other_executions_is_out_of_reach",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-06",
        attack: "an action aborts with `ulimit -c unlimited`; worker and server abort",
        refusal: "no core file",
        level: "always",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/src/limits/tests/real.rs",
                test: "open_files_and_the_size_of_a_file_are_limited_and_no_core_is_ever_written",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/starting.rs",
                test: "no_core_file_is_written",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/canary.rs",
                test: "nothing_of_a_canary_is_found_anywhere",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-07",
        attack: "the login of a worker reads secrets, or what is sealed for others",
        refusal: "`permission denied for table secret`; 0 rows",
        level: "database",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "a_stolen_login_of_a_worker_reads_no_secret_and_writes_nothing_of_others",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/roles.rs",
                test: "secret_outputs_go_through_the_narrow_roles_and_nobody_elses_do",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-08",
        attack: "ciphertexts are swapped, a bit is flipped, the number of a key is changed",
        refusal: "`secret X cannot be decrypted (authentication failed)`; the execution fails, no fallback to anything",
        level: "always",
        tests: &[
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/envelope/tests.rs",
                test: "swapped_rows_do_not_open",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/envelope/tests.rs",
                test: "a_flipped_bit_does_not_open",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/envelope/tests.rs",
                test: "the_number_of_a_key_cannot_be_changed",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/secrets/vault.rs",
                test: "what_does_not_decrypt_is_an_error_even_when_a_wider_one_would",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/secrets.rs",
                test: "a_secret_reaches_what_lists_it_and_nothing_else",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/envelope/tests.rs",
                test: "parameters_of_another_execution_do_not_open",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/secrets.rs",
                test: "parameters_that_were_swapped_between_executions_do_not_open",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-09",
        attack: "one value is encrypted a million times",
        refusal: "all nonces are different",
        level: "always",
        tests: &[Proof {
            package: "attune-secret",
            file: "crates/secret/src/envelope/tests.rs",
            test: "a_million_encryptions_use_a_million_nonces",
        }],
        apart: "",
    },
    Row {
        id: "SEC-10",
        attack: "a server is killed in the middle of a rotation",
        refusal: "everything opens, before and after; the rotation goes on",
        level: "always",
        tests: &[
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/secrets.rs",
                test: "a_rotation_survives_a_kill_and_a_missing_key_stops_the_start",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/secrets.rs",
                test: "a_rotation_replaces_only_what_it_read",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-11",
        attack: "a server starts with the wrong key",
        refusal: "it does not start: `key id 7 unknown; have 5, 6`",
        level: "always",
        tests: &[
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/secrets.rs",
                test: "a_rotation_survives_a_kill_and_a_missing_key_stops_the_start",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/error.rs",
                test: "an_unknown_key_is_named_with_those_that_are_here",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/envelope/tests.rs",
                test: "another_key_of_the_same_number_is_noticed",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-12",
        attack: "a secret is passed as a parameter, or answered as an output, that the schema marks `secret`",
        refusal: "sealed at rest, `***` wherever it is shown; outputs are revealed to who has the scope, and that is noted",
        level: "always",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/api.rs",
                test: "a_submission_is_answered_with_where_to_find_it",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/submitting.rs",
                test: "secret_parameters_are_masked_for_everybody_but_the_worker",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/secrets.rs",
                test: "secret_parameters_are_ciphertexts_and_stay_so_in_a_repetition",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/outcomes.rs",
                test: "parameters_arrive_as_the_action_asked_and_secrets_stay_out_of_the_environment",
            },
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/secrets.rs",
                test: "secret_outputs_are_kept_as_ciphertexts_of_the_try_that_counts",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/secrets.rs",
                test: "a_secret_output_is_sealed_masked_and_revealed_to_who_may_read_it",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-13",
        attack: "an action asks for a secret that it does not list, or that is another owner's",
        refusal: "it is not there; one line says so",
        level: "always",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/src/secrets/vault.rs",
                test: "what_is_not_listed_is_not_given_and_what_is_missing_is_named",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/src/helper/server_tests.rs",
                test: "secrets_are_given_as_they_are_or_refused_with_the_reason",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/secrets.rs",
                test: "a_secret_reaches_what_lists_it_and_nothing_else",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-14",
        attack: "after the end: sealed values, work folder, memory files",
        refusal: "gone",
        level: "always",
        tests: &[
            Proof {
                package: "attune-store",
                file: "crates/store/tests/it/secrets.rs",
                test: "what_is_sealed_comes_with_the_claim_and_goes_with_the_end",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/data.rs",
                test: "a_work_folder_is_removed_whatever_it_became",
            },
        ],
        apart: "",
    },
    Row {
        id: "SEC-15",
        attack: "logs at level `trace`, panics and `--print-config` with credentials in reach",
        refusal: "`***`",
        level: "always",
        tests: &[
            Proof {
                package: "attune-config",
                file: "crates/config/tests/it/secrets.rs",
                test: "no_secret_is_ever_shown",
            },
            Proof {
                package: "attune-config",
                file: "crates/config/tests/it/secrets.rs",
                test: "errors_about_secrets_do_not_show_them",
            },
            Proof {
                package: "attune-secret",
                file: "crates/secret/src/redact/shield.rs",
                test: "lines_are_masked_as_long_as_the_guard_lives",
            },
            Proof {
                package: "attune-config",
                file: "crates/config/src/credentials.rs",
                test: "every_credential_is_listed_in_the_forms_it_travels_in",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/canary.rs",
                test: "nothing_of_a_canary_is_found_anywhere",
            },
        ],
        apart: "",
    },
];

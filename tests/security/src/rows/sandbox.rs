//! What actions do to the worker, to others and to the host.

use crate::row::{Proof, Row};

/// What actions do to the worker, to others and to the host.
pub(super) const SANDBOX: &[Row] = &[
    Row {
        id: "SBX-01",
        attack: "`kill -9 $PPID`, `kill -9 -1`, `kill -STOP` of the worker",
        refusal: "EPERM; below level 2 the worker ends and nothing is left",
        level: "2",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "a_child_that_kills_its_guard_is_refused_or_dies_with_it_alone",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "a_child_that_stops_its_guard_is_refused_or_ends_at_its_deadline",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "a_signal_to_everybody_reaches_nobody_else_when_shut_in",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "a_signal_to_everybody_from_a_child_that_is_not_shut_in_takes_the_worker_and_leaves_nobody",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-02",
        attack: "a daemon with a session of its own that ignores TERM, renames itself and closes its descriptors",
        refusal: "killed and named at the end of its execution",
        level: "always",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/daemons.rs",
                test: "a_daemon_that_holds_nothing_is_killed_and_named",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/it/leftovers.rs",
                test: "a_daemon_that_cleaned_its_environment_and_closed_its_output_is_killed_too",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/it/ending.rs",
                test: "who_is_asked_to_stop_may_clean_up",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-03",
        attack: "a fork bomb",
        refusal: "bounded, killed at once, neighbours finish",
        level: "always",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/forks.rs",
                test: "a_fork_bomb_dies_at_once_and_its_neighbours_finish",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/forks.rs",
                test: "twenty_fork_bombs_that_ignore_being_asked_are_killed",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-04",
        attack: "writing to packs, the agent, other work folders, `/proc/sys`",
        refusal: "EACCES",
        level: "2",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/src/sandbox/tests.rs",
                test: "what_is_protected_is_out_of_reach_and_the_rest_is_not",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/sandbox.rs",
                test: "what_belongs_to_the_worker_and_to_other_executions_is_out_of_reach",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/src/sandbox/tests.rs",
                test: "strict_allows_what_is_named_and_nothing_else",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-05",
        attack: "a setuid program",
        refusal: "the user stays the same",
        level: "1",
        tests: &[Proof {
            package: "attune-process",
            file: "crates/process/src/sandbox/tests.rs",
            test: "level_1_takes_the_way_to_new_privileges",
        }],
        apart: "",
    },
    Row {
        id: "SBX-06",
        attack: "inherited descriptors",
        refusal: "0, 1, 2, and 3 for calls",
        level: "always",
        tests: &[
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/starting.rs",
                test: "a_child_finds_three_descriptors_no_privileges_to_gain_and_no_signal_blocked_or_ignored",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/it/starting.rs",
                test: "a_child_starts_in_its_directory_with_its_arguments_and_three_descriptors",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-07",
        attack: "`LD_PRELOAD`, `BASH_ENV`, `PYTHONPATH`, `NODE_OPTIONS` and their like by parameters, packs or the worker's own environment",
        refusal: "refused with the reason; never inherited",
        level: "always",
        tests: &[
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/attacks.rs",
                test: "what_hijacks_programs_does_not_leak_from_the_worker",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/attacks.rs",
                test: "what_hijacks_programs_cannot_be_set_by_parameters",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/attacks.rs",
                test: "a_pack_that_sets_what_hijacks_programs_is_refused_with_file_and_reason",
            },
            Proof {
                package: "attune-types",
                file: "crates/types/src/child_variables.rs",
                test: "what_hijacks_a_program_is_refused_with_its_reason",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-08",
        attack: "values like `; rm -rf /`, `$(id)`, `-rf`, newlines, NUL, 1 MiB, half characters",
        refusal: "reach the script as data; what cannot be carried is refused",
        level: "always",
        tests: &[
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/attacks.rs",
                test: "values_that_look_like_code_arrive_as_they_are_whatever_reads_them",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/attacks.rs",
                test: "what_a_way_of_delivery_cannot_hold_is_refused_with_the_reason",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/tests/it/attacks.rs",
                test: "half_a_character_is_refused_before_anything_starts",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/delivery.rs",
                test: "every_attack_arrives_as_data_in_every_language",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/data.rs",
                test: "every_delivery_carries_every_format_to_the_byte",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-09",
        attack: "interpreters and pack folders with spaces, quotes and `$(...)` in their paths",
        refusal: "one argument",
        level: "always",
        tests: &[
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/src/invocation.rs",
                test: "a_place_is_one_argument_and_one_folder_whatever_its_name",
            },
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/src/environment/environment_plan.rs",
                test: "a_placeholder_stays_inside_its_argument",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-10",
        attack: "false interpreters on the path; versions that hang, flood or draw",
        refusal: "passed over with a warning; 2 s, 4 KiB, plain text",
        level: "always",
        tests: &[
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/tests/it/detecting.rs",
                test: "nothing_is_run_that_everybody_could_have_put_there",
            },
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/tests/it/detecting.rs",
                test: "a_program_that_hangs_is_left_out_and_the_others_are_not_held_up",
            },
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/tests/it/detecting.rs",
                test: "a_program_that_prints_a_gibibyte_costs_no_memory_and_is_judged_by_its_first_words",
            },
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/tests/it/detecting.rs",
                test: "what_a_program_prints_is_never_shown_raw",
            },
            Proof {
                package: "attune-end-to-end",
                file: "tests/it/hostile_path.rs",
                test: "what_means_harm_on_the_path_is_told_and_not_used_and_work_goes_on",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-11",
        attack: "the agent's program is replaced by an action",
        refusal: "EACCES, ETXTBSY",
        level: "2",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/helper.rs",
                test: "the_strictest_sandbox_lets_calls_through_and_nothing_of_the_helper_be_changed",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/pathologies/attacks.rs",
                test: "nobody_shut_in_can_touch_the_guard_the_launcher_or_the_worker",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/inside.rs",
                test: "an_action_replaces_no_program_and_finds_no_credential",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/inside.rs",
                test: "the_agents_folder_is_mounted_read_only_wherever_workers_are_described",
            },
        ],
        apart: "whoever may write the volume from outside the container: no program can refuse its own replacement; what we ship mounts it read-only",
    },
    Row {
        id: "SBX-12",
        attack: "the work folder becomes a link to `/etc` while the worker cleans up or stores files",
        refusal: "not followed; `/etc` untouched",
        level: "always",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/data.rs",
                test: "a_work_folder_is_removed_whatever_it_became",
            },
            Proof {
                package: "attune-artifacts",
                file: "crates/artifacts/tests/it/harvesting.rs",
                test: "what_is_swapped_after_the_look_is_not_followed",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/src/execution/work_area_tests.rs",
                test: "everything_that_a_script_may_leave_is_removed_and_no_link_is_followed",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-13",
        attack: "artifacts called `../x`, `/etc/x`, `CON`; pipes, devices, sparse terabytes, hard links",
        refusal: "refused by name; only plain files of its own, sizes counted",
        level: "always",
        tests: &[
            Proof {
                package: "attune-artifacts",
                file: "crates/artifacts/src/name.rs",
                test: "attacks_are_refused_by_reason_and_ordinary_names_pass",
            },
            Proof {
                package: "attune-artifacts",
                file: "crates/artifacts/tests/it/harvesting.rs",
                test: "whatever_is_no_plain_file_of_its_own_is_refused_by_name_and_nothing_waits_for_it",
            },
            Proof {
                package: "attune-artifacts",
                file: "crates/artifacts/tests/it/harvesting.rs",
                test: "names_that_do_harm_elsewhere_are_refused",
            },
            Proof {
                package: "attune-artifacts",
                file: "crates/artifacts/tests/it/harvesting.rs",
                test: "a_sparse_terabyte_counts_as_one_and_limits_hold",
            },
        ],
        apart: "",
    },
    Row {
        id: "SBX-14",
        attack: "commands and states on standard output (`::set-env`, `{\"status\":\"completed\"}`)",
        refusal: "words",
        level: "always",
        tests: &[Proof {
            package: "attune-worker",
            file: "crates/worker/tests/it/data.rs",
            test: "words_on_standard_output_are_words_and_no_command",
        }],
        apart: "",
    },
    Row {
        id: "SBX-15",
        attack: "an action looks for the worker's database and broker",
        refusal: "no credential anywhere",
        level: "always",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/outcomes.rs",
                test: "the_environment_is_clean_and_says_what_runs",
            },
            Proof {
                package: "attune-process",
                file: "crates/process/tests/it/starting.rs",
                test: "a_child_has_exactly_the_environment_it_was_given",
            },
            Proof {
                package: "attune-runtime",
                file: "crates/runtime/tests/it/running.rs",
                test: "a_script_sees_nothing_of_this_process",
            },
            Proof {
                package: "attune-security-tests",
                file: "tests/security/it/inside.rs",
                test: "an_action_replaces_no_program_and_finds_no_credential",
            },
        ],
        apart: "closing the network to actions: there are no rules for it in the sandbox, actions reach what their worker reaches, without its credentials; divide networks outside",
    },
];

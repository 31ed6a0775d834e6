//! What packs, archives and texts do to those who read them.

use crate::row::{Proof, Row};

/// What packs, archives and texts do to those who read them.
pub(super) const PARSERS: &[Row] = &[
    Row {
        id: "PAR-01",
        attack: "archives with `../`, absolute names, links, devices, twins, bombs, lies about sizes, cuts",
        refusal: "refused by entry; nothing is written",
        level: "always",
        tests: &[
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/installing.rs",
                test: "hostile_archives_are_refused_by_name_and_leave_nothing",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/installing.rs",
                test: "bombs_and_lies_about_sizes_end_at_the_budget",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/installing.rs",
                test: "two_links_that_leave_only_together_are_refused",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/installing.rs",
                test: "damaged_and_foreign_files_are_refused",
            },
        ],
        apart: "",
    },
    Row {
        id: "PAR-02",
        attack: "YAML bombs, deep nesting, aliases, duplicate keys, tags",
        refusal: "refused with line and column",
        level: "always",
        tests: &[
            Proof { package: "attune-pack", file: "crates/pack/src/document.rs", test: "a_bomb_of_aliases_is_refused" },
            Proof {
                package: "attune-pack",
                file: "crates/pack/src/exact.rs",
                test: "a_bomb_is_refused_before_it_goes_off",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/src/exact.rs",
                test: "what_would_be_changed_silently_is_refused_with_its_place",
            },
        ],
        apart: "",
    },
    Row {
        id: "PAR-03",
        attack: "JSON of depth 100,000, duplicate keys, huge numbers, invalid text, too large",
        refusal: "400, 413",
        level: "always",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/body.rs",
                test: "a_body_is_kept_exactly_or_refused_with_its_place",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/api.rs",
                test: "a_body_that_cannot_be_read_is_told_why",
            },
        ],
        apart: "",
    },
    Row {
        id: "PAR-04",
        attack: "a version pattern like `(a+)+$` or `a{1000}{1000}`",
        refusal: "linear time; refused above 64 KiB compiled",
        level: "always",
        tests: &[Proof {
            package: "attune-pack",
            file: "crates/pack/src/rules.rs",
            test: "patterns_that_would_grow_are_refused",
        }],
        apart: "",
    },
    Row {
        id: "PAR-05",
        attack: "names like `../core`, `A.B`, 300 characters; taking over `core`",
        refusal: "refused with the rule",
        level: "always",
        tests: &[
            Proof {
                package: "attune-types",
                file: "crates/types/src/action.rs",
                test: "action_references_are_checked",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/installing.rs",
                test: "the_names_of_what_comes_with_attune_are_kept",
            },
            Proof {
                package: "attune-control",
                file: "crates/control/src/api/executions/request.rs",
                test: "a_request_names_an_action_or_brings_code",
            },
        ],
        apart: "",
    },
    Row {
        id: "PAR-06",
        attack: "a pack's install command is `curl ... sh`",
        refusal: "runs on a worker, never in the server, and is told with its log",
        level: "1",
        tests: &[
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/environments.rs",
                test: "what_cannot_be_installed_is_told_with_the_tools_words_and_works_as_soon_as_it_is_mended",
            },
            Proof {
                package: "attune-worker",
                file: "crates/worker/tests/it/environments.rs",
                test: "nothing_half_made_is_used_when_its_builder_is_killed_and_the_next_one_takes_over",
            },
        ],
        apart: "",
    },
    Row {
        id: "PAR-07",
        attack: "a version of a pack is replaced in place",
        refusal: "by content: another digest is another version",
        level: "always",
        tests: &[
            Proof {
                package: "attune-pack",
                file: "crates/pack/src/install/digest.rs",
                test: "content_names_and_modes_count_and_nothing_else",
            },
            Proof {
                package: "attune-pack",
                file: "crates/pack/tests/it/installing.rs",
                test: "a_new_version_takes_the_name_and_the_old_folder_stays",
            },
        ],
        apart: "",
    },
    Row {
        id: "PAR-08",
        attack: "escape sequences, carriage returns, false log lines in output",
        refusal: "one JSON line each; made visible for people",
        level: "always",
        tests: &[
            Proof {
                package: "attune-control",
                file: "crates/control/tests/it/logs.rs",
                test: "a_log_is_lines_of_json_whatever_a_script_prints",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/src/output/escape.rs",
                test: "escape_sequences_become_visible_and_text_stays",
            },
            Proof {
                package: "attune-cli",
                file: "crates/cli/src/output/timeline_tests.rs",
                test: "foreign_text_makes_no_lines_that_look_like_ours",
            },
        ],
        apart: "",
    },
];

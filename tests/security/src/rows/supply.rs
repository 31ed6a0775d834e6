//! What is done to what ships.

use crate::row::{Proof, Row};

/// What is done to what ships.
pub(super) const SUPPLY: &[Row] = &[
    Row {
        id: "SUP-01",
        attack: "the agent's program is altered on its way",
        refusal: "",
        level: "image",
        tests: &[],
        apart: "there is no download of the agent: it comes with an image or a package, whose digest is pinned there",
    },
    Row {
        id: "SUP-02",
        attack: "an error page, a cut or redirected download",
        refusal: "",
        level: "image",
        tests: &[],
        apart: "as SUP-01",
    },
    Row {
        id: "SUP-03",
        attack: "an older version is served",
        refusal: "",
        level: "image",
        tests: &[],
        apart: "as SUP-01",
    },
    Row {
        id: "SUP-04",
        attack: "a download without a token, or of `../../etc/passwd`",
        refusal: "404: there is no such route",
        level: "API",
        tests: &[Proof {
            package: "attune-control",
            file: "crates/control/src/api/tests.rs",
            test: "every_route_is_in_the_document_and_the_other_way_round",
        }],
        apart: "",
    },
    Row {
        id: "SUP-05",
        attack: "the agent replaces itself",
        refusal: "it cannot",
        level: "always",
        tests: &[],
        apart: "there is no such code",
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
        apart: "building twice and comparing, and the check of advisories: both need a network or an hour, see CONTRIBUTING.md",
    },
];

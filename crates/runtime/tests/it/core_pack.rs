//! The built-in table and the core pack say the same.

use std::path::Path;

use attune_pack::Pack;
use attune_runtime::builtin_specs;

#[test]
fn the_built_in_runtimes_are_those_of_the_core_pack() {
    let pack = Pack::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/core")).expect("loads");
    let builtin = builtin_specs();
    assert_eq!(pack.runtimes.len(), builtin.len(), "every file of the pack is built in");
    for declared in pack.runtimes {
        assert!(builtin.contains(&declared), "{}", declared.name);
    }
}

//! The built-in table and the core pack say the same.

use std::path::Path;

use attune_pack::Pack;
use attune_runtime::builtin_specs;

#[test]
fn the_built_in_runtimes_are_those_of_the_core_pack() {
    let pack = Pack::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/core")).expect("loads");
    let builtin = builtin_specs();
    assert!(!pack.runtimes.is_empty());
    for declared in pack.runtimes {
        let known = builtin.iter().find(|spec| spec.name == declared.name).expect("built in too");
        assert_eq!(known.runtime_ref, declared.runtime_ref);
        assert_eq!(known.aliases, declared.aliases, "{}", declared.name);
        assert_eq!(known.execution_config, declared.execution_config, "{}", declared.name);
        assert_eq!(known.detection, declared.detection, "{}", declared.name);
    }
}

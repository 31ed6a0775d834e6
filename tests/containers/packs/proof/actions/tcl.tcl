after [expr {int(1000 * $env(ATTUNE_PARAM_SECONDS))}]
puts {{"runtime": "tcl"}}

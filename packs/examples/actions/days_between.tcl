# Counts the days between two dates.
proc day {text} {
    expr {[clock scan $text -format %Y-%m-%d -timezone :UTC] / 86400}
}
puts [format {{"days": %d}} [expr {[day $env(ATTUNE_PARAM_TO)] - [day $env(ATTUNE_PARAM_FROM)]}]]

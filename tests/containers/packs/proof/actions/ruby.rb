require "json"

sleep Float(ENV.fetch("ATTUNE_PARAM_SECONDS"))
puts JSON.generate(runtime: "ruby")

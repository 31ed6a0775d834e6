# Counts log levels with nothing but Ruby's standard library.
require 'json'

lines = JSON.parse($stdin.read).fetch('log').lines(chomp: true)
levels = lines.filter_map { |line| line[/\b(DEBUG|INFO|WARN|ERROR|FATAL)\b/] }.tally
last_error = lines.reverse.find { |line| line.match?(/\b(ERROR|FATAL)\b/) }
puts JSON.generate(lines: lines.size, levels: levels, last_error: last_error)

# Draws a histogram as text, and speaks to its worker while it does.
require 'json'
require 'tempfile'
require 'attune'

parameters = JSON.parse($stdin.read)
values = parameters.fetch('values').map(&:to_f)
bins = parameters.fetch('bins')
low, high = values.minmax
width = high > low ? (high - low) / bins : 1.0
counts = Array.new(bins, 0)
values.each { |value| counts[[((value - low) / width).floor, bins - 1].min] += 1 }
Attune.progress(50, "#{values.size} values counted")

Tempfile.create('histogram') do |file|
  counts.each_with_index { |count, bin| file.puts(format('%12.3f %s', low + bin * width, '#' * count)) }
  file.flush
  Attune.put_artifact(file.path, 'histogram.txt')
end
Attune.set_output_fields(counts: counts, low: low, high: high)
Attune.progress(100)

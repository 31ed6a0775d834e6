# Speaks to the Attune worker that runs this action.
#
#   require 'attune'
#
#   Attune.progress(50, 'half of it')
#   Attune.put_artifact('report.csv')
#   Attune.set_output({ rows: 42 })        # the whole result
#   Attune.set_output_fields(name: 'Ada')  # these fields of it
#   password = Attune.get_secret('db-password')
#
# What the worker refuses raises Attune::Refused; that there is no worker to ask raises Attune::NotInExecution. Nothing
# but Ruby's standard library is needed.
require 'json'
require 'open3'

module Attune
  class Error < StandardError; end
  class Refused < Error; end
  class NotInExecution < Error; end

  module_function

  def set_output(value)
    call(%w[output set -], JSON.generate(value))
    nil
  end

  def set_output_fields(fields)
    call(%w[output set --merge -], JSON.generate(fields))
    nil
  end

  def put_artifact(path, name = nil)
    call(['artifact', 'put', '--', *name, path.to_s])
    nil
  end

  def progress(percent, message = nil)
    # Words go by standard input: arguments are seen by every process of the machine.
    call(['progress', percent.to_s, *(message && '-')], message.to_s)
    nil
  end

  # As text; get_secret_bytes gives it as it is.
  def get_secret(name)
    get_secret_bytes(name).force_encoding(Encoding::UTF_8)
  end

  def get_secret_bytes(name)
    call(['secret', 'get', name.to_s])
  end

  # level is debug, info, warning or error.
  def log(level, message)
    call(['log', level.to_s, '-'], message.to_s)
    nil
  end

  def call(words, input = '')
    agent = ENV['ATTUNE_AGENT']
    raise NotInExecution, 'not inside an execution: ATTUNE_AGENT is not set; run this from an action' unless agent

    socket = Integer(ENV.fetch('ATTUNE_HELPER_FD', '3'))
    # The descriptor is named: what is not named may be closed on the way.
    answer, words_of_error, status = Open3.capture3(agent, *words, stdin_data: input, binmode: true, socket => socket)
    return answer if status.success?

    why = words_of_error.force_encoding(Encoding::UTF_8).scrub.strip
    why = "the helper ended with #{status}" if why.empty?
    raise [1, 64].include?(status.exitstatus) ? Refused : NotInExecution, why
  rescue SystemCallError => e
    raise NotInExecution, "#{agent} cannot be asked: #{e.message}"
  end
  private_class_method :call
end

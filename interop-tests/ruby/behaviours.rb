# frozen_string_literal: true

require 'securerandom'
require 'socket'
require 'timeout'

# Tests named as sentences about behaviour; one line each on standard output, fields separated by tabs: "ok", sentence
# or "FAILED", sentence, why. Once all have run: "end".
module Behaviours
  SECONDS_PER_BEHAVIOUR = 20
  ALL = []

  module_function

  def behaviour(sentence, &test)
    ALL << [sentence, test]
  end

  # Runs each behaviour with a client of its own, which `client_class.new` opens and `close` ends.
  def run(client_class)
    failures = ALL.count { |sentence, test| !passes?(sentence, test, client_class) }
    puts 'end'
    exit(failures.zero?)
  end

  def passes?(sentence, test, client_class)
    Timeout.timeout(SECONDS_PER_BEHAVIOUR) do
      client = client_class.new
      begin
        test.call(client)
      ensure
        client.close
      end
    end
    puts "ok\t#{sentence}"
    true
  rescue StandardError => e
    warn e.full_message(highlight: false)
    puts "FAILED\t#{sentence}\t#{"#{e.class}: #{e.message}".split.join(' ')}"
    false
  ensure
    $stdout.flush
  end

  def expect(actual, expected)
    raise "got #{actual.inspect}, expected #{expected.inspect}" unless actual == expected
  end

  def expect_part(whole, part)
    raise "#{part.inspect} is missing in #{whole.inspect}" unless whole.include?(part)
  end

  # The exception of class `kind` that the block raises.
  def expect_raised(kind)
    yield
  rescue kind => e
    e
  else
    raise "#{kind} was not raised"
  end

  # A name for a queue or exchange that no other test and no earlier run has used.
  def unique(name)
    "interop.ruby.#{name}.#{SecureRandom.hex(6)}"
  end

  # Cuts every connection through the proxy; returns once it is done.
  def cut_connections
    TCPSocket.open('127.0.0.1', Integer(ENV.fetch('AMQP_PROXY_CONTROL_PORT')), &:read)
  end
end

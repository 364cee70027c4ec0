require_relative 'app'
require_relative 'fronts'
require_relative 'generous'
require_relative 'readings'
require_relative 'recorder'

# The test holds the other end: when it ends, however it ends, so does this.
Thread.new do
  $stdin.read
  exit!
end

use Recorder, ENV.fetch('PROOF_RECORD')
run ProofApplication

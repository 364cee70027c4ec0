require_relative 'app'
require_relative 'fronts'
require_relative 'generous'
require_relative 'readings'
require_relative 'recorder'
require_relative 'sanitizer'

use Recorder, Rails.root.join('record')
run ProofApplication

# Prints a file of kitchen as kitchen itself reads it, in JSON: through ERB, then YAML.
require 'erb'
require 'json'
require 'yaml'

puts JSON.generate(YAML.safe_load(ERB.new(File.read(ARGV.fetch(0))).result, aliases: true))

# A MOR in which every method of the API, and everything else, notes that it ran. It judges nothing.

ENV['RAILS_ENV'] = 'production'

require 'logger'
require 'active_support/all'
require 'action_controller/railtie'

class DoorsApplication < Rails::Application
  config.root = __dir__
  config.eager_load = false
  config.secret_key_base = 'd' * 64
  config.logger = Logger.new(File::NULL)
  config.hosts.clear
  config.action_controller.default_protect_from_forgery = false
end

# Ran has a line for each request that reached an action: the number of the request, and the action.
class Ran < ActionController::Base
  OUT = File.open(File.join(__dir__, 'ran'), File::WRONLY | File::APPEND | File::CREAT)

  def note
    OUT.syswrite("#{request.get_header('HTTP_X_NUMBER')} #{controller_name}##{action_name}\n")
    render plain: "ran #{controller_name}##{action_name}"
  end
end

class ApiController < Ran
  File.readlines(File.join(__dir__, 'methods.txt'), chomp: true).each { |name| alias_method name, :note }
end

class OtherController < Ran
  alias_method :index, :note
end

DoorsApplication.initialize!

# As MOR's catch-all: the controller in any letter case, any action, an id behind it, any format.
DoorsApplication.routes.draw do
  ['/billing', '/'].each do |prefix|
    scope prefix do
      match '/:controller(/:action(/:id))(.:format)', via: :all, constraints: { controller: /[:_]*api[:_]*/i }
    end
  end
  match '*rest', to: 'other#index', via: :all, format: false
  match '/', to: 'other#index', via: :all
end

run DoorsApplication

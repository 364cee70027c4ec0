# The Rails side of the proof: an application with the catch-all route of MOR's days, whose API
# action notes what Rails made of the request and answers as MOR does. It judges nothing.

ENV['RAILS_ENV'] = 'production'

require 'logger'
require 'active_support/all'
require 'action_controller/railtie'

ActiveSupport::Deprecation.silenced = true

class ProofApplication < Rails::Application
  config.root = __dir__
  config.eager_load = false
  config.cache_classes = true
  config.cache_store = :null_store
  config.secret_key_base = 'p' * 64
  config.logger = Logger.new(File::NULL)
  config.log_level = :fatal
  config.hosts.clear
  config.consider_all_requests_local = false
  config.action_controller.default_protect_from_forgery = false
  config.action_dispatch.show_exceptions = true
  # What is left is what shapes a request: method override, HEAD, parameter parsing, routing.
  [ActionDispatch::HostAuthorization, ActionDispatch::Executor, ActionDispatch::Callbacks,
   Rack::Sendfile, ActionDispatch::Static, Rack::Runtime,
   ActionDispatch::RequestId, ActionDispatch::RemoteIp, Rails::Rack::Logger, ActionDispatch::DebugExceptions,
   ActionDispatch::ActionableExceptions, ActionDispatch::Cookies, ActionDispatch::Session::CookieStore,
   ActionDispatch::Flash, ActionDispatch::ContentSecurityPolicy::Middleware,
   ActionDispatch::PermissionsPolicy::Middleware, Rack::ConditionalGet, Rack::ETag, Rack::TempfileReaper].each do |m|
    config.middleware.delete m
  end
end

# Seen turns parameters into what the record keeps: each name with the class of its value and its bytes.
module Seen
  module_function

  def params(hash)
    hash.map { |name, value| [[name.to_s].pack('m0'), value.class.name, [text(value)].pack('m0')] }
  end

  def text(value)
    case value
    when String then value
    when Integer, Float, true, false, nil then value.to_s
    when ActionDispatch::Http::UploadedFile then value.original_filename.to_s
    else value.inspect
    end
  end
end

class ApiController < ActionController::Base
  SUCCESS = <<~XML
    <?xml version="1.0" encoding="UTF-8"?>
    <page>
      <status>
        <success>DID details successfully updated</success>
      </status>
    </page>
  XML

  def did_details_update
    note(request.query_parameters, request.request_parameters)
    render plain: SUCCESS, content_type: 'text/html'
  end

  private

  # Rails lets the query win over the body; Rack's own Request#params lets the body win. Where the two
  # differ, both are noted.
  def note(query, body)
    reading = request.env['proof.reading']
    run(reading, body.merge(query))
    run("#{reading}, body wins", query.merge(body)) if query.any? { |k, v| body.key?(k) && body[k] != v }
  end

  def run(reading, params)
    request.env['proof.runs'] << { reading: reading, method: request.request_method, params: Seen.params(params) }
  end
end

# Any other controller: the request reached MOR, and that is all that is noted.
class OtherController < ActionController::Base
  def index
    render plain: 'other'
  end
end

ProofApplication.initialize!

ProofApplication.routes.draw do
  ['/billing', '/'].each do |prefix|
    scope prefix do
      match '/:controller(/:action(/:id))(.:format)', via: :all, constraints: { controller: /api/i }
    end
  end
  match '*rest', to: 'other#index', via: :all, format: false
  match '/', to: 'other#index', via: :all
end

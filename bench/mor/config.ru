# What a MOR does at least with a request that it refuses: Rails with a session, a user looked up in a database, and the
# hash.

require 'action_controller/railtie'
require 'active_record'
require 'digest'

ActiveRecord::Base.establish_connection(adapter: 'sqlite3', database: File.expand_path('mor.sqlite', __dir__), pool: 5)
ActiveRecord::Base.logger = nil
unless ActiveRecord::Base.connection.table_exists?(:users)
  ActiveRecord::Schema.verbose = false
  ActiveRecord::Schema.define do
    create_table(:users) do |t|
      t.string :username, index: true
      t.string :usertype
    end
  end
  ActiveRecord::Base.connection.execute("INSERT INTO users (username, usertype) VALUES ('admin', 'admin')")
end

# MOR is the application.
class MOR < Rails::Application
  config.load_defaults 6.1
  config.eager_load = true
  config.hosts.clear
  config.consider_all_requests_local = false
  config.logger = Logger.new(File.expand_path('mor.log', __dir__))
  config.secret_key_base = 'bench' * 16
  config.action_controller.default_protect_from_forgery = false
  config.session_store :cookie_store, key: '_mor'
  routes.append { match '/api/*name', to: 'api#answer', via: :all, format: false }
end

# User is a row of MOR's users.
class User < ActiveRecord::Base
end

# ApiController answers as MOR does.
class ApiController < ActionController::Base
  def answer
    session[:lang] = 'en'
    user = User.find_by(username: params[:u])
    right = user && Digest::SHA1.hexdigest("#{params[:did_id]}secret") == params[:hash]
    text = right ? '<success>DID details successfully updated</success>' : '<error>Incorrect hash</error>'
    render plain: "<page>\n  <status>\n    #{text}\n  </status>\n</page>\n", content_type: 'text/html'
  end
end

Rails.application.initialize!
use Rack::ContentLength
run Rails.application

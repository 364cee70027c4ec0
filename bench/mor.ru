# The Rails application of the proof, without its record of what it saw, and with the one check that the refused
# request of the benchmark fails. MOR does the same and more: it looks up the user in its database first.

require 'digest'
require_relative '../proof/rails/app'

class ApiController
  def did_details_update
    right = Digest::SHA1.hexdigest("#{params[:did_id]}secret") == params[:hash]
    render plain: right ? SUCCESS : REFUSED, content_type: 'text/html'
  end

  REFUSED = SUCCESS.sub(%r{<success>.*</success>}, '<error>Incorrect hash</error>')
end

run ProofApplication

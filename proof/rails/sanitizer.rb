# Sanitizer changes a request as Rack::UTF8Sanitizer does, which is in front of Rack in MOR from X9 on. It writes
# the path, the query and a form anew: an escape of what needs none, or is not ASCII, is undone, what is not UTF-8 is
# replaced, and what needs an escape gets one. So "%%35%42" comes out as "%5B". Other texts only become UTF-8.
module Sanitizer
  URIS = %w[SCRIPT_NAME REQUEST_PATH REQUEST_URI PATH_INFO QUERY_STRING].freeze
  FORM = 'application/x-www-form-urlencoded'.freeze
  TEXTS = [FORM, 'application/json', 'text/plain', 'text/javascript'].freeze

  module_function

  # call answers the changed env and body. It can be told to take out NUL as well.
  def call(env, body, nul: false)
    env = env.merge(env.slice(*URIS).compact.transform_values { |v| uri(v, nul) })
    type = env['CONTENT_TYPE'].to_s.downcase[/\A[^;,]*/].rstrip
    return [env, body] unless TEXTS.include?(type)

    body = utf8(body.delete_prefix("\xEF\xBB\xBF".b), nul)
    [env, (type == FORM ? uri(body, nul) : body).b]
  end

  def uri(text, nul)
    undone = nul ? /[A-Za-z0-9\-._~\0\x80-\xff]/n : /[A-Za-z0-9\-._~\x80-\xff]/n
    plain = utf8(text, nul).b.gsub(/%(\h\h)/n) { |escape| undone.match?($1.hex.chr) ? $1.hex.chr : escape }
    utf8(plain, nul).b.gsub(%r{[^A-Za-z0-9\-_.!~*'();/?:@&=+$,\[\]%]}n) { |c| format('%%%02X', c.ord) }
  end

  # One byte that is not UTF-8, or that is to go, and all that are not ASCII go.
  def utf8(text, nul)
    text = text.dup.force_encoding('UTF-8')
    return text if text.valid_encoding? && !(nul && text.include?("\0"))

    text = text.b.encode('UTF-8', invalid: :replace, undef: :replace)
    nul ? text.delete("\0") : text
  end
end

# Readings gives the other ways in which some release of Rack or Rails, or a server in front of them, reads
# the request that Rails 6.1 has just read. Each is the same request rewritten so that today's Rails sees
# what the other would have seen; the action then runs, or does not, for that reading too.
module Readings
  PARSED = 'action_dispatch.request.request_parameters'
  FORM = 'application/x-www-form-urlencoded'
  XML = %r{\A\s*(?:text/xml|application/xml|application/x-xml)\b}i.freeze
  JSON_TYPES = %r{\A\s*(?:application/json|text/x-json|application/jsonrequest)\b}i.freeze
  MULTIPART = %r{\A\s*multipart/}i.freeze

  WAYS = { 'rails' => :itself, 'rack3' => :rack3, 'rack1' => :rack1, 'first' => :first, 'last type' => :last_type,
           'charset' => :charset, 'scrubbed' => :scrubbed, 'no body of GET' => :bodyless, 'transfer' => :transfer,
           'rack1.1.0' => :unquoted }.freeze

  module_function

  # of answers [name, env, body] for each reading that differs from the request as it came. A server in front
  # may change the target, and Rack::UTF8Sanitizer all of it; after them, any reader may read. What goes wrong in a
  # reading is added to errors.
  def of(env, body, errors)
    fronts = { nil => env, 'apache' => Fronts.apache(env), 'resplit' => Fronts.resplit(env), 'address' => Fronts.address(env) }
    bases = fronts.compact.map { |front, e| [front, e, body] }
    bases += bases.flat_map do |front, e, b|
      [[plus(front, 'sanitizer'), *Sanitizer.call(e, b)], [plus(front, 'sanitizer of NUL'), *Sanitizer.call(e, b, nul: true)]]
    end
    all = different(bases).flat_map { |front, e, b| ways(e, b, errors).map { |name, *read| [plus(front, name), *read] } }
    different([[nil, env, body], *all]).drop(1)
  end

  def different(readings)
    readings.uniq { |_, env, body| signature(env, body) }
  end

  def plus(*names)
    names.compact.join('+')
  end

  def ways(env, body, errors)
    WAYS.filter_map do |name, way|
      changed, bytes = way == :itself ? [env, body] : public_send(way, env.dup, body)
      [name, changed, bytes] if changed
    rescue StandardError => e
      errors << "#{name}: #{e.class}: #{e.message.b}"
      nil
    end
  end

  def signature(env, body)
    path = "#{env['SCRIPT_NAME']}#{env['PATH_INFO']}".squeeze('/').chomp('/') # for Rails the same
    [env['REQUEST_METHOD'], path, env['QUERY_STRING'], env['CONTENT_TYPE'], env[PARSED], body]
  end

  # Rack 3 no longer separates at a semicolon in the query.
  def rack3(env, body)
    query = env['QUERY_STRING'].to_s
    [env.merge('QUERY_STRING' => query.gsub(';', '%3B')), body] if query.include?(';')
  end

  # Rack 1 and the Rails of its days: semicolons separate in bodies as well, a body may end with a NUL, the
  # method can be overridden in the query and by more headers, XML is a format of parameters, and a header
  # can say so in place of the type.
  def rack1(env, body)
    type = legacy_type(env)
    if form?(env, type)
      body = body.sub(/\0\z/n, '').tr(';', '&')
    elsif type =~ XML
      env[PARSED] = xml(body)
    elsif type =~ MULTIPART
      env[PARSED] = GenerousMultipart.parse(type, body)
    elsif type =~ JSON_TYPES
      env['CONTENT_TYPE'] = 'application/json'
    end
    override(env)
    [env.compact, body]
  end

  def legacy_type(env)
    env['HTTP_X_POST_DATA_FORMAT'].to_s.casecmp?('xml') ? 'application/xml' : env['CONTENT_TYPE'].to_s
  end

  def override(env)
    return unless env['REQUEST_METHOD'] == 'POST'

    asked = env['QUERY_STRING'].to_s[/(?:\A|[&;]) *_method=([A-Za-z]+)/, 1] ||
            env['HTTP_X_HTTP_METHOD_OVERRIDE'] || env['HTTP_X_METHOD_OVERRIDE'] || env['HTTP_X_HTTP_METHOD']
    asked = asked.to_s.strip.upcase
    env['REQUEST_METHOD'] = asked if %w[GET HEAD PUT PATCH POST DELETE OPTIONS].include?(asked)
  end

  def form?(env, type = env['CONTENT_TYPE'].to_s)
    type.strip.empty? ? env['REQUEST_METHOD'] == 'POST' : type.downcase.strip.start_with?(FORM)
  end

  def xml(body)
    Hash.from_xml(body) || {}
  rescue StandardError
    nil
  end

  # Other parsers take the first of two values of one name, or of two boundaries, where Rails takes the last.
  def first(env, body)
    query = env['QUERY_STRING'].to_s
    type = env['CONTENT_TYPE'].to_s
    env['QUERY_STRING'] = turned(query, /[&;]/) if twice?(query, /[&;]/)
    if form?(env)
      body = turned(body, '&') if twice?(body, '&')
    elsif type =~ JSON_TYPES && (parsed = FirstHash.parse(body))
      env[PARSED] = parsed
    elsif type =~ MULTIPART && type.scan(/boundary=/i).size > 1
      env[PARSED] = GenerousMultipart.parse(type, body, boundary: type[/boundary="?([^";,]+)/i, 1])
    end
    [env, body]
  end

  def twice?(pairs, separator)
    names = pairs.split(separator).map { |p| Rack::Utils.unescape(p.split('=', 2).first.to_s).b.delete('[] ') }
    names.uniq.size != names.size
  rescue ArgumentError
    false
  end

  def turned(pairs, separator)
    pairs.split(separator).reverse.join('&')
  end

  # Rack 1.1.0 takes quotes off a value.
  def unquoted(env, body)
    quoted = /=(%22|%27|"|')([^&;]*)\1(?=[&;]|\z)/n
    query = env['QUERY_STRING'].to_s.b
    return unless query.match?(quoted) || (form?(env) && body.b.match?(quoted))

    env['QUERY_STRING'] = query.gsub(quoted, '=\2')
    [env, form?(env) ? body.b.gsub(quoted, '=\2') : body]
  end

  # Of two Content-Type lines, which arrive here joined by a comma, others take the last.
  def last_type(env, body)
    type = env['CONTENT_TYPE'].to_s
    [env.merge('CONTENT_TYPE' => type.split(',').last.to_s.strip), body] if type.include?(',')
  end

  # Some decode a body by the charset of its type.
  def charset(env, body)
    name = env['CONTENT_TYPE'].to_s[/charset="?([^";,\s]+)/i, 1]
    return if name.nil? || name.casecmp?('utf-8')

    [env, body.encode('UTF-8', name, invalid: :replace, undef: :replace).b]
  rescue EncodingError
    nil
  end

  # Some drop bytes that are not UTF-8.
  def scrubbed(env, body)
    query = env['QUERY_STRING'].to_s
    return unless /%[89a-f]|[\x80-\xff]/in.match?(query.b + body.b)

    env['QUERY_STRING'] = scrub_pairs(query)
    [env, form?(env) ? scrub_pairs(body) : body.dup.force_encoding('UTF-8').scrub('').b]
  end

  def scrub_pairs(pairs)
    pairs.split('&').map do |pair|
      pair.split('=', 2).map { |s| Rack::Utils.escape(URI.decode_www_form_component(s).scrub('')) }.join('=')
    end.join('&')
  rescue ArgumentError
    pairs
  end

  # Some do not read the body of a GET.
  def bodyless(env, body)
    [env, ''] if env['REQUEST_METHOD'] == 'GET' && !body.empty?
  end

  # Readers of mail undo the transfer encoding of a part.
  def transfer(env, body)
    return unless env['CONTENT_TYPE'] =~ MULTIPART && /Content-Transfer-Encoding:\s*(?:base64|quoted)/in.match?(body)

    [env.merge(PARSED => GenerousMultipart.parse(env['CONTENT_TYPE'], body, transfer: true)), body]
  end
end

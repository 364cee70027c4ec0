# Readings gives the other ways in which some release of Rack or Rails, or a server in front of them, reads
# the request that Rails 6.1 has just read. Each is the same request rewritten so that today's Rails sees
# what the other would have seen; the action then runs, or does not, for that reading too.
module Readings
  PARSED = 'action_dispatch.request.request_parameters'
  FORM = 'application/x-www-form-urlencoded'
  XML = %r{\A\s*(?:text/xml|application/xml|application/x-xml)\b}i.freeze
  JSON_TYPES = %r{\A\s*(?:application/json|text/x-json|application/jsonrequest)\b}i.freeze

  module_function

  # of answers [name, env, body] for each reading that differs from the request as it came.
  def of(env, body)
    seen = [signature(env, body)]
    [['', env], ['apache', apache(env)]].flat_map do |front, base|
      [['rails', base.dup, body], rack3(base, body), rack1(base, body), first(base, body), last_type(base, body)].compact
        .map { |name, e, b| [[front, name].reject(&:empty?).join('+'), e, b] }
    end.select do |_, e, b|
      mark = signature(e, b)
      seen.include?(mark) ? false : seen << mark
    end
  end

  def signature(env, body)
    path = env['PATH_INFO'].to_s.squeeze('/').chomp('/') # for Rails the same
    [env['REQUEST_METHOD'], path, env['QUERY_STRING'], env['CONTENT_TYPE'], env[PARSED], body]
  end

  # Apache decodes the path, squeezes slashes and resolves dot segments before Passenger hands it on.
  def apache(env)
    path = Rack::Utils.unescape_path(env['REQUEST_URI'].to_s.sub(%r{\A[a-z]+://[^/?]*}i, '').sub(/[?#].*\z/m, '')).b
    kept = path.split(%r{/+}).each_with_object([]) do |part, out|
      case part
      when '', '.' then next
      when '..' then out.pop
      else out << part
      end
    end
    env.merge('PATH_INFO' => "/#{kept.map { |p| escape(p) }.join('/')}")
  end

  def escape(part)
    part.gsub(/[^A-Za-z0-9\-._~!$&'()*+,;=:@]/n) { |c| format('%%%02X', c.ord) }
  end

  # Rack 3 no longer separates at a semicolon in the query.
  def rack3(env, body)
    query = env['QUERY_STRING'].to_s
    ['rack3', env.merge('QUERY_STRING' => query.gsub(';', '%3B')), body] if query.include?(';')
  end

  # Rack 1 and the Rails of its days: semicolons separate in bodies as well, a body may end with a NUL, the
  # method can be overridden in the query and by more headers, XML is a format of parameters, and a header
  # can say so in place of the type.
  def rack1(env, body)
    env = env.dup
    type = legacy_type(env)
    if form?(env, type)
      body = body.sub(/\0\z/n, '').tr(';', '&')
    elsif type =~ XML
      env[PARSED] = xml(body)
    elsif type =~ %r{\A\s*multipart/}i
      env[PARSED] = RackOneMultipart.parse(type, body)
    elsif type =~ JSON_TYPES
      env['CONTENT_TYPE'] = 'application/json'
    end
    override(env)
    ['rack1', env.compact, body]
  end

  def legacy_type(env)
    case env['HTTP_X_POST_DATA_FORMAT'].to_s.downcase
    when 'xml' then 'application/xml'
    else env['CONTENT_TYPE'].to_s
    end
  end

  def override(env)
    return unless env['REQUEST_METHOD'] == 'POST'

    asked = env['QUERY_STRING'].to_s[/(?:\A|[&;]) *_method=([A-Za-z]+)/, 1] ||
            env['HTTP_X_HTTP_METHOD_OVERRIDE'] || env['HTTP_X_METHOD_OVERRIDE'] || env['HTTP_X_HTTP_METHOD']
    asked = asked.to_s.strip.upcase
    env['REQUEST_METHOD'] = asked if %w[GET HEAD PUT PATCH POST DELETE OPTIONS].include?(asked)
  end

  def form?(env, type)
    type.strip.empty? ? env['REQUEST_METHOD'] == 'POST' : type.downcase.strip.start_with?(FORM)
  end

  def xml(body)
    Hash.from_xml(body) || {}
  rescue StandardError
    nil
  end

  # Other parsers take the first of two values of one name, where Rails takes the last.
  def first(env, body)
    query, form = env['QUERY_STRING'].to_s, body
    type = env['CONTENT_TYPE'].to_s
    env = env.merge('QUERY_STRING' => turned(query, /[&;]/)) if twice?(query, /[&;]/)
    if form?(env, type)
      form = turned(body, '&') if twice?(body, '&')
    elsif type =~ JSON_TYPES && (parsed = first_json(body))
      env = env.merge(PARSED => parsed)
    end
    ['first', env, form]
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

  # FirstHash keeps the first value of a key that stands twice.
  class FirstHash < Hash
    attr_accessor :twice

    def []=(key, value)
      self.twice = true if key?(key)
      super unless key?(key)
    end
  end

  def first_json(body)
    parsed = JSON.parse(body, object_class: FirstHash)
    parsed.is_a?(FirstHash) && parsed.twice ? Hash[parsed] : nil
  rescue JSON::ParserError, EncodingError, ArgumentError
    nil
  end

  # Of two Content-Type lines, which arrive here joined by a comma, others take the last.
  def last_type(env, body)
    type = env['CONTENT_TYPE'].to_s
    ['last type', env.merge('CONTENT_TYPE' => type.split(',').last.to_s.strip), body] if type.include?(',')
  end
end

# RackOneMultipart reads a multipart body with Rack 1's generosity: a name is taken from wherever the head of
# a part seems to hold one, and a value ends at the boundary even in the middle of a line.
module RackOneMultipart
  module_function

  def parse(type, body)
    boundary = type[/boundary="?([^";,]+)"?/n, 1] or return nil
    pieces = body.split(/(?:\r\n)?--#{Regexp.escape(boundary.b)}(?=\r\n|--)/n)
    params = pieces.drop(1).each_with_object({}) do |piece, out|
      break out if piece.start_with?('--')

      head, value = piece.sub(/\A\r\n/n, '').split("\r\n\r\n", 2)
      name = name(head.to_s)
      out[name.to_s.delete('[]')] = value.to_s unless name.nil? || name.empty? || head =~ /filename="?[^";\s]/in
    end
    params.transform_keys { |k| k.dup.force_encoding('UTF-8') }.transform_values { |v| v.dup.force_encoding('UTF-8') }
  end

  def name(head)
    head[/Content-Disposition:.*\s+name="?([^";]*)"?/in, 1] || head[/Content-ID:\s*([^\r\n]*)/in, 1]
  end
end

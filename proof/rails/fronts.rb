# Fronts gives what servers before Rails, and the routing of its early releases, make of a target. Each
# answers the changed env, or nil.
module Fronts
  module_function

  # Apache decodes the path, squeezes slashes and resolves dot segments before Passenger hands it on.
  def apache(env)
    kept = decoded(env).split(%r{/+}).each_with_object([]) do |part, out|
      case part
      when '', '.' then next
      when '..' then out.pop
      else out << part
      end
    end
    env.merge('PATH_INFO' => "/#{kept.map { |p| escape(p) }.join('/')}")
  end

  # A rewriting proxy may forget to escape again what it has decoded: the target is split anew.
  def resplit(env)
    path = decoded(env)
    return unless path.match?(/[?#]/n)

    path, query = path.sub(/#.*\z/mn, '').split('?', 2)
    env.merge('PATH_INFO' => path.to_s, 'QUERY_STRING' => [query, env['QUERY_STRING']].compact.join('?'))
  end

  # Rails 2 takes a line of the decoded target that begins like an address for one, and what is behind the
  # host for the path, also behind a host such as "b?".
  def address(env)
    target, query = env['REQUEST_URI'].to_s.split('?', 2)
    inside = "#{Rack::Utils.unescape_path(target.to_s).b}?#{query}"[%r{^\w+://[^/]+(/.*)$}n, 1]
    return unless inside

    path, query = inside.split('?', 2)
    env.merge('PATH_INFO' => path, 'QUERY_STRING' => query.to_s)
  end

  def decoded(env)
    target = env['REQUEST_URI'].to_s.sub(%r{\A[a-z]+://[^/?]*}i, '').sub(/[?#].*\z/m, '')
    Rack::Utils.unescape_path(target).b
  end

  def escape(part)
    part.gsub(/[^A-Za-z0-9\-._~!$&'()*+,;=:@]/n) { |c| format('%%%02X', c.ord) }
  end
end

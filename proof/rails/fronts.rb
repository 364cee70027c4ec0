# Fronts gives what servers before Rails, and the routing of its early releases, make of a target. Each
# answers the changed env, or nil.
module Fronts
  module_function

  # Apache decodes the path, squeezes slashes and resolves dot segments; Passenger escapes again what may not
  # stand in a path, and nothing else. Written from what the real ones did: TestApacheEmulation compares.
  def apache(env)
    path = decoded(env)
    kept = path.split(%r{/+}).each_with_object([]) do |part, out|
      case part
      when '', '.' then next
      when '..' then out.pop
      else out << part
      end
    end
    kept << '' if path.end_with?('/', '/.', '/..') && kept.any?
    path = "/#{kept.join('/')}".gsub(/[\0-\x20#%?\x7f-\xff]/n) { |c| format('%%%02x', c.ord) }
    env.merge('SCRIPT_NAME' => '', 'PATH_INFO' => path)
  end

  # A rewriting proxy may forget to escape again what it has decoded: the target is split anew.
  def resplit(env)
    path = decoded(env)
    return unless path.match?(/[?#]/n)

    path, query = path.sub(/#.*\z/mn, '').split('?', 2)
    env.merge('SCRIPT_NAME' => '', 'PATH_INFO' => path.to_s,
              'QUERY_STRING' => [query, env['QUERY_STRING']].compact.join('?'))
  end

  # Rails 2 takes a line of the decoded target that begins like an address for one, and what is behind the
  # host for the path, also behind a host such as "b?".
  def address(env)
    target, query = env['REQUEST_URI'].to_s.split('?', 2)
    inside = "#{Rack::Utils.unescape_path(target.to_s).b}?#{query}"[%r{^\w+://[^/]+(/.*)$}n, 1]
    return unless inside

    path, query = inside.split('?', 2)
    env.merge('SCRIPT_NAME' => '', 'PATH_INFO' => path, 'QUERY_STRING' => query.to_s)
  end

  def decoded(env)
    target = env['REQUEST_URI'].to_s.sub(%r{\A[a-z]+:(//[^/?]*)?(?=[/?]|\z)}i, '').sub(/[?#].*\z/m, '')
    Rack::Utils.unescape_path(target).b
  end
end

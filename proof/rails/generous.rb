# GenerousMultipart reads a multipart body as Rack 1 did: a name is taken from wherever the head of a part
# seems to hold one, and a value ends at the boundary even in the middle of a line.
module GenerousMultipart
  module_function

  # Of two boundaries Rack before 2.2.23, 3.1.21 and 3.2.6 takes the last, also where it stands inside the other.
  def parse(type, body, transfer: false, boundary: type[/.*boundary="?([^";,]+)"?/n, 1])
    return unless boundary

    pieces = body.split(/(?:\r\n)?--#{Regexp.escape(boundary.b)}(?=\r\n|--)/n)
    params = {}
    pieces.drop(1).each do |piece|
      break if piece.start_with?('--')

      head, value = piece.delete_prefix("\r\n").split("\r\n\r\n", 2)
      name = name(head.to_s).to_s.delete('[]')
      next if name.empty? || head =~ /filename="?[^";\s]/in

      params[utf8(name)] = utf8(transfer ? plain(head, value.to_s) : value.to_s)
    end
    params
  end

  def name(head)
    line = head.lines.grep(/Content-Disposition:/in).last
    return head[/Content-ID:\s*([^\r\n]*)/in, 1] unless line && (at = line.rindex(/\sname=/in))

    line[at..].sub(/\A\sname="?/in, '')[/\A[^";]*/n].chomp
  end

  def plain(head, value)
    case head[/Content-Transfer-Encoding:\s*(\S+)/in, 1].to_s.downcase
    when 'base64' then value.unpack1('m')
    when 'quoted-printable' then value.unpack1('M')
    else value
    end
  end

  def utf8(text)
    text.dup.force_encoding('UTF-8')
  end
end

# FirstHash keeps the first value of a repeated key.
class FirstHash < Hash
  attr_accessor :twice

  def []=(key, value)
    self.twice = true if key?(key)
    super unless key?(key)
  end

  # parse answers what a parser makes of a JSON object that takes the first of two values of a key; nil if
  # there is no such key.
  def self.parse(body)
    parsed = JSON.parse(body, object_class: self)
    parsed.is_a?(self) && parsed.twice ? Hash[parsed] : nil
  rescue JSON::ParserError, EncodingError, ArgumentError
    nil
  end
end

require 'json'

# Recorder writes one line for each request that reached MOR, with every run of the action that Rails, or
# another reading of the same bytes, made of it. The line is written before the answer is sent, so that
# whoever has the answer finds the line.
class Recorder
  def initialize(app, path)
    @app = app
    @out = File.open(path, File::WRONLY | File::APPEND | File::CREAT)
    @lock = Mutex.new
  end

  def call(env)
    body = env['rack.input'].read.b
    fresh = env.dup
    runs = []
    errors = []
    answer = run(fresh, body, 'rails', runs)
    Readings.of(fresh, body, errors).each { |name, other, bytes| run(other, bytes, name, runs) }
    write(fresh, body, runs, errors)
    answer
  end

  private

  def run(env, body, reading, runs)
    env = env.merge('rack.input' => StringIO.new(body), 'proof.reading' => reading, 'proof.runs' => runs)
    status, headers, parts = @app.call(env)
    text = +''
    parts.each { |p| text << p }
    parts.close if parts.respond_to?(:close)
    [status, headers, [text]]
  rescue StandardError, SystemStackError => e
    [500, { 'Content-Type' => 'text/plain' }, ["#{e.class}\n"]]
  end

  def write(env, body, runs, errors)
    line = JSON.generate(
      id: encode(env['HTTP_X_PROOF_ID']), site: encode(env['HTTP_X_PROOF_SITE']),
      method: encode(env['REQUEST_METHOD']), target: encode(env['REQUEST_URI']),
      path: encode(env['SCRIPT_NAME'].to_s + env['PATH_INFO'].to_s), query: encode(env['QUERY_STRING']), apache: encode(Fronts.apache(env)['PATH_INFO']),
      headers: env.select { |k, _| k.start_with?('HTTP_', 'CONTENT_') }.transform_values { |v| encode(v) },
      body: encode(body), runs: runs, errors: errors.map { |e| encode(e) }
    )
    @lock.synchronize { @out.syswrite("#{line}\n") }
  end

  def encode(text)
    [text.to_s].pack('m0')
  end
end

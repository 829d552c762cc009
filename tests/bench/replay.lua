-- Sends the requests of a file, one after another, as they stand there: each is eight digits with
-- its length in bytes, then the request. wrk takes the first one only to look at it.
local threads = {}
local file, size

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  file = assert(io.open(arguments[1], "rb"))
  rounds = 0
end

function request()
  size = file:read(8)
  if not size then
    rounds = rounds + 1
    file:seek("set", 0)
    size = file:read(8)
  end
  return file:read(tonumber(size))
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50_us":%d,"p99_us":%d,"status":%d,"broken":%d,"rounds":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout, threads[1]:get("rounds")))
end

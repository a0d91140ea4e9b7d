-- exchanges.lua - keeps what was asked and answered, to be held against the
-- contract (tests/openapi).
--
-- With RINGFENCE_EXCHANGES every exchange becomes a line of JSON in the file of
-- that name. Without it nothing is kept.

local json = require "tests.support.json"

local exchanges = {}

local NAME = os.getenv("RINGFENCE_EXCHANGES")

local file

-- Each line is written at once: a test process may be killed.
local function open()
  local opened = assert(io.open(NAME, "a"))
  opened:setvbuf("line")
  return opened
end

-- Keep a request, as http.format takes it, and its reply.
function exchanges.note(request, reply)
  if not NAME then return end
  file = file or open()
  file:write(json.encode(json.object {
    method = request.method, target = request.target, status = reply.status,
    type = reply.headers["content-type"] or "", body = reply.body,
  }), "\n")
end

return exchanges

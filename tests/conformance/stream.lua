-- stream.lua - reads server-sent events.

local http = require "tests.support.http"
local json = require "tests.support.json"
local tasks = require "tests.support.tasks"

local stream = {}

-- One event from its lines; nil for a comment alone.
local function parse_event(block)
  local event, found = json.object(), false
  for line in block:gmatch("[^\n]+") do
    local name, value = line:match("^(%a+): ?(.*)$")
    if name then
      event[name], found = value, true
    end
  end
  if not found then return nil end
  event.id = tonumber(event.id) or event.id
  if event.data then event.data = json.decode(event.data) end
  return event
end

-- The bytes of the body so far, without the chunked framing.
local function body_bytes(buffer)
  local head, rest = buffer:match("^(.-\r\n)\r\n(.*)$")
  if not head then return nil end
  if not head:match("^HTTP/1%.1 200 ") then error("stream: " .. buffer, 0) end
  if not head:lower():find("transfer-encoding: chunked", 1, true) then
    return rest
  end
  local parts = {}
  while true do
    local size, start = rest:match("^(%x+)\r\n()")
    if not size or #rest < start + tonumber(size, 16) + 1 then break end
    local last = start + tonumber(size, 16) - 1
    parts[#parts + 1] = rest:sub(start, last)
    rest = rest:sub(last + 3)
  end
  return table.concat(parts)
end

local function parse_events(buffer)
  local events = json.array()
  local text = body_bytes(buffer) or ""
  for block in text:gsub("\r\n", "\n"):gmatch("(.-)\n\n") do
    events[#events + 1] = parse_event(block)
  end
  return events
end

-- Send the request and read until there are `count` events; raise when they
-- do not come in time.
function stream.read(port, request, count, seconds)
  local connection = http.connect(port)
  local deadline = tasks.now() + seconds
  assert(connection:start(request))
  local events = json.array()
  while #events < count do
    local ok, reason = connection:fill(deadline)
    events = parse_events(connection.buffer)
    if not ok and #events < count then
      connection:close()
      error(("stream: %d of %d events, %s"):format(#events, count, reason), 0)
    end
  end
  connection:close()
  while #events > count do table.remove(events) end
  return events
end

return stream

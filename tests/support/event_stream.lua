-- event_stream.lua - a client of server-sent events, strict about what it
-- reads: the chunks, the fields of each event, the order of its bytes.

local http = require "tests.support.http"
local json = require "tests.support.json"
local tasks = require "tests.support.tasks"

local EventStream = {}
EventStream.__index = EventStream

-- Send a request, built by App:build, on a connection of its own. `version`
-- is "1.1" unless named.
function EventStream.open(port, request, version)
  local self = setmetatable({
    connection = http.connect(port), text = "", comments = 0,
    events = {}, taken = 0,
  }, EventStream)
  request.headers.Accept = request.headers.Accept or "text/event-stream"
  local bytes = http.format(request)
  if version then bytes = bytes:gsub("HTTP/1%.1\r\n", "HTTP/" .. version
    .. "\r\n", 1) end
  assert(self.connection:send(bytes))
  return self
end

local function parse_head(block)
  local head = { status = tonumber(block:match("^HTTP/1%.1 (%d%d%d) ")) }
  for name, value in block:gmatch("\r\n([^:\r\n]+): ([^\r\n]*)") do
    head[name:lower()] = value
  end
  return head
end

-- Take the head off the buffer once it is there.
local function take_head(self)
  local connection = self.connection
  local block, rest = connection.buffer:match("^(.-)\r\n\r\n(.*)$")
  if not block then return end
  self.head = parse_head(block)
  self.chunked = self.head["transfer-encoding"] == "chunked"
  connection.buffer = rest
end

-- Move whole chunks from the buffer to the text.
local function take_chunks(self)
  local buffer, position, parts = self.connection.buffer, 1, { self.text }
  while not self.complete do
    local size, start = buffer:match("^(%x+)\r\n()", position)
    size = size and tonumber(size, 16)
    if not size or #buffer < start + size + 1 then break end
    assert(buffer:sub(start + size, start + size + 1) == "\r\n", "chunk end")
    parts[#parts + 1] = buffer:sub(start, start + size - 1)
    position = start + size + 2
    self.complete = size == 0
  end
  self.text = table.concat(parts)
  self.connection.buffer = buffer:sub(position)
end

local function take_body(self)
  if self.chunked then return take_chunks(self) end
  self.text = self.text .. self.connection.buffer
  self.connection.buffer = ""
end

local function parse_event(block)
  local id, event, data =
    block:match("^id: (%d+)\nevent: (%l+)\ndata: ([^\n]+)$")
  assert(id, "not an event: " .. block)
  data = json.decode(data)
  assert(data.number == tonumber(id) and data.operation == event, block)
  return { id = tonumber(id), event = event, data = data }
end

local function take_events(self)
  local position = 1
  for block, after in self.text:gmatch("(.-)\n\n()") do
    position = after
    if block:sub(1, 1) == ":" then
      self.comments = self.comments + 1
    else
      self.events[#self.events + 1] = parse_event(block)
    end
  end
  self.text = self.text:sub(position)
end

-- Read what has come, wait for something when there is nothing. nil and
-- "closed" or "timeout" when nothing came.
function EventStream:fill(deadline)
  local ok, reason = self.connection:fill(deadline)
  if not self.head then take_head(self) end
  if self.head and self.head.status == 200 then
    take_body(self)
    take_events(self)
  end
  return ok, reason
end

local function fill_until(self, what, done)
  local deadline = tasks.now() + http.TIMEOUT_SECONDS
  while not done() do
    local ok, reason = self:fill(deadline)
    if not ok and not done() then
      error(("stream: %s while waiting for %s; %d events so far"):format(reason,
        what, #self.events), 0)
    end
  end
end

-- The head of the reply: status, and headers in lower case.
function EventStream:await_head()
  fill_until(self, "the head", function() return self.head end)
  return self.head
end

-- The next `count` events, in order.
function EventStream:take(count)
  local first = self.taken + 1
  self.taken = self.taken + count
  fill_until(self, count .. " events", function()
    return #self.events >= self.taken
  end)
  return table.move(self.events, first, self.taken, 1, {})
end

function EventStream:await_comments(count)
  fill_until(self, "comments", function() return self.comments >= count end)
end

-- Read to the end of the reply. Raises when it was cut off: without the last
-- chunk, or in the middle of an event.
function EventStream:await_end()
  fill_until(self, "the end", function()
    return self.complete or self.connection.closed
  end)
  assert(self.complete or not self.chunked, "the stream was cut off")
  assert(self.text == "", "an event was cut off")
end

function EventStream:close() self.connection:close() end

function EventStream:reset() self.connection:reset() end

return EventStream

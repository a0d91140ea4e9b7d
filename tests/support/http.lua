-- http.lua - a small HTTP/1.1 client that can do what tests need.
--
-- Connections stay open, may be pipelined, and take raw bytes. Inside a task
-- (tasks.lua) many of them are in flight at once. Nothing is retried and
-- nothing is repaired behind the test's back.

local socket = require "socket"
local exchanges = require "tests.support.exchanges"
local http_reply = require "tests.support.http_reply"
local tasks = require "tests.support.tasks"

local http = {}

-- Far above what any reply takes, so that only a hang runs into it.
http.TIMEOUT_SECONDS = 30

local Connection = {}
Connection.__index = Connection

-- Connect to a port of this machine. nil and a reason when refused.
function http.try_connect(port)
  local handle = assert(socket.tcp())
  handle:settimeout(5)
  local ok, reason = handle:connect("127.0.0.1", port)
  if not ok then
    handle:close()
    return nil, reason
  end
  handle:settimeout(0)
  handle:setoption("tcp-nodelay", true)
  return setmetatable({ socket = handle, buffer = "", requests = {} },
    Connection)
end

function http.connect(port)
  local connection, reason = http.try_connect(port)
  if not connection then
    error(("connect to port %s: %s"):format(port, reason), 2)
  end
  return connection
end

-- Without a body these still have to say so.
local NEEDS_LENGTH = { POST = true, PUT = true }

local function has_header(headers, wanted)
  for name in pairs(headers) do
    if name:lower() == wanted then return true end
  end
  return false
end

-- The bytes of a request: method, target, headers (a table), body.
function http.format(request)
  local headers = request.headers or {}
  local lines = { ("%s %s HTTP/1.1"):format(request.method, request.target) }
  if not has_header(headers, "host") then lines[2] = "Host: localhost" end
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value
  end
  local body = request.body or ""
  local framed = has_header(headers, "content-length")
    or has_header(headers, "transfer-encoding")
  if not framed and (request.body or NEEDS_LENGTH[request.method]) then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

-- A body in the chunked coding, in pieces of `size` bytes.
function http.chunked(body, size)
  local parts = {}
  for start = 1, #body, size do
    local piece = body:sub(start, start + size - 1)
    parts[#parts + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  return table.concat(parts) .. "0\r\n\r\n"
end

-- Send bytes as they are. nil and a reason when the peer does not take them.
function Connection:send(bytes, deadline)
  deadline = deadline or tasks.now() + http.TIMEOUT_SECONDS
  local sent = 0
  while sent < #bytes do
    local last, reason, partial = self.socket:send(bytes, sent + 1)
    sent = last or partial
    if not last then
      if reason ~= "timeout" then return nil, reason end
      if not tasks.wait(self.socket, "write", deadline) then
        return nil, "timeout"
      end
    end
  end
  return true
end

-- Read what there is into the buffer; wait when there is nothing.
-- nil and "closed" or "timeout" when nothing came.
function Connection:fill(deadline)
  while true do
    local data, reason, partial = self.socket:receive(65536)
    data = data or partial or ""
    if #data > 0 then
      self.buffer = self.buffer .. data
      return true
    end
    if reason ~= "timeout" then
      self.closed = true
      return nil, reason
    end
    local ok, why = tasks.wait(self.socket, "read", deadline)
    if not ok then return nil, why end
  end
end

-- The next reply, or nil and "closed", "timeout" or what is wrong with it.
function Connection:read_reply(method, deadline)
  deadline = deadline or tasks.now() + http.TIMEOUT_SECONDS
  while true do
    local reply, rest = http_reply.parse(self.buffer, method, self.closed)
    if reply then
      self.buffer = rest
      if reply.status >= 200 then return reply end
    elseif rest then
      return nil, rest
    elseif self.closed then
      return nil, "closed"
    else
      local ok, reason = self:fill(deadline)
      if not ok and reason ~= "closed" then return nil, reason end
    end
  end
end

-- Send one request without waiting. nil and a reason on failure.
function Connection:start(request)
  self.requests[#self.requests + 1] = request
  return self:send(http.format(request))
end

-- The reply to the oldest request started and not yet read.
function Connection:finish(deadline)
  local request = table.remove(self.requests, 1)
  local reply, reason = self:read_reply(request.method, deadline)
  if reply then exchanges.note(request, reply) end
  return reply, reason
end

-- One request and its reply; nil and a reason on failure.
function Connection:try_request(request)
  local ok, reason = self:start(request)
  if not ok then return nil, reason end
  return self:finish()
end

function Connection:request(request)
  local reply, reason = self:try_request(request)
  if not reply then
    error(("%s %s: %s"):format(request.method, request.target, reason), 2)
  end
  return reply
end

-- Everything until the peer closes; the bytes, and "closed" or "timeout".
function Connection:read_all(deadline)
  while true do
    local ok, reason = self:fill(deadline)
    if not ok then return self.buffer, reason end
  end
end

-- Say that no more will be sent; replies can still be read.
function Connection:half_close()
  self.socket:shutdown("send")
end

-- Close with a reset instead of an orderly end.
function Connection:reset()
  self.socket:setoption("linger", { on = true, timeout = 0 })
  self.socket:close()
end

function Connection:close()
  self.socket:close()
end

-- Send all requests on a connection each, so that all are in flight before
-- the first reply is read; the replies, in the order of the requests.
function http.together(port, requests)
  local connections, replies = {}, {}
  for index = 1, #requests do connections[index] = http.connect(port) end
  tasks.times(#requests, function(index)
    assert(connections[index]:start(requests[index]))
  end)
  tasks.times(#requests, function(index)
    replies[index] = assert(connections[index]:finish())
    connections[index]:close()
  end)
  return replies
end

return http

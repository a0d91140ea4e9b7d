-- http_reply.lua - reads HTTP/1.1 replies from bytes, strictly.
--
-- Being strict is the point: a reply that a lenient client would forgive is a
-- fault of the server and must turn a test red.

local http_reply = {}

local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

local function bad(text)
  error({ bad_reply = text }, 0)
end

local function parse_status_line(line)
  local version, status, reason = line:match("^HTTP/(1%.[01]) (%d%d%d) (.*)$")
  if not version then bad("status line: " .. line) end
  return version, tonumber(status), reason
end

local function parse_headers(block)
  local headers, names = {}, {}
  for line in block:gmatch("(.-)\r\n") do
    local name, value = line:match("^([^:]*):[ \t]*(.-)[ \t]*$")
    if not name or not name:match(TOKEN) then bad("header: " .. line) end
    if value:find("%c") then bad("header value: " .. line) end
    local key = name:lower()
    headers[key] = headers[key] and headers[key] .. ", " .. value or value
    names[#names + 1] = key
  end
  return headers, names
end

-- Decode a chunked body; nil while it is not complete.
local function parse_chunks(bytes, position)
  local parts = {}
  while true do
    local line_end = bytes:find("\r\n", position, true)
    if not line_end then return nil end
    local size = bytes:sub(position, line_end - 1):match("^(%x+)$")
    if not size then bad("chunk size") end
    size = tonumber(size, 16)
    local start = line_end + 2
    if #bytes < start + size + 1 then return nil end
    if bytes:sub(start + size, start + size + 1) ~= "\r\n" then
      bad("chunk end")
    end
    position = start + size + 2
    if size == 0 then return table.concat(parts), position end
    parts[#parts + 1] = bytes:sub(start, start + size - 1)
  end
end

local function has_no_body(method, status)
  return method == "HEAD" or status < 200 or status == 204 or status == 304
end

local function parse_sized(bytes, position, length)
  local size = tonumber(length:match("^%d+$") or bad("content-length"))
  if #bytes < position + size - 1 then return nil end
  return bytes:sub(position, position + size - 1), position + size
end

-- The body and the position after it; nil while it is not complete.
local function parse_body(bytes, position, reply, method, closed)
  local length = reply.headers["content-length"]
  local coding = reply.headers["transfer-encoding"]
  if length and coding then bad("content-length and transfer-encoding") end
  if has_no_body(method, reply.status) then return "", position end
  if coding then
    if coding:lower() ~= "chunked" then bad("coding: " .. coding) end
    return parse_chunks(bytes, position)
  elseif length then
    return parse_sized(bytes, position, length)
  elseif closed then
    return bytes:sub(position), #bytes + 1
  end
end

local function parse_head(bytes)
  local head_end = bytes:find("\r\n\r\n", 1, true)
  if not head_end then return nil end
  local line_end = bytes:find("\r\n", 1, true)
  local version, status, reason = parse_status_line(bytes:sub(1, line_end - 1))
  local headers, names = parse_headers(bytes:sub(line_end + 2, head_end + 1))
  return {
    version = version, status = status, reason = reason,
    headers = headers, header_names = names,
  }, head_end + 4
end

local function parse(bytes, method, closed)
  local reply, position = parse_head(bytes)
  if not reply then return nil end
  local body, rest = parse_body(bytes, position, reply, method, closed)
  if not body then return nil end
  reply.body = body
  return reply, bytes:sub(rest)
end

-- Read one reply off the front of `bytes`: the reply and the bytes after it.
-- nil when more bytes are needed; nil and a text when this is no HTTP.
-- `closed` says that no more will come.
function http_reply.parse(bytes, method, closed)
  local ok, reply, rest = pcall(parse, bytes, method, closed)
  if ok then return reply, rest end
  if type(reply) == "table" and reply.bad_reply then
    return nil, "bad reply, " .. reply.bad_reply
  end
  error(reply, 0)
end

-- Read as many complete replies as there are; the statuses of all of them
-- but the interim ones. `method` is that of the first request.
function http_reply.statuses(bytes, method, closed)
  local found = {}
  while #bytes > 0 do
    local reply, rest = http_reply.parse(bytes, method, closed)
    if not reply then break end
    if reply.status >= 200 then
      found[#found + 1] = reply.status
      method = nil
    end
    bytes = rest
  end
  return found
end

return http_reply

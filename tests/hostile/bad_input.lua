-- bad_input.lua - sends the malformed and hostile requests of bad-input/.
--
-- cases.tsv says what to send, which answers are right, how many there may be
-- and what may change. All cases run at once, because many only show by what
-- does NOT come, and silence takes time to hear.

local folder = require "tests.support.folder"
local http = require "tests.support.http"
local http_reply = require "tests.support.http_reply"
local tasks = require "tests.support.tasks"

local bad_input = {}

local HERE = "tests/hostile/bad-input/"

-- A connection that stays silent this long has said all it had to say.
local QUIET_SECONDS = 1.5
-- The server must have ended a stalled or endless request by then.
local DEADLINE_SECONDS = 30
-- Cases in flight beside the slow ones.
local WORKERS = 48

local COLUMNS = {
  "id", "file", "send", "expect", "replies", "effect", "reason", "note",
}

local function split(line)
  local fields, index = {}, 0
  for field in (line .. "\t"):gmatch("(.-)\t") do
    index = index + 1
    fields[COLUMNS[index]] = field
  end
  fields.pending = (fields.note or ""):match("^pending: (.*)$")
  return fields
end

-- All cases of the index, in its order.
function bad_input.cases()
  local cases = {}
  for line in io.lines(HERE .. "cases.tsv") do
    if line:sub(1, 1) ~= "#" then cases[#cases + 1] = split(line) end
  end
  return cases
end

local function replace_marks(text, tokens)
  return (text:gsub("{{([%u_]+)}}", tokens))
end

-- Replace the token marks. A Content-Length in a file counts the body with
-- its marks in place, so it is corrected by the difference.
local function fill(bytes, tokens)
  local head, body = bytes:match("^(.-\r\n\r\n)(.*)$")
  if not head then return replace_marks(bytes, tokens) end
  local filled = replace_marks(body, tokens)
  head = replace_marks(head, tokens)
  if #filled ~= #body then
    head = head:gsub("(\r\nContent%-Length: *)(%d+)", function(name, length)
      local value = tonumber(length)
      return name .. (value == #body and #filled or value)
    end)
  end
  return head .. filled
end

-- The bytes of a case.
function bad_input.bytes(case, tokens)
  local data = assert(folder.read(HERE .. case.file), case.file)
  local method, target = case.send:match("^json (%u+) (%S+)$")
  if not method then return fill(data, tokens) end
  return http.format {
    method = method, target = target, body = data,
    headers = {
      Authorization = "Bearer " .. tokens.TOKEN, ["Api-Version"] = "1.0",
      ["Content-Type"] = "application/json",
    },
  }
end

-- Read until the peer closes or is silent; "closed", "reset" or "open".
local function listen(connection, quiet_seconds, stop_at_reply)
  while true do
    local quiet = quiet_seconds
    if stop_at_reply and #http_reply.statuses(connection.buffer, "GET") > 0 then
      quiet = QUIET_SECONDS
    end
    local ok, reason = connection:fill(tasks.now() + quiet)
    if not ok then return reason == "timeout" and "open" or reason end
  end
end

local SENDERS = {}

SENDERS["raw"] = function(connection, bytes)
  connection:send(bytes)
  return listen(connection, QUIET_SECONDS)
end

SENDERS["raw+close"] = function(connection, bytes)
  connection:send(bytes)
  connection:half_close()
  return listen(connection, QUIET_SECONDS)
end

SENDERS["raw-wait"] = function(connection, bytes)
  connection:send(bytes)
  return listen(connection, DEADLINE_SECONDS, true)
end

SENDERS["raw-split"] = function(connection, bytes, first, milliseconds)
  connection:send(bytes:sub(1, first))
  tasks.pause(milliseconds / 1000)
  connection:send(bytes:sub(first + 1))
  return listen(connection, QUIET_SECONDS)
end

SENDERS["raw-drip"] = function(connection, bytes, milliseconds)
  local started = tasks.now()
  for index = 1, #bytes do
    connection:send(bytes:sub(index, index))
    local ok, reason = connection:fill(tasks.now() + milliseconds / 1000)
    if not ok and reason ~= "timeout" then return reason end
    if tasks.now() - started > DEADLINE_SECONDS then return "open" end
  end
  return listen(connection, QUIET_SECONDS)
end

SENDERS["raw-repeat"] = function(connection, bytes, count)
  local head, body = bytes:match("^(.-\r\n\r\n)(.*)$")
  local deadline = tasks.now() + DEADLINE_SECONDS
  connection:send(head, deadline)
  for _ = 1, count do
    if not connection:send(body, deadline) then break end
  end
  return listen(connection, DEADLINE_SECONDS, true)
end

SENDERS["raw-abort"] = function(connection, bytes)
  connection:send(bytes)
  connection:reset()
  return "aborted"
end

SENDERS["raw-noread"] = function(connection, bytes)
  connection:send(bytes, tasks.now() + 2)
  tasks.pause(2)
  return "aborted"
end

local function sender_of(case)
  if case.send:match("^json ") then return SENDERS["raw"] end
  local name, first, second = case.send:match("^([^:]+):?(%d*):?(%d*)$")
  return assert(SENDERS[name], case.send), tonumber(first), tonumber(second)
end

-- Whether a case takes until a deadline of the server.
local function is_slow(case)
  return case.send:match("^raw%-wait") or case.send:match("^raw%-drip")
    or case.send:match("^raw%-repeat")
end

-- Send one case: { bytes, state, statuses }.
function bad_input.send(case, port, tokens)
  local connection, reason = http.try_connect(port)
  if not connection then
    return { bytes = "", state = "no connection: " .. reason, statuses = {} }
  end
  local send, first, second = sender_of(case)
  local bytes = bad_input.bytes(case, tokens)
  local state = send(connection, bytes, first, second)
  if state ~= "aborted" or case.send == "raw-noread" then connection:close() end
  return {
    bytes = connection.buffer, state = state,
    statuses = http_reply.statuses(connection.buffer, bytes:match("^%u+"),
      state ~= "open"),
  }
end

local function is_refused(status, bytes)
  if status // 100 == 4 then return true end
  if status ~= 200 and status ~= 500 then return false end
  local without_empty = bytes:gsub('"success"%s*:%s*%[%s*%]', "")
  if without_empty:find('"success"', 1, true) then return false end
  return bytes:find("failure", 1, true) ~= nil
    or bytes:find("conflict", 1, true) ~= nil
    or bytes:find("notFound", 1, true) ~= nil
end

local function has_failed_line(bytes)
  for _, name in ipairs { "failure", "conflict", "notFound", "unknown" } do
    if bytes:find('"' .. name .. '"%s*:%s*%[%s*[^%]%s]') then return true end
  end
  return false
end

local function alternative_fits(name, result)
  local status = result.statuses[1]
  if name == "any" then return true end
  if name == "close" then return not status and result.state ~= "open" end
  if not status then return false end
  if name == "refuse" then return is_refused(status, result.bytes) end
  if name == "bulkfail" then
    return status == 200 and has_failed_line(result.bytes)
  end
  local class = name:match("^(%d)xx$")
  return class and status // 100 == tonumber(class)
    or status == tonumber(name)
end

local function answer_fits(case, result)
  for name in case.expect:gmatch("[^|]+") do
    if alternative_fits(name, result) then return true end
  end
  return false
end

-- nil when the result is right, else what is wrong with it.
function bad_input.judge(case, result)
  local got = table.concat(result.statuses, " ")
  if not answer_fits(case, result) then
    return ("expected %s, got %s %s: %s"):format(case.expect, got,
      result.state, result.bytes:sub(1, 300))
  elseif case.replies ~= "any"
    and #result.statuses > tonumber(case.replies) then
    return ("at most %s replies, got %s"):format(case.replies, got)
  elseif case.send == "raw-wait" and result.state == "open"
    and #result.statuses == 0 then
    return "still open at the deadline"
  elseif not result.alive then
    return "the server did not answer afterwards"
  end
end

local function is_answering(port)
  local connection = http.try_connect(port)
  if not connection then return false end
  local reply = connection:try_request {
    method = "GET", target = "/health/ping",
  }
  connection:close()
  return reply ~= nil and reply.status == 200
end

local function run_case(case, port, tokens, results)
  local result = bad_input.send(case, port, tokens)
  result.alive = is_answering(port)
  results[case.id] = result
end

-- Send all cases; results by case id.
function bad_input.run(cases, port, tokens)
  local results, queue, bodies = {}, {}, {}
  for _, case in ipairs(cases) do
    if is_slow(case) then
      bodies[#bodies + 1] = function() run_case(case, port, tokens, results) end
    else
      queue[#queue + 1] = case
    end
  end
  local next_case = 0
  for _ = 1, WORKERS do
    bodies[#bodies + 1] = function()
      while next_case < #queue do
        next_case = next_case + 1
        run_case(queue[next_case], port, tokens, results)
      end
    end
  end
  tasks.run(bodies)
  return results
end

-- What an effect may do to which total: name, least, most.
local function effect_range(text)
  if text == "none" then return "reserved", 0, 0 end
  local allocated = tonumber(text:match("^allocated %+([%d.]+)$"))
  if allocated then return "allocated", allocated, allocated end
  local amount, name = text:match("^%+([%d.]+) ?(.*)$")
  if amount then
    return name == "" and "reserved" or name, tonumber(amount), tonumber(amount)
  end
  amount = text:match("^at most %+([%d.]+)$")
  return "reserved", 0, tonumber(amount) or error("effect: " .. text)
end

-- The least and the most that each total may have grown by.
function bad_input.effects(cases)
  local ranges = {}
  for _, case in ipairs(cases) do
    local name, least, most = effect_range(case.effect)
    local range = ranges[name] or { least = 0, most = 0 }
    range.least, range.most = range.least + least, range.most + most
    ranges[name] = range
  end
  return ranges
end

return bad_input

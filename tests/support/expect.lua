-- expect.lua - what a reply must be, in the words of the contract.
--
-- Every function raises with the whole reply in the message when it is
-- something else, and returns the decoded body when it is right.

local json = require "tests.support.json"
local match = require "tests.support.match"

local expect = {}

-- Raise with the reply that was not as it should be.
function expect.fail(reply, text)
  error(("%s\nreply: HTTP %s %s"):format(text, reply.status, reply.body), 0)
end

-- Raise unless the reply has this HTTP status.
function expect.status(reply, status)
  if reply.status ~= status then
    expect.fail(reply, "expected HTTP " .. status)
  end
  return reply.json
end

-- Raise unless the body contains this value.
function expect.body(reply, expected)
  local ok, why = match.contains(reply.json, expected)
  if not ok then expect.fail(reply, why) end
  return reply.json
end

-- Done: HTTP 2xx and no failure in the body.
function expect.ok(reply)
  local failed = json.is_object(reply.json)
    and reply.json.processingStatus == "failure"
  if reply.status // 100 ~= 2 or failed then
    expect.fail(reply, "expected success")
  end
  return reply.json
end

local function failure(reply, http_status, body_status, word)
  expect.status(reply, http_status)
  expect.body(reply, {
    processingStatus = "failure", statusCode = body_status, code = word,
    message = { ["$type"] = "string", ["$not"] = "" },
  })
  return reply.json
end

-- The request itself is wrong; `field` says where, when given.
function expect.invalid(reply, word, field)
  failure(reply, 400, 400, word)
  if field then expect.body(reply, { field = field }) end
  return reply.json
end

-- A business refusal; `available` is the number that comes with it.
function expect.refused(reply, word, available)
  failure(reply, 409, 500, word)
  if available then expect.body(reply, { available = available }) end
  return reply.json
end

function expect.not_found(reply, word)
  return failure(reply, 404, 404, word)
end

-- The id is known with other content.
function expect.conflict(reply, word)
  return failure(reply, 409, 409, word or "conflict")
end

function expect.forbidden(reply)
  return failure(reply, 403, 403, "forbidden")
end

local BUCKETS = {
  "success", "failure", "conflict", "notFound", "partialSuccess", "unknown",
}

-- The client's part of a result's id.
local function client_id(result)
  return tostring(result.id):match("^[^~]*~(.*)$") or result.id
end

local function check_bucket(reply, name, wanted)
  local ids = {}
  for index, result in ipairs(reply.json[name]) do
    ids[index] = client_id(result)
  end
  if type(wanted) == "number" then
    if #ids ~= wanted then
      expect.fail(reply, ("%s: expected %d, got %d"):format(name, wanted, #ids))
    end
  elseif not match.equals(json.array(ids), json.array(json.copy(wanted))) then
    expect.fail(reply, name .. ": expected " .. match.show(wanted))
  end
end

-- A bulk reply: all six arrays are there and the named ones hold exactly these
-- ids, or this many results.
function expect.buckets(reply, wanted)
  for _, name in ipairs(BUCKETS) do
    if not json.is_object(reply.json)
      or not json.is_array(reply.json[name]) then
      expect.fail(reply, "expected an array " .. name)
    end
  end
  for name, ids in pairs(wanted) do check_bucket(reply, name, ids) end
  return reply.json
end

return expect

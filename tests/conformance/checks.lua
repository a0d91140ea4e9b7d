-- checks.lua - the members of an "expect", one function each.
--
-- A check gets the reply, the member's value and the whole expectation; it
-- returns nothing when all is well and raises when it is not.

local expect = require "tests.support.expect"
local json = require "tests.support.json"
local match = require "tests.support.match"
local rows = require "tests.support.rows"

local checks = {}

local CHECKS = {}

-- The value at "path.in.reply"; numbers in the path index arrays from 0.
function checks.at(value, path)
  for part in path:gmatch("[^.]+") do
    if json.is_array(value) then
      value = value[(tonumber(part) or error("no index: " .. part, 0)) + 1]
    elseif json.is_object(value) then
      value = value[part]
    else
      return nil
    end
  end
  return value
end

function CHECKS.ok(reply) expect.ok(reply) end

function CHECKS.refused(reply, word) expect.refused(reply, word) end

function CHECKS.invalid(reply, word) expect.invalid(reply, word) end

function CHECKS.notFound(reply, word) expect.not_found(reply, word) end

function CHECKS.conflict(reply) expect.conflict(reply) end

local function status_fits(status, wanted)
  if type(wanted) == "string" then
    return tostring(status):sub(1, 1) == wanted:sub(1, 1)
  end
  return status == wanted
end

function CHECKS.status(reply, wanted)
  local choices = json.is_array(wanted) and wanted or { wanted }
  for _, choice in ipairs(choices) do
    if status_fits(reply.status, choice) then return end
  end
  expect.fail(reply, "expected HTTP " .. match.show(wanted))
end

function CHECKS.body(reply, wanted) expect.body(reply, wanted) end

function CHECKS.exactly(reply, wanted)
  if not match.equals(reply.json, wanted) then
    expect.fail(reply, "expected exactly " .. match.show(wanted))
  end
end

function CHECKS.emptyBody(reply)
  if reply.body ~= "" then expect.fail(reply, "expected an empty body") end
end

function CHECKS.contains(reply, texts)
  for _, text in ipairs(texts) do
    if not reply.body:find(text, 1, true) then
      expect.fail(reply, "expected the text " .. text)
    end
  end
end

function CHECKS.headers(reply, wanted)
  local ok, why = match.contains(json.object(json.copy(reply.headers)), wanted)
  if not ok then expect.fail(reply, "header " .. why) end
end

function CHECKS.rowCount(reply, count)
  local found = #rows.of(reply.json)
  if found ~= count then
    expect.fail(reply, ("expected %d rows, got %d"):format(count, found))
  end
end

function CHECKS.sum(reply, totals)
  for name, wanted in pairs(totals) do
    local total = rows.sum(rows.of(reply.json), name)
    if total ~= wanted then
      expect.fail(reply, ("sum of %s: expected %s, got %s"):format(name,
        json.number(wanted), json.number(total)))
    end
  end
end

function CHECKS.rows(reply, list)
  for _, wanted in ipairs(list) do
    local row = rows.one(rows.of(reply.json), wanted)
    rows.check_quantities(row, wanted.quantities or {})
  end
end

function CHECKS.buckets(reply, wanted) expect.buckets(reply, wanted) end

local function lower_names(object)
  local result = json.object()
  for name, value in pairs(object or {}) do result[name:lower()] = value end
  return result
end

function CHECKS.recordCount(reply, count)
  if not json.is_array(reply.json) or #reply.json ~= count then
    expect.fail(reply, "expected " .. count .. " records")
  end
end

local function fitting_records(list, groups)
  local found = {}
  for _, record in ipairs(list) do
    if match.equals(lower_names(record.groups), lower_names(groups)) then
      found[#found + 1] = record
    end
  end
  return found
end

function CHECKS.records(reply, list)
  for _, wanted in ipairs(list) do
    local found = fitting_records(reply.json, wanted.groups)
    if #found ~= 1 then
      expect.fail(reply, "expected one record of " .. match.show(wanted.groups))
    end
    local others = json.copy(wanted)
    others.groups = nil
    local ok, why = match.contains(found[1], others)
    if not ok then expect.fail(reply, why) end
  end
end

local function day_after(date, days)
  local year, month, day = date:match("^(%d+)-(%d+)-(%d+)")
  local time = os.time {
    year = year, month = month, day = day + days, hour = 12,
  }
  return os.date("%Y-%m-%d", time)
end

local function daily_values(row, source, measure)
  local result = json.object()
  for day, quantities in pairs(row.atpQuantities or {}) do
    result[day] = quantities[source] and quantities[source][measure]
  end
  return result
end

local function wanted_days(atp)
  local result = json.object()
  for index, value in ipairs(atp.values) do
    local day = day_after(atp.from, index - 1)
    result[day .. "T00:00:00Z"] = value
  end
  return result
end

local function check_dates(reply, row, by_date)
  for day in pairs(row.quantitiesByDate or {}) do
    if not by_date[day] then expect.fail(reply, "unexpected date " .. day) end
  end
  for day, quantities in pairs(by_date) do
    local found = (row.quantitiesByDate or {})[day]
    if not found then expect.fail(reply, "no date " .. day) end
    rows.check_quantities({ quantities = found }, quantities)
  end
end

function CHECKS.atp(reply, atp)
  local row = rows.one(rows.of(reply.json), { dimensions = atp.row })
  if atp.measure then
    local source, measure = atp.measure:match("^([^.]+)%.(.+)$")
    local found = daily_values(row, source, measure)
    if not match.equals(found, wanted_days(atp)) then
      expect.fail(reply, "expected days " .. match.show(wanted_days(atp)))
    end
  end
  if atp.byDate then check_dates(reply, row, atp.byDate) end
end

function CHECKS.gapless(reply, wanted)
  local list = checks.at(reply.json, wanted.list)
  if not json.is_array(list) then expect.fail(reply, "no " .. wanted.list) end
  for index, element in ipairs(list) do
    if element[wanted.field] ~= wanted.from + index - 1 then
      expect.fail(reply, ("gap in %s at %d"):format(wanted.list, index - 1))
    end
  end
  if wanted.count and #list ~= wanted.count then
    expect.fail(reply, ("expected %d numbers, got %d"):format(wanted.count,
      #list))
  end
end

function CHECKS.total(reply, wanted)
  local millionths = 0
  for _, element in ipairs(checks.at(reply.json, wanted.list)) do
    local value = (element[wanted.member] or {})[wanted.key] or 0
    millionths = millionths + math.floor(value * 1000000 + 0.5)
  end
  if millionths / 1000000 ~= wanted.is then
    expect.fail(reply, ("total of %s: expected %s, got %s"):format(wanted.key,
      json.number(wanted.is), json.number(millionths / 1000000)))
  end
end

-- Raise unless all members of the expectation hold for the reply.
function checks.run(reply, expectation)
  for name, wanted in pairs(expectation) do
    local check = CHECKS[name] or error("unknown expectation " .. name, 0)
    check(reply, wanted)
  end
end

local function count_statuses(replies)
  local counts = json.object()
  for _, reply in ipairs(replies) do
    local key = tostring(reply.status)
    counts[key] = (counts[key] or 0) + 1
  end
  return counts
end

-- The expectation of a parallel step.
function checks.run_parallel(replies, expectation)
  local counts = count_statuses(replies)
  for name, wanted in pairs(expectation) do
    if name ~= "statusCounts" then error("not for parallel: " .. name, 0) end
    if not match.equals(counts, wanted) then
      error(("statuses: expected %s, got %s"):format(match.show(wanted),
        match.show(counts)), 0)
    end
  end
end

-- The expectation of a stream step.
function checks.run_stream(events, expectation)
  local ok, why = match.contains(events, expectation.events or json.array())
  if not ok then error("stream: " .. why, 0) end
end

return checks

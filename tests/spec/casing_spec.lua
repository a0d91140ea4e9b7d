-- casing_spec.lua - every documented request in the ways that clients write it:
-- in other letter case, with numbers as text, with a slash more, with less
-- headers. The reply and what is in the store afterwards must be the same.
--
-- Each dialect has an environment of its own on one server. What a sample
-- needs is sent there as it is documented; the sample itself in the dialect.

local App = require "tests.support.app"
local dialects = require "tests.support.dialects"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"
local match = require "tests.support.match"
local process = require "tests.support.process"
local samples = require "tests.support.samples"

-- Members whose values differ from environment to environment.
local OWN_VALUES = {
  reservationId = true, jobId = true, access_token = true,
  environmentId = true, createdAt = true, updatedAt = true, at = true,
  postsAt = true,
}

-- A reply without what is an environment's own.
local function common(value)
  if type(value) ~= "table" or value == json.null then return value end
  local result = setmetatable({}, getmetatable(value))
  for key, element in pairs(value) do
    result[key] = OWN_VALUES[key] and type(element) or common(element)
  end
  return result
end

-- More than any job of these takes.
local JOB_SECONDS = 30

local SCHEDULES = { scheduleConfiguration = {
  isScheduleEnabled = true, isScheduleV2 = true, schedulePeriodInDays = 30,
  indexAttributeSets = { { setNumber = 1, keys = { "colorid", "sizeid" } } },
  atpCalculatedMeasures = { pos = { availquantity = 7 } },
} }

describe("the documented", function()
  local app, environments

  after_each(function()
    if environments then
      for _, one in ipairs(environments) do one:disconnect() end
    end
    App.finish(app)
    app, environments = nil, nil
  end)

  -- An environment for each dialect.
  local function start(sample)
    environments = {}
    local others = {}
    for index = 1, #dialects.list do
      environments[index] = setmetatable({ id = App.guid(), count = 0,
        values = {} }, App)
      others[environments[index].id] = SCHEDULES
    end
    app = examples.start { others = others, server = samples.server(sample) }
    for _, one in ipairs(environments) do
      one.server = app.server
      one.values.environment = one.id
      one.auth = sample.guarded and "Bearer key-of-the-till" or nil
    end
  end

  -- What a job does shows when it is done.
  local function finish_job(one, id)
    local done = process.await(JOB_SECONDS, function()
      local job = expect.ok(one:get("/getJobProgress?jobId=" .. id))
      return job.status == "Completed"
    end)
    assert(done, "the job has not ended")
  end

  local function send(one, sample, apply)
    local filled = samples.fill(sample, one.values)
    one.connection = one.connection or http.connect(one.server.port)
    local reply = App.decode(one.connection:request(
      dialects.request(apply(filled), one.id)))
    expect.ok(reply)
    samples.keep(sample, reply, one.values)
    if sample.starts_job then finish_job(one, reply.json.jobId) end
    return reply
  end

  -- Send what a sample needs, as it is documented.
  local function prepare(one, sample, sent)
    for _, title in ipairs(sample.needs or {}) do
      local needed = samples.find(title)
      if not sent[title] then
        prepare(one, needed, sent)
        sent[title] = true
        send(one, needed, dialects.list[1][2])
      end
    end
  end

  -- What can be read of an environment: stock, records, the journal.
  local function state(one)
    local events = {}
    for index, event in ipairs((one:events())) do
      local id = event.id:gsub("^(%a+Job:).*", "%1")
      events[index] = { event.operation, id, event.deltas,
        event.dimensions, event.result }
    end
    return common(json.object {
      events = events,
      rows = one:rows { filters = { organizationId = { "usmf" },
        productId = { "Bike" } },
        groupByValues = { "ColorId", "SizeId", "ExtendedDimension1" } },
      reservations = expect.ok(one:get "/reservations").Value,
      records = expect.ok(one:get "/allocation/records").Value,
    })
  end

  local function outcome(one, sample, apply)
    prepare(one, sample, {})
    local reply = send(one, sample, apply)
    return reply, { status = reply.status, body = common(reply.json),
      state = state(one) }
  end

  local function check(sample)
    start(sample)
    local first, wanted
    for index, dialect in ipairs(dialects.list) do
      local ok, reply, found = pcall(outcome, environments[index], sample,
        dialect[2])
      if not ok then error(dialect[1] .. ": " .. tostring(reply), 0) end
      if index == 1 then
        first, wanted = reply, found
      elseif not match.equals(json.object(found), json.object(wanted)) then
        error(("%s: %s\ninstead of %s"):format(dialect[1],
          json.encode(found), json.encode(wanted)), 0)
      end
    end
    if sample.shows then expect.body(first, sample.shows) end
  end

  for _, sample in ipairs(samples.list) do
    it(sample.title, function() check(sample) end)
  end
end)

-- metrics_spec.lua - GET /metrics in the text format 0.0.4.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local metrics = require "tests.support.metrics"

-- Names and the labels that each of them has, and no others.
local LABELS = {
  ringfence_build_info = { "version" },
  ringfence_requests_total = { "method", "route", "status" },
  ringfence_commands_total = { "operation", "result" },
  ringfence_queue_depth = {},
  ringfence_generation = { "environment" },
  ringfence_journal_last = { "environment" },
  ringfence_store_bytes = {},
}

local function label_names(sample)
  local names = {}
  for name in pairs(sample.labels) do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("GET /metrics", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function page()
    local reply = app:get("host:/metrics")
    assert.are.equal(200, reply.status)
    return metrics.parse(reply.body), reply
  end

  it("is text in the right version", function()
    local _, reply = page()
    local kind = reply.headers["content-type"]
    assert.is_truthy(kind:find("^text/plain"), kind)
    assert.is_truthy(kind:find("version=0.0.4", 1, true), kind)
  end)

  it("has every promised name with its labels", function()
    app:put(1)
    local found = page()
    for name, labels in pairs(LABELS) do
      assert.is_true(metrics.has(found, name), name)
      for _, sample in ipairs(found.samples) do
        if sample.name == name then
          assert.are.same(labels, label_names(sample))
        end
      end
    end
  end)

  it("declares the type of every sample before it", function()
    app:put(1)
    local found = page()
    for _, sample in ipairs(found.samples) do
      local base = sample.name
      if not found.types[base] then
        base = base:gsub("_bucket$", ""):gsub("_sum$", ""):gsub("_count$", "")
      end
      assert.is_truthy(found.types[base], sample.name)
    end
    assert.are.equal("histogram", found.types.ringfence_command_seconds)
    assert.are.equal("histogram", found.types.ringfence_batch_commands)
    assert.are.equal("counter", found.types.ringfence_requests_total)
    assert.are.equal("gauge", found.types.ringfence_queue_depth)
  end)

  it("has histograms that never fall and end at infinity", function()
    for _ = 1, 5 do app:put(1) end
    local found = page()
    for _, name in ipairs {
      "ringfence_command_seconds", "ringfence_batch_commands",
    } do
      local before, last = 0, nil
      for _, sample in ipairs(found.samples) do
        if sample.name == name .. "_bucket" then
          assert.is_true(sample.value >= before, name)
          before, last = sample.value, sample.labels.le
        end
      end
      assert.are.equal("+Inf", last)
      assert.are.equal(before, metrics.sum(found, name .. "_count"))
    end
    assert.are.equal(5, metrics.sum(found, "ringfence_command_seconds_count"))
    assert.are.equal(5, metrics.sum(found, "ringfence_batch_commands_sum"))
  end)

  it("counts commands by what became of them", function()
    app:put(5)
    app:put(5)
    expect.ok(app:reserve(4))
    expect.refused(app:reserve(40), "insufficient_available")
    local found = page()
    local function commands(operation, result)
      return metrics.sum(found, "ringfence_commands_total",
        { operation = operation, result = result })
    end
    assert.are.equal(2, commands("post", "success"))
    assert.are.equal(1, commands("reserve", "success"))
    assert.are.equal(1, commands("reserve", "refused"))
    assert.are.equal(4, metrics.sum(found, "ringfence_journal_last",
      { environment = app.id }))
  end)

  it("counts requests by status, and no more routes than there are", function()
    for index = 1, 20 do app:get("/no/such/path/" .. index) end
    expect.invalid(app:post("/onhand", nil, { raw = "{" }), "bad_json")
    local found = page()
    assert.are.equal(20, metrics.sum(found, "ringfence_requests_total",
      { status = "404" }))
    assert.are.equal(1, metrics.sum(found, "ringfence_requests_total",
      { status = "400", method = "POST" }))
    local routes, count = {}, 0
    for _, sample in ipairs(found.samples) do
      local route = sample.labels.route
      if route and not routes[route] then
        routes[route], count = true, count + 1
        assert.is_nil(route:find("such", 1, true))
        assert.is_nil(route:find(app.id, 1, true))
      end
    end
    assert.is_true(count < 40)
  end)

  it("has every series once, also where methods share a path", function()
    app:get("/plugins/none/plugin.lua")
    app:call("PUT", "/plugins/none/plugin.lua", nil,
      { raw = "return {", headers = { ["Content-Type"] = "text/x-lua" } })
    local _, reply = page()
    local seen = {}
    for line in reply.body:gmatch("[^\n]+") do
      local series = line:match("^([^#].*) %S+$")
      if series then
        assert.is_nil(seen[series], series)
        seen[series] = true
      end
    end
  end)

  it("follows generations", function()
    local function generation()
      return metrics.sum((page()), "ringfence_generation",
        { environment = app.id })
    end
    local before = generation()
    local body = expect.ok(app:post("/configuration/hardupdate",
      App.document("standard.json", nil, app.id)))
    assert.is_true(generation() > before)
    assert.are.equal(body.generation, generation())
  end)

  it("is answered while nothing else has happened", function()
    local found = page()
    assert.are.equal(0, metrics.sum(found, "ringfence_queue_depth"))
    assert.are.equal(0, metrics.sum(found, "ringfence_journal_last"))
    assert.is_true(metrics.sum(found, "ringfence_store_bytes") > 0)
  end)
end)

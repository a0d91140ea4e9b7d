-- adjustment_spec.lua - POST /transaction/adjustment/bulk.

local App = require "tests.support.app"
local Clock = require "tests.conformance.clock"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"

local START = "2031-05-05T10:00:00Z"

describe("an adjustment", function()
  local app, clock

  after_each(function() App.finish(app) end)

  -- Start under a clock that is ours.
  local function start(options)
    if not Clock.available() then pending("libfaketime is not installed") end
    options = options or {}
    options.stopped = true
    app = App.start(options)
    clock = Clock.new(START, app.server.root)
    app.server.options.environment = clock:environment()
    app.server:start()
  end

  local function move(text)
    clock:move(text)
    app:disconnect()
  end

  local function line(quantity, more)
    local body = app:event({}, more)
    body.quantities = nil
    for key, value in pairs {
      quantityDataSource = "wms", physicalMeasure = "unrestricted",
      quantity = quantity,
    } do
      if body[key] == nil then body[key] = value end
    end
    for key, value in pairs(more or {}) do
      body[key] = value ~= json.null and value or nil
    end
    return body
  end

  local function send(lines, query)
    return app:post("/transaction/adjustment/bulk" .. (query or ""),
      json.array(lines))
  end

  local function now(quantity, more)
    local reply = send({ line(quantity, more) }, "?createWithIVSync=true")
    expect.buckets(reply, { success = 1 })
    return reply.json.success[1]
  end

  local function later(quantity, more)
    local reply = send { line(quantity, more) }
    expect.buckets(reply, { success = 1 })
    return reply.json.success[1]
  end

  local function total() return app:total("wms.unrestricted") end

  local function verify_clean()
    app:disconnect()
    app.server:stop()
    local status, output, errors = app.server:tool("verify")
    assert.are.equal(0, status, output .. errors)
  end

  local function matches(value, expected)
    expect.body({ status = 200, body = json.encode(value), json = value },
      expected)
  end

  it("is posted at once when asked to", function()
    app = App.start()
    local result = now(5, { id = "a-1" })
    matches(result, { id = "adju~a-1", processingStatus = "success",
      statusCode = 200, state = "posted" })
    assert.is_nil(result.postsAt)
    assert.are.equal(5, total())
    now("-2.5")
    assert.are.equal(2.5, total())
  end)

  it("is journaled with what it belongs to", function()
    app = App.start()
    now(5, {
      id = "a-1", externalReferenceCategory = "Count",
      externalReferenceId = "C-17", fnoJournalNameId = "ICnt",
      costPrice = 1.25, transDate = "2031/3/9",
    })
    now(1)
    local events = app:events()
    matches(events[1], {
      operation = "adjust", id = "a-1", result = "success", state = "posted",
      measure = "wms.unrestricted", quantity = 5,
      deltas = { ["wms.unrestricted"] = 5 },
      totals = { ["wms.unrestricted"] = 5 },
      reference = {
        externalReferenceCategory = "Count", externalReferenceId = "C-17",
        fnoJournalNameId = "ICnt", costPrice = 1.25, transDate = "2031-03-09",
      },
    })
    assert.is_nil(events[1].staged)
    assert.are.same(json.object {}, events[2].reference)
    app:restart("kill")
    assert.are.same(events[1], app:events()[1])
  end)

  it("is staged otherwise, and posted when the period is over", function()
    start()
    local result = later(5, { id = "a-1", externalReferenceId = "C-17" })
    assert.are.equal("staged", result.state)
    assert.is_truthy(result.postsAt:find("^2031%-05%-05T10:0[56]"))
    assert.are.equal(0, total())
    move("+4m")
    assert.are.equal(0, total())
    move("+2m")
    assert.are.equal(5, total())
    move("+1h")
    assert.are.equal(5, total())
    local events = app:events()
    assert.are.equal(2, #events)
    matches(events[1], {
      number = 1, operation = "adjust", id = "a-1", actor = "anonymous",
      state = "staged", postsAt = result.postsAt, quantity = 5,
      measure = "wms.unrestricted", deltas = json.object {},
      result = "success", reference = { externalReferenceId = "C-17" },
    })
    matches(events[2], {
      number = 2, operation = "adjust", id = "a-1", actor = "system",
      state = "posted", staged = 1, quantity = 5,
      deltas = { ["wms.unrestricted"] = 5 },
      totals = { ["wms.unrestricted"] = 5 },
      result = "success", reference = { externalReferenceId = "C-17" },
    })
    verify_clean()
  end)

  -- None of these may rely on another's asking.
  local READERS = {
    ["an availability"] = function()
      local body = line(1)
      for _, key in ipairs { "id", "quantity", "quantityDataSource",
        "physicalMeasure" } do
        body[key] = nil
      end
      assert.are.equal(5, expect.ok(app:post("/availability", body)).available)
    end,
    ["a query"] = function() assert.are.equal(5, total()) end,
    ["a reservation"] = function() expect.ok(app:reserve(5)) end,
    ["a dry run"] = function()
      expect.ok(app:post("/onhand/reserve?dryRun=true", app:reservation(5)))
    end,
  }

  for name, read in pairs(READERS) do
    it("is there for " .. name .. " when its time has come", function()
      start()
      later(5)
      expect.refused(app:reserve(5), "insufficient_available", 0)
      move("+6m")
      read()
    end)
  end

  it("waits as long as is configured", function()
    start { server = { adjustments = { periodMinutes = 90 } } }
    later(5)
    move("+89m")
    assert.are.equal(0, total())
    move("+2m")
    assert.are.equal(5, total())
  end)

  it("outlives a kill, and is posted once", function()
    start()
    later(5)
    for _, how in ipairs { "stop", "kill" } do
      app:restart(how)
      assert.are.equal(0, total())
    end
    app:disconnect()
    app.server:kill()
    clock:move("+1h")
    app.server:start()
    assert.are.equal(5, total())
    app:restart("kill")
    assert.are.equal(5, total())
    assert.are.equal(2, #app:events())
    verify_clean()
  end)

  it("counts once however often it is sent", function()
    start()
    local body = line(5, { id = "a-1", costPrice = "2.50" })
    local first = send { body }
    body.physicalMeasure = "UNRESTRICTED"
    body.costPrice = 2.5
    for _ = 1, 2 do
      local again = send { body }
      assert.are.same(first.json, again.json)
      move("+6m")
      assert.are.equal(5, total())
    end
    expect.buckets(send({ body }, "?createWithIVSync=true"),
      { conflict = { "a-1" } })
    body.externalReferenceId = "other"
    expect.buckets(send { body }, { conflict = { "a-1" } })
    assert.are.equal(5, total())
  end)

  it("is gone with its partition", function()
    start()
    app:put(1)
    later(5)
    local ids = expect.ok(app:get("/allpartitionids"))
    expect.ok(app:call("DELETE", "/partitions/cleanupalldata", ids))
    later(2)
    move("+6m")
    assert.are.equal(2, total())
    verify_clean()
  end)

  it("may be one line of many, or of a basket", function()
    start()
    local function lines(prefix)
      return { line(1, { id = prefix .. "1" }),
        line(0, { id = prefix .. "2" }), line(3, { id = prefix .. "3" }) }
    end
    local reply = send(lines "a", "?createWithIVSync=TRUE")
    expect.buckets(reply, { success = { "a1", "a3" }, failure = { "a2" } })
    matches(reply.json.failure[1],
      { code = "invalid_quantity", field = "quantity", statusCode = 400 })
    expect.status(send(lines "b", "?createWithIVSync=true&atomic=true"), 400)
    assert.are.equal(4, total())
    reply = send({ line(1), line(2) }, "?atomic=true")
    expect.buckets(reply, { success = 2 })
    assert.is_true(reply.json.atomic)
    assert.are.equal(4, total())
    move("+6m")
    assert.are.equal(7, total())
  end)

  it("may be tried", function()
    start()
    app:put(1)
    local reply = send({ line(5) }, "?createWithIVSync=true&dryRun=true")
    expect.buckets(reply, { success = 1 })
    assert.is_true(reply.json.dryRun)
    assert.are.equal(6, reply.json.success[1].quantities.wms.unrestricted)
    reply = send({ line(5) }, "?dryRun=true")
    assert.are.equal("staged", reply.json.success[1].state)
    assert.are.equal(1, reply.json.success[1].quantities.wms.unrestricted)
    move("+6m")
    assert.are.equal(1, total())
    assert.are.equal(1, #app:events())
  end)

  it("tells every date in the form it may be sent in", function()
    start()
    for sent, told in pairs { ["0987-03-10"] = "0987-03-10",
        ["0001/1/1"] = "0001-01-01", ["1969-12-31T23:59:59Z"] = "1969-12-31",
        ["9999-12-31"] = "9999-12-31" } do
      expect.buckets(send({ line(1, { transDate = sent }) },
        "?createWithIVSync=true"), { success = 1 })
      local events = app:events()
      assert.are.equal(told, events[#events].reference.transDate)
    end
  end)

  it("is refused when it is wrong", function()
    app = App.start()
    local cases = {
      { { quantity = 0 }, "invalid_quantity", "quantity" },
      { { quantity = "x" }, "invalid_quantity", "quantity" },
      { { quantity = json.null }, "missing_field", "quantity" },
      { { id = json.null }, "missing_field", "id" },
      { { productId = json.null }, "missing_field", "productId" },
      { { dimensions = json.null }, "missing_field", "dimensions" },
      { { quantityDataSource = json.null }, "missing_field",
        "quantityDataSource" },
      { { quantityDataSource = "nothing" }, "unknown_data_source",
        "quantityDataSource" },
      { { quantityDataSource = "fno", physicalMeasure = "availphysical" },
        "read_only_source", "quantityDataSource" },
      { { physicalMeasure = "nothing" }, "unknown_measure",
        "physicalMeasure" },
      { { dimensions = { TillColor = "red" } }, "unknown_dimension",
        "dimensions.TillColor" },
      { { externalReferenceCategory = ("x"):rep(51) }, "too_long",
        "externalReferenceCategory" },
      { { externalReferenceId = ("x"):rep(101) }, "too_long",
        "externalReferenceId" },
      { { fnoJournalNameId = ("x"):rep(21) }, "too_long", "fnoJournalNameId" },
      { { externalReferenceId = 5 }, "invalid_field", "externalReferenceId" },
      { { costPrice = "cheap" }, "invalid_quantity", "costPrice" },
      { { transDate = "yesterday" }, "invalid_field", "transDate" },
      { { transDate = "2031/2/29" }, "invalid_field", "transDate" },
      { { transDate = 20310301 }, "invalid_field", "transDate" },
    }
    for _, case in ipairs(cases) do
      local reply = send { line(1, case[1]) }
      expect.buckets(reply, { failure = 1 })
      matches(reply.json.failure[1],
        { statusCode = 400, code = case[2], field = case[3] })
    end
    expect.invalid(send({ line(1) }, "?createWithIVSync=maybe"),
      "invalid_field", "createWithIVSync")
    expect.invalid(send {}, "empty_batch")
    local many = {}
    for index = 1, 513 do many[index] = line(1) end
    expect.invalid(send(many), "too_many_items")
    assert.are.equal(0, #app:events())
  end)

  it("takes texts up to their limits, and dates in any form", function()
    app = App.start()
    now(1, {
      externalReferenceCategory = ("ä"):rep(50),
      externalReferenceId = ("x"):rep(100), fnoJournalNameId = ("j"):rep(20),
      costPrice = -0.5, transDate = "2031-12-31T23:00:00-02:00",
    })
    now(1, { externalReferenceCategory = json.null, costPrice = 0 })
    local events = app:events()
    assert.are.equal("2032-01-01", events[1].reference.transDate)
    assert.are.equal(-0.5, events[1].reference.costPrice)
    assert.are.same(json.object { costPrice = 0 }, events[2].reference)
  end)

  it("needs a writer, and the ERP for its own measures", function()
    local list = {}
    for _, role in ipairs { "reader", "writer", "planner", "erp", "admin" } do
      list[#list + 1] = keys.entry(role, "key-" .. role, { role })
    end
    app = App.start { server = { auth = { keys = list } } }
    local function send_as(role, more)
      return app:post("/transaction/adjustment/bulk",
        json.array { line(1, more) }, { auth = "Bearer key-" .. role })
    end
    local erp = { quantityDataSource = "fno",
      physicalMeasure = "availphysical" }
    expect.forbidden(send_as "reader")
    expect.forbidden(send_as "planner")
    expect.buckets(send_as "writer", { success = 1 })
    expect.buckets(send_as("writer", erp), { failure = 1 })
    expect.buckets(send_as("erp", erp), { success = 1 })
  end)
end)

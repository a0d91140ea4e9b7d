-- schedule_spec.lua - POST /onhand/changeschedule, what a commit does to it,
-- and what the journal tells. What is promised of it is in examples_atp_spec.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local PATH = "/onhand/changeschedule"

local function day(offset)
  return os.date("!%Y-%m-%d", os.time() + (offset or 0) * 24 * 3600)
end

local function inbound(quantity) return { wms = { unrestricted = quantity } } end

describe("POST /onhand/changeschedule", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function line(by_date, more)
    more = json.copy(more or {})
    more.quantities, more.quantitiesByDate = json.null, by_date
    return app:event({}, more)
  end

  local function schedule(by_date, more)
    return expect.ok(app:post(PATH, line(by_date, more)))
  end

  local function commit(quantities, date, more)
    more = json.copy(more or {})
    more.commit, more.scheduleDate = true, date
    return app:post("/onhand", app:event(quantities, more))
  end

  -- What is scheduled for the days of the period: "wms.unrestricted" by date.
  local function scheduled()
    local reply = expect.ok(app:query { QueryATP = true,
      groupByValues = { "ColorId", "SizeId" } })
    local found = {}
    for _, row in ipairs(reply) do
      for date, sources in pairs(row.quantitiesByDate) do
        found[date:sub(1, 10)] = sources.wms.unrestricted
      end
    end
    return found
  end

  it("refuses what is no date, no quantity, or too much of them", function()
    local function try(by_date) return app:post(PATH, line(by_date)) end
    expect.invalid(try(json.null), "missing_field", "quantitiesByDate")
    expect.invalid(try(json.object {}), "missing_field", "quantitiesByDate")
    expect.invalid(try({ [day()] = 5 }), "invalid_field", "quantitiesByDate." .. day())
    expect.invalid(try({ [day()] = json.object {} }), "missing_field",
      "quantitiesByDate." .. day())
    expect.invalid(try({ ["2031-02-30"] = inbound(1) }), "invalid_field",
      "quantitiesByDate.2031-02-30")
    expect.invalid(try({ [day()] = { wms = { none = 1 } } }), "unknown_measure",
      ("quantitiesByDate.%s.wms.none"):format(day()))
    expect.invalid(try({ [day()] = { ["@iv"] = { ["@allocated"] = 1 } } }),
      "read_only_source", ("quantitiesByDate.%s.@iv"):format(day()))
    expect.invalid(try({ [day()] = inbound(1),
      [day() .. "T10:00:00Z"] = inbound(1) }), "duplicate_key")
    assert.are.same({}, scheduled())
  end)

  it("tells what would be, and keeps nothing of a dry run", function()
    local reply = expect.ok(app:post(PATH .. "?dryRun=true",
      line({ [day(1)] = inbound(5) })))
    assert.is_true(reply.dryRun)
    assert.are.same({}, scheduled())
  end)

  it("takes all lines of a basket or none", function()
    local reply = app:post(PATH .. "/bulk?atomic=true", json.array {
      line({ [day(1)] = inbound(5) }), line({ [day(400)] = inbound(5) }) })
    local failure = expect.status(reply, 400).failure
    assert.are.equal("basket_refused", failure[1].code)
    assert.are.equal("date_out_of_window", failure[2].code)
    assert.are.same({}, scheduled())
  end)

  it("takes its paths with a hyphen, too", function()
    expect.buckets(app:post("/on-hand/changeschedule/bulk", json.array {
      line({ [day(1)] = inbound(5) }) }), { success = 1 })
    expect.ok(app:post("/on-hand/changeschedule",
      line({ [day(1)] = inbound(2) })))
    assert.are.same({ [day(1)] = 7 }, scheduled())
  end)

  it("answers a copy as the first, and refuses other content", function()
    local first = line({ [day(1)] = inbound(5) }, { id = "s-1" })
    expect.ok(app:post(PATH, first))
    expect.ok(app:post(PATH, first))
    assert.are.same({ [day(1)] = 5 }, scheduled())
    expect.status(app:post(PATH, line({ [day(1)] = inbound(6) },
      { id = "s-1" })), 409)
  end)

  it("is realized by a change event in one step", function()
    schedule({ [day(1)] = inbound(10), [day(2)] = inbound(3) })
    expect.ok(commit(inbound(4), day(1)))
    assert.are.same({ [day(1)] = 6, [day(2)] = 3 }, scheduled())
    assert.are.equal(4, app:total("wms.unrestricted"))
    -- More comes than was expected: none of it is expected any more.
    expect.ok(commit(inbound(9), day(1)))
    assert.are.same({ [day(2)] = 3 }, scheduled())
    assert.are.equal(13, app:total("wms.unrestricted"))
    expect.ok(commit(inbound(1), day(-300)))
    assert.are.equal(14, app:total("wms.unrestricted"))
  end)

  it("commits in bulk, too, and counts a copy once", function()
    schedule({ [day(1)] = inbound(10) })
    local event = app:event(inbound(4), { commit = true,
      scheduleDate = day(1) })
    for _ = 1, 2 do
      expect.buckets(app:post("/onhand/bulk", json.array { event }),
        { success = 1 })
    end
    assert.are.same({ [day(1)] = 6 }, scheduled())
    assert.are.equal(4, app:total("wms.unrestricted"))
  end)

  it("refuses half of a commit", function()
    local function try(more)
      return app:post("/onhand", app:event(inbound(1), more))
    end
    expect.invalid(try { commit = true }, "missing_field", "scheduleDate")
    expect.invalid(try { scheduleDate = day() }, "conflicting_fields", "scheduleDate")
    expect.invalid(try { commit = false, scheduleDate = day() }, "conflicting_fields",
      "scheduleDate")
    expect.invalid(try { commit = true, scheduleDate = "soon" }, "invalid_field",
      "scheduleDate")
    expect.invalid(try { commit = "yes", scheduleDate = day() }, "invalid_field",
      "commit")
    assert.are.equal(0, app:total("wms.unrestricted"))
  end)

  it("is told by the journal, day by day", function()
    schedule({ [day(2)] = inbound(3), [day(1)] = inbound(10) }, { id = "s" })
    expect.ok(commit(inbound(4), day(1), { id = "c" }))
    expect.body(app:get("/events"), { events = {
      { operation = "schedule", id = "s", deltas = json.object {},
        deltasByDate = { [day(1)] = { ["wms.unrestricted"] = 10 },
          [day(2)] = { ["wms.unrestricted"] = 3 } },
        totalsByDate = { [day(1)] = { ["wms.unrestricted"] = 10 } } },
      { operation = "post", id = "c",
        deltas = { ["wms.unrestricted"] = 4 },
        totals = { ["wms.unrestricted"] = 4 },
        deltasByDate = { [day(1)] = { ["wms.unrestricted"] = -4 } },
        totalsByDate = { [day(1)] = { ["wms.unrestricted"] = 6 } } },
    } })
    local history = expect.ok(app:get("/history?productId=" .. App.PRODUCT ..
      "&measure=wms.unrestricted"))
    assert.are.equal(2, #history.events)
  end)

  it("survives a restart and an erasure takes it along", function()
    schedule({ [day(1)] = inbound(10) })
    app:restart("kill")
    assert.are.same({ [day(1)] = 10 }, scheduled())
    expect.ok(app:call("DELETE", "/partitions/cleanupalldata",
      expect.ok(app:get("/allpartitionids"))))
    assert.are.same({}, scheduled())
  end)
end)

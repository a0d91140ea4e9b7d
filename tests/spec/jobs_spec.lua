-- jobs_spec.lua - POST /onhand/reserve/resyncjob and GET /getJobProgress.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local process = require "tests.support.process"

local NOBODY = "ResyncJob:00000000-0000-0000-0000-000000000000"

-- A second source that reserves.
local STALL = { inventorySystemConfigurations = { stall = {
  dataSourceName = "stall", dimensionMappings = json.object {},
  physicalMeasures = json.array { "held", "shown" },
  calculatedMeasures = json.object { free = {
    additionModifiers = json.array { "wms.unrestricted" },
    subtractionModifiers = json.array { "stall.held" },
  } },
  reservMappings = json.object { held = "stall.free" },
} } }

describe("a resync", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options)
    app = App.start(options)
    app:put(100)
  end

  local function open(sources)
    return app:post("/onhand/reserve/resyncjob", json.array(sources or {}))
  end

  local function progress(id)
    return app:get("/getJobProgress?jobId=" .. id)
  end

  -- Wait until a job is done; its last progress.
  local function finish(id)
    return process.await(20, function()
      local body = expect.ok(progress(id))
      return (body.status == "Completed" or body.status == "Failed") and body
    end)
  end

  local function resync(sources)
    local body = finish(expect.ok(open(sources)).jobId)
    assert.are.equal("Completed", body.status)
    return body
  end

  local function held()
    return expect.ok(app:get("/reservations")).Value
  end

  local function verify_clean()
    app:disconnect()
    app.server:stop()
    local status, output, errors = app.server:tool("verify")
    assert.are.equal(0, status, output .. errors)
  end

  it("takes every reservation away", function()
    start()
    local record = expect.ok(app:reserve(5)).reservationId
    expect.ok(app:reserve(3, { orderTag = "CART", ttlSeconds = 3600 }))
    expect.ok(app:reserve(2, { dimensions = App.place { ColorId = "red" },
      ifCheckAvailForReserv = false }))
    expect.ok(app:post("/onhand", app:event { iv = { softreserved = 7 } }))
    expect.refused(app:reserve(90), "insufficient_available", 83)
    resync()
    assert.are.same({}, held())
    assert.are.equal(0, app:total("iv.softreserved"))
    assert.are.equal(100, app:total("wms.unrestricted"))
    expect.not_found(app:unreserve(record, 1), "unknown_reservation")
    expect.ok(app:reserve(100))
    verify_clean()
  end)

  it("says how far it is", function()
    start()
    expect.ok(app:reserve(5))
    app:put(1, { productId = "SHADE" })
    local reply = open()
    local id = expect.ok(reply).jobId
    assert.is_truthy(id:find(
      "^ResyncJob:%x+%-%x+%-%x+%-%x+%-%x+$"), id)
    assert.is_nil(reply.json.code)
    expect.body({ status = 200, body = "", json = finish(id) }, {
      jobId = id, jobType = "ResyncJob", status = "Completed",
      currentProgress = 2, totalProgress = 2,
      progressMessage = { ["$type"] = "string" }, message = "Job Completed",
      createdAt = { ["$type"] = "string" },
      updatedAt = { ["$type"] = "string" },
    })
    local other = expect.ok(open()).jobId
    assert.are_not.equal(id, other)
  end)

  it("goes by its id in any letter case, on a path in any", function()
    start()
    local id = resync().jobId
    local guid = id:match(":(.*)$")
    for _, path in ipairs {
      "/getJobProgress?jobId=resyncjob:" .. guid,
      "/GETJOBPROGRESS?jobid=RESYNCJOB:" .. guid:upper(),
      "/getjobprogress/?JobID=ResyncJob%3A" .. guid,
    } do
      assert.are.equal(id, expect.ok(app:get(path)).jobId)
    end
  end)

  it("is not found under another id", function()
    start()
    local id = resync().jobId
    for _, text in ipairs {
      NOBODY, "nonsense", "ResyncJob:", id .. "0", id:sub(1, -2),
      id:gsub("ResyncJob", "LogTransactionJob"), "%41",
    } do
      expect.not_found(progress(text), "unknown_job")
    end
    for _, path in ipairs { "/getJobProgress", "/getJobProgress?jobId=",
      "/getJobProgress?job=" .. id } do
      expect.invalid(app:get(path), "missing_field", "jobId")
    end
  end)

  it("takes only the named sources", function()
    start { patch = STALL }
    local function stall(quantity)
      return app:reserve(quantity,
        { quantityDataSource = "stall", modifier = "held" })
    end
    expect.ok(app:reserve(5))
    expect.ok(stall(4))
    resync { "STALL" }
    assert.are.equal(1, #held())
    assert.are.equal(5, app:total("iv.softreserved"))
    assert.are.equal(0, app:total("stall.held"))
    expect.ok(stall(4))
    resync { "wms", "fno" }
    assert.are.equal(2, #held())
    resync { "iv", "stall", "iv" }
    assert.are.same({}, held())
    expect.ok(app:reserve(1))
    expect.ok(stall(1))
    expect.ok(app:post("/onhand", app:event { stall = { shown = 3 } }))
    resync()
    assert.are.same({}, held())
    assert.are.equal(3, app:total("stall.shown"))
  end)

  it("is refused when it names what there is not", function()
    start()
    expect.ok(app:reserve(5))
    expect.invalid(open { "iv", "nothing" }, "unknown_data_source", "[1]")
    expect.invalid(open { 7 }, "invalid_field", "[0]")
    expect.invalid(open { "iv", json.null }, "invalid_field", "[1]")
    expect.invalid(app:post("/onhand/reserve/resyncjob", json.object {}),
      "invalid_field")
    expect.invalid(app:post("/onhand/reserve/resyncjob?dryRun=true",
      json.array {}), "invalid_field", "dryRun")
    local many = {}
    for index = 1, 65 do many[index] = "iv" end
    expect.invalid(open(many), "too_many_items")
    assert.are.equal(1, #held())
  end)

  it("is for admins; how far it is, for readers", function()
    local list = {}
    for _, role in ipairs { "reader", "writer", "planner", "erp", "admin" } do
      list[#list + 1] = keys.entry(role, "key-" .. role, { role })
    end
    app = App.start { server = { auth = { keys = list } } }
    local function as(role) return { auth = "Bearer key-" .. role } end
    local function open_as(role)
      return app:post("/onhand/reserve/resyncjob", json.array {}, as(role))
    end
    for _, role in ipairs { "reader", "writer", "planner", "erp" } do
      expect.forbidden(open_as(role))
    end
    local id = expect.ok(open_as "admin").jobId
    expect.ok(app:get("/getJobProgress?jobId=" .. id, as "reader"))
  end)

  it("is told row by row in the journal", function()
    start()
    expect.ok(app:reserve(5))
    expect.ok(app:reserve(2, { orderTag = "CART" }))
    local id = resync().jobId
    local events = app:events(3)
    assert.are.equal(1, #events)
    expect.body({ status = 200, body = json.encode(events[1]),
      json = events[1] }, {
      number = 4, operation = "resync", actor = "anonymous", id = id,
      organizationId = "acme", productId = "LAMP", result = "success",
      dimensions = { siteid = "10", locationid = "A1" },
      deltas = { ["iv.softreserved"] = -7 },
      totals = { ["iv.softreserved"] = 0 },
    })
    resync()
    assert.are.equal(0, #app:events(4))
  end)

  -- More than a few steps' worth of reservations, killed on the way.
  it("goes on by itself after a kill, and does nothing twice", function()
    start()
    for batch = 1, 6 do
      local lines = {}
      for index = 1, 400 do
        lines[index] = app:reservation(1, {
          productId = "P" .. batch, ifCheckAvailForReserv = false,
          dimensions = App.place { ColorId = "c" .. index },
        })
      end
      expect.buckets(app:post("/onhand/reserve/bulk", json.array(lines)),
        { success = 400 })
    end
    local id = expect.ok(open()).jobId
    for _ = 1, 4 do
      app:disconnect()
      app.server:kill()
      local status, output, errors = app.server:tool("verify")
      assert.are.equal(0, status, output .. errors)
      app.server:start()
    end
    assert.are.equal("Completed", finish(id).status)
    assert.are.same({}, held())
    local sum, after = 0, 0
    repeat
      local events = app:events(after)
      for _, event in ipairs(events) do
        if event.operation == "resync" then
          sum = sum + event.deltas["iv.softreserved"]
          assert.are.equal(0, event.totals["iv.softreserved"])
        end
        after = event.number
      end
    until #events == 0
    assert.are.equal(-2400, sum)
    app:restart("kill")
    assert.are.equal("Completed", expect.ok(progress(id)).status)
    verify_clean()
  end)
end)

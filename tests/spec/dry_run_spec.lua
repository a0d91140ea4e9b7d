-- dry_run_spec.lua - ?dryRun=true: the answer, and no trace of it.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local metrics = require "tests.support.metrics"
local plugins = require "tests.support.plugins"
local process = require "tests.support.process"

local RED = App.place { ColorId = "red", SizeId = "S" }

describe("a dry run", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = App.start(options) end

  local function try(path, body)
    return app:post(path .. "?dryRun=true", body)
  end

  -- Everything that a dry run could leave a trace in.
  local function state()
    local page = metrics.parse(app:get("host:/metrics").body)
    return {
      events = (app:events()),
      reservations = app:get("/reservations").json.Value,
      rows = app:rows { groupByValues = { "ColorId", "SizeId" } },
      commands = metrics.sum(page, "ringfence_commands_total"),
      timed = metrics.sum(page, "ringfence_command_seconds_count"),
      batches = metrics.sum(page, "ringfence_batch_commands_sum"),
      ids = metrics.sum(page, "ringfence_idempotency_ids"),
      journal = metrics.sum(page, "ringfence_journal_last"),
      commits = metrics.sum(page, "ringfence_commits_total"),
    }
  end

  -- Run `body` and make sure that nothing has changed.
  local function without_trace(body)
    local before = state()
    body()
    assert.are.same(before, state())
  end

  local function stand_in()
    start()
    app:put(15, { dimensions = RED })
    app:put(10)
    return expect.ok(app:reserve(4, { dimensions = RED })).reservationId
  end

  it("of a reservation says what there would be", function()
    stand_in()
    without_trace(function()
      local reply = try("/onhand/reserve", app:reservation(9, { id = "r",
        dimensions = RED }))
      expect.ok(reply)
      expect.body(reply, {
        id = "ohre~r", dryRun = true, quantity = 9, statusCode = 200,
        reservationId = { ["$any"] = true },
        quantities = {
          wms = { unrestricted = 15 },
          iv = { softreserved = 13, availabletoreserve = 2, onhand = 15 },
        },
      })
    end)
  end)

  it("of every other write says it, too", function()
    local record = stand_in()
    without_trace(function()
      expect.body(try("/onhand", app:event({ till = { sold = 30 } },
        { dimensions = RED })), {
        dryRun = true, processingStatus = "success",
        quantities = { till = { sold = 30, net = -30 },
          iv = { onhand = -15, availabletoreserve = -19 } },
      })
      local reply = try("/onhand/unreserve",
        app:reversal(record, 6, { dimensions = RED }))
      expect.body(reply, {
        dryRun = true, totalInvalidOffsetQtyByReservId = 2,
        quantities = { iv = { softreserved = 0, availabletoreserve = 15 } },
      })
      local nameless = app:reversal(record, 1,
        { dimensions = RED, productId = json.null })
      expect.body(try("/onhand/unreserve", nameless),
        { quantities = { iv = { softreserved = 3 } } })
      expect.body(try("/onhand/reserve", app:reservation(50,
        { allowPartial = true, dimensions = RED })), {
        dryRun = true, processingStatus = "partialSuccess", quantity = 11,
        quantities = { iv = { softreserved = 15, availabletoreserve = 0 } },
      })
      expect.body(try("/onhand/reserve", app:reservation(1,
        { ttlSeconds = 60 })), {
        dryRun = true, expiresAt = { ["$any"] = true },
        quantities = { iv = { softreserved = 5 } },
      })
    end)
  end)

  it("shows the row that a query shows when it is done", function()
    stand_in()
    local writes = {
      { "/onhand", app:event({ till = { sold = 2.5 }, wms = { blocked = 1 } },
        { dimensions = RED }) },
      { "/onhand/reserve", app:reservation(3, { dimensions = RED }) },
      { "/onhand/reserve", app:reservation(2, { dimensions = RED,
        ttlSeconds = 3600 }) },
      { "/onhand/reserve", app:reservation(100, { dimensions = RED,
        ifCheckAvailForReserv = false }) },
      { "/onhand", app:event({ shop = { received = 1 } },
        { dimensions = RED }) },
    }
    for _, write in ipairs(writes) do
      local told = expect.ok(try(write[1], write[2])).quantities
      expect.ok(app:post(write[1], write[2]))
      local row = app:rows {
        filters = App.filters { ColorId = { "red" }, SizeId = { "S" } },
      }[1]
      assert.are.same(row.quantities, told)
    end
  end)

  it("is refused like the real thing", function()
    stand_in()
    without_trace(function()
      local reply = try("/onhand/reserve",
        app:reservation(12, { dimensions = RED }))
      expect.refused(reply, "insufficient_available", 11)
      expect.body(reply, { dryRun = true, reservationId = "",
        binding = { kind = "level", value = 11 } })
      assert.is_nil(reply.json.quantities)
      reply = try("/onhand/reserve", app:reservation("many"))
      expect.invalid(reply, "invalid_quantity", "quantity")
      assert.is_true(reply.json.dryRun)
      assert.is_nil(reply.json.quantities)
      reply = try("/onhand/unreserve", app:reversal("none", 1))
      expect.not_found(reply, "unknown_reservation")
      assert.is_true(reply.json.dryRun)
    end)
  end)

  it("neither remembers an id nor forgets one", function()
    start()
    app:put(10)
    local body = app:reservation(4, { id = "r" })
    expect.refused(try("/onhand/reserve", app:reservation(11, { id = "r" })),
      "insufficient_available")
    expect.body(try("/onhand/reserve", body), { quantity = 4 })
    local done = expect.ok(app:post("/onhand/reserve", body))
    assert.is_nil(done.dryRun)
    without_trace(function()
      local reply = try("/onhand/reserve", body)
      expect.body(reply, { dryRun = true, reservationId = done.reservationId,
        quantities = { iv = { softreserved = 4 } } })
      expect.conflict(try("/onhand/reserve", app:reservation(5, { id = "r" })))
    end)
    expect.refused(app:reserve(7, { id = "no" }), "insufficient_available")
    app:put(90)
    expect.refused(try("/onhand/reserve", app:reservation(7, { id = "no" })),
      "insufficient_available")
  end)

  it("of a bulk lets later lines see earlier ones", function()
    start()
    app:put(15)
    local lines = json.array {
      app:reservation(9, { id = "a" }), app:reservation(9, { id = "b" }),
      app:reservation("x", { id = "c" }), app:reservation(6, { id = "d" }),
      app:reservation(1, { id = "a" }),
    }
    without_trace(function()
      local reply = try("/onhand/reserve/bulk", lines)
      expect.status(reply, 200)
      expect.buckets(reply, { success = { "a", "d" }, failure = { "b", "c" },
        conflict = { "a" }, notFound = {}, partialSuccess = {}, unknown = {} })
      expect.body(reply, {
        dryRun = true,
        success = {
          { dryRun = true, quantities = { iv = { softreserved = 9 } } },
          { dryRun = true, quantities = { iv = { softreserved = 15 } } },
        },
        failure = {
          { dryRun = true, available = 6, quantities = { ["$absent"] = true } },
          { dryRun = true, code = "invalid_quantity" },
        },
        conflict = { { dryRun = true } },
      })
    end)
  end)

  it("of a basket is all or none", function()
    start()
    app:put(15)
    local function basket(lines)
      return app:post("/onhand/reserve/bulk?dryRun=true&atomic=true",
        json.array(lines))
    end
    without_trace(function()
      local reply = basket { app:reservation(9, { id = "a" }),
        app:reservation(6, { id = "b" }) }
      expect.status(reply, 200)
      expect.buckets(reply, { success = { "a", "b" } })
      expect.body(reply, { atomic = true, dryRun = true,
        success = { { quantities = { iv = { availabletoreserve = 6 } } },
          { quantities = { iv = { availabletoreserve = 0 } } } } })
      reply = basket { app:reservation(9, { id = "a" }),
        app:reservation(7, { id = "b" }), app:reservation(1, { id = "c" }) }
      expect.status(reply, 409)
      expect.buckets(reply, { success = {}, failure = { "a", "b", "c" } })
      for _, result in ipairs(reply.json.failure) do
        assert.is_true(result.dryRun)
        assert.is_nil(result.quantities)
      end
      expect.status(basket { app:reservation(1), app:reservation(0) }, 400)
    end)
    expect.buckets(app:post("/onhand/reserve/bulk?atomic=true", json.array {
      app:reservation(9, { id = "a" }), app:reservation(5, { id = "b" }),
    }), { success = { "a", "b" } })
  end)

  it("is asked for in any letter case, and only with true", function()
    start()
    local function send(query, id)
      return app:post("/onhand?" .. query,
        app:event({ wms = { unrestricted = 1 } }, { id = id }))
    end
    expect.body(send("DRYRUN=True", "a"), { dryRun = true })
    assert.is_nil(expect.ok(send("dryRun=false", "b")).dryRun)
    for _, text in ipairs { "1", "yes", "", "tru" } do
      expect.invalid(send("dryRun=" .. text, "c"), "invalid_field", "dryRun")
    end
    assert.are.equal(1, app:total("wms.unrestricted"))
  end)

  it("leaves no hold that ends", function()
    start()
    app:put(10)
    expect.ok(try("/onhand/reserve", app:reservation(4, { ttlSeconds = 1 })))
    expect.ok(app:reserve(3, { ttlSeconds = 1 }))
    local events = process.await(20, function()
      local found = app:events(2)
      return found[1] and found
    end)
    assert.are.equal(1, #events)
    assert.are.equal(-3, events[1].deltas["iv.softreserved"])
  end)

  it("is gone after a kill like everything that was not", function()
    stand_in()
    expect.ok(try("/onhand/reserve", app:reservation(3)))
    local before = state()
    app:restart("kill")
    local after = state()
    for _, name in ipairs { "events", "reservations", "rows", "journal" } do
      assert.are.same(before[name], after[name], name)
    end
  end)

  it("stays out of what runs at the same time", function()
    start()
    app:put(102)
    local requests = {}
    for index = 1, 100 do
      local query = index % 2 == 0 and "?dryRun=true" or ""
      requests[index] = app:build("POST", "/onhand/reserve" .. query,
        app:reservation(2))
    end
    for index, reply in ipairs(app:together(requests)) do
      local body = expect.ok(reply)
      assert.are.equal(index % 2 == 0 or nil, body.dryRun)
    end
    assert.are.equal(100, app:total("iv.softreserved"))
    assert.are.equal(51, #app:events())
    app:verify()
  end)

  it("shows what formulas of plugins would say", function()
    app = plugins.start { safety = plugins.safety(10) }
    app:put(100)
    without_trace(function()
      expect.body(try("/onhand/reserve", app:reservation(20)),
        { quantities = { iv = { onhand = 100, availabletoreserve = 70 } } })
    end)
  end)

  it("shows null where a formula fails that nobody asked", function()
    app = plugins.start { shop = plugins.text("shop", {
      ["iv.onhand"] = plugins.ONHAND,
      ["iv.availabletoreserve"] = plugins.ONHAND .. " - m.iv.softreserved",
      ["report.share"] = "local n = m.wms.unrestricted "
        .. "if n > 50 then error('too many') end return n / 2",
    }) }
    app:put(10)
    local reply = try("/onhand", app:event { wms = { unrestricted = 40 } })
    expect.body(reply, { quantities = { report = { share = 25 } } })
    reply = try("/onhand", app:event { wms = { unrestricted = 41 } })
    expect.ok(reply)
    assert.are.equal(json.null, reply.json.quantities)
    assert.is_true(reply.json.dryRun)
    expect.ok(app:post("/onhand", app:event { wms = { unrestricted = 41 } }))
  end)

  it("tries documents and plugins, and publishes nothing", function()
    app = plugins.start { safety = plugins.safety(10) }
    app:put(100)
    local document = expect.ok(app:get("/configuration"))
    local before = plugins.list(app)
    local function try_call(method, path, body, text)
      return app:call(method, path .. "?dryRun=true", body, text and {
        raw = text, headers = { ["Content-Type"] = "text/x-lua" } })
    end
    local file = "/plugins/safety/plugin.lua"
    expect.body(try_call("PUT", file, nil, plugins.safety(25)),
      { dryRun = true, changed = true, generation = before.generation })
    expect.body(try_call("PUT", file, nil, plugins.safety(10)),
      { dryRun = true, changed = false })
    expect.invalid(try_call("PUT", file, nil, "return {"), "plugin_syntax")
    expect.body(try_call("PUT", "/plugins/other/plugin.lua", nil,
      plugins.text("other", {})), { dryRun = true, changed = false })
    expect.not_found(app:get("/plugins/other/plugin.lua"), "unknown_plugin")
    expect.body(try_call("POST", "/plugins/rollback",
      { generation = before.generation }),
      { dryRun = true, restored = before.generation })
    expect.not_found(try_call("DELETE", "/plugins/safety"), "unknown_plugin")
    expect.body(try_call("POST", "/configuration/hardupdate", document),
      { dryRun = true, generation = before.generation })
    document.partitionConfiguration = json.object {
      useProductId = true, useDimensions = false }
    document.cachePartitionIdVersion = "ByProductId"
    local reply = try_call("POST", "/configuration/hardupdate", document)
    assert.are.equal(409, reply.status)
    assert.are.equal("data_present", reply.json.code)
    document.ringfence.plugins = json.array { "nowhere" }
    expect.invalid(try_call("POST", "/configuration/hardupdate", document),
      "bad_configuration")
    assert.are.same(before, plugins.list(app))
    assert.are.equal(90, app:total("iv.availabletoreserve"))
    expect.ok(plugins.put(app, "safety", plugins.safety(25)))
    assert.are.equal(75, app:total("iv.availabletoreserve"))
    expect.body(try_call("DELETE", "/plugins/safety"),
      { dryRun = true, changed = true })
    assert.are.equal(75, app:total("iv.availabletoreserve"))
  end)

  it("is refused where there is none: reloads and erasing", function()
    start()
    app:put(1)
    local before = plugins.list(app)
    local function refuse(method, path, body, options)
      expect.invalid(app:call(method, path .. "?dryRun=true", body, options),
        "invalid_field", "dryRun")
    end
    refuse("POST", "host:/api/admin/reload")
    local partitions = expect.ok(app:get("/allpartitionids"))
    refuse("DELETE", "/partitions/cleanupalldata", partitions)
    refuse("DELETE", "/cleanupalldata", partitions)
    assert.are.equal(1, app:total("wms.unrestricted"))
    assert.are.same(before, plugins.list(app))
    assert.are.equal(1, #app:events())
    expect.ok(app:call("DELETE", "/cleanupalldata?dryRun=false", partitions))
  end)
end)

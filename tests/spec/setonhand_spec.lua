-- setonhand_spec.lua - POST /setonhand/{inventorySystem}/bulk: counts.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local match = require "tests.support.match"
local rows = require "tests.support.rows"

local function stamp(time, more)
  more = more or {}
  more.modifiedDateTimeUTC = time
  return more
end

describe("POST /setonhand", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function set(lines, source, parameters)
    return app:post(("/setonhand/%s/bulk%s"):format(source or "wms",
      parameters or ""), json.array(lines))
  end

  local function count(quantity, more)
    return app:event({ wms = { unrestricted = quantity } }, more)
  end

  -- Set one row and return its result, which must be a success.
  local function set_one(line, source)
    return expect.buckets(set({ line }, source), { success = 1 }).success[1]
  end

  local function expect_stale(result)
    expect.body({ status = 200, body = "", json = result }, {
      processingStatus = "success", statusCode = 200, code = "stale_snapshot",
      message = { ["$type"] = "string", ["$not"] = "" },
    })
  end

  -- The one line is refused with this code, at this member when given.
  local function refuse(line, code, field, source)
    local body = expect.buckets(set({ line }, source),
      { success = 0, failure = 1 })
    assert.are.equal(400, body.failure[1].statusCode)
    assert.are.equal(code, body.failure[1].code)
    assert.are.equal(field, body.failure[1].field)
  end

  it("makes a measure what was counted, whatever it was", function()
    app:put(37)
    expect.body({ status = 200, body = "",
      json = set_one(count(100, stamp("2031-03-10T09:00:00Z", { id = "c" }))) },
      { id = "ohse~c", processingStatus = "success", message = "",
        statusCode = 200, code = { ["$absent"] = true } })
    assert.are.equal(100, app:total("wms.unrestricted"))
    app:put(5)
    assert.are.equal(105, app:total("wms.unrestricted"))
    expect_stale(set_one(count(90, stamp("2031-03-10T08:59:59.999Z"))))
    assert.are.equal(105, app:total("wms.unrestricted"))
    set_one(count(80, stamp("2031-03-10T09:00:01Z")))
    assert.are.equal(80, app:total("wms.unrestricted"))
  end)

  it("leaves other measures and rows alone", function()
    expect.ok(app:post("/onhand", app:event {
      wms = { unrestricted = 5, blocked = 2 }, till = { sold = 1 } }))
    app:put(7, { dimensions = App.place { ColorId = "red" } })
    set_one(count(-3))
    rows.check_quantities(rows.one(app:rows(), {}), {
      ["wms.unrestricted"] = 4, ["wms.blocked"] = 2, ["till.sold"] = 1 })
    assert.are.equal(7,
      app:total("wms.unrestricted", App.filters { ColorId = { "red" } }))
  end)

  it("takes zero, text for numbers, and any letter case", function()
    app:put(9)
    local line = count(0)
    line.quantities = json.object { WMS = { UnRestricted = "1e1" } }
    set_one(line, "Wms")
    assert.are.equal(10, app:total("wms.unrestricted"))
    line = count(0)
    line.MODIFIEDDATETIMEUTC = "2001-01-01T00:00:00Z"
    local reply = app:post("/SetOnHand/wMS/BULK/", json.array { line })
    expect_stale(expect.buckets(reply, { success = 1 }).success[1])
    set_one(count(0))
    assert.are.equal(0, app:total("wms.unrestricted"))
  end)

  it("reads times with zones, without one, and to the millisecond", function()
    set_one(count(1, stamp("2031-03-10T10:00:00.25+01:00")))
    for _, time in ipairs {
      "2031-03-10T09:00:00.249999Z", "2031-03-10t09:00:00z",
      "2031-03-10 09:00:00", "2031-03-10T04:30:00-04:29",
    } do
      expect_stale(set_one(count(2, stamp(time))))
    end
    for quantity, time in ipairs {
      "2031-03-10T09:00:00.25", "2031-03-10T09:00:00.2519-00:00",
      "2031-03-10T09:00:60Z",
    } do
      set_one(count(quantity, stamp(time)))
      assert.are.equal(quantity, app:total("wms.unrestricted"))
    end
  end)

  it("refuses what is no time", function()
    for _, time in ipairs {
      "yesterday", "", "2031-03-10", "2031-02-29T00:00:00Z",
      "2031-13-01T00:00:00Z", "2031-03-10T24:00:00Z", "2031-03-10T09:00Z",
      "2031-03-10T09:00:00.Z", "2031-03-10T09:00:00+0100",
      "2031-03-10T09:00:00Z ", "Mon Mar 10 2031", 1741597200, true,
      json.array {},
    } do
      refuse(count(1, stamp(time)), "invalid_field", "modifiedDateTimeUTC")
    end
    set_one(count(1, stamp(json.null)))
    assert.are.equal(1, #app:events())
  end)

  it("takes only measures of the source in the path", function()
    refuse(app:event { till = { sold = 1 } }, "source_mismatch",
      "quantities.till")
    refuse(app:event { wms = { unrestricted = 1 }, till = { sold = 1 } },
      "source_mismatch", "quantities.till")
    refuse(app:event { fno = { onordered = 1 } }, "source_mismatch",
      "quantities.fno")
    refuse(app:event { wms = { lost = 1 } }, "unknown_measure",
      "quantities.wms.lost")
    refuse(app:event { none = { lost = 1 } }, "unknown_data_source",
      "quantities.none")
    refuse(app:event { wms = json.object() }, "missing_field", "quantities")
    expect.invalid(set({ count(1) }, "none"), "unknown_data_source",
      "inventorySystem")
    assert.are.same({}, app:events())
  end)

  it("refuses sources that are not the caller's to write", function()
    refuse(app:event { fno = { onordered = 1 } }, "read_only_source",
      "quantities.fno", "fno")
    refuse(app:event { ["@iv"] = { ["@allocated"] = 1 } }, "read_only_source",
      "quantities.@iv", "@iv")
    App.finish(app)
    app = App.start { patch = { ringfence = { allowFnoWrites = true } } }
    set_one(app:event { fno = { onordered = 4 } }, "fno")
    assert.are.equal(4, app:total("fno.onordered"))
  end)

  it("refuses lines like those of change events", function()
    for _, name in ipairs {
      "organizationId", "productId", "dimensions", "quantities",
    } do
      refuse(count(1, { [name] = json.null }), "missing_field", name)
    end
    refuse(count("1.0000001"), "invalid_quantity",
      "quantities.wms.unrestricted")
    refuse(count(1e11 + 1), "invalid_quantity", "quantities.wms.unrestricted")
    refuse(count(1, { dimensions = App.place { Weight = "1" } }),
      "unknown_dimension", "dimensions.Weight")
  end)

  it("is there for lists only, of 1 to 512 lines", function()
    local lines = {}
    for index = 1, 513 do lines[index] = count(index) end
    expect.invalid(set(lines), "too_many_items")
    lines[513] = nil
    expect.buckets(set(lines), { success = 512 })
    assert.are.equal(512, app:total("wms.unrestricted"))
    expect.invalid(set {}, "empty_batch")
    expect.status(app:post("/setonhand/wms/bulk", count(1)), 400)
    expect.not_found(app:post("/setonhand/wms", count(1)), "unknown_path")
    expect.status(app:get("/setonhand/wms/bulk"), 405)
  end)

  it("answers an id again, stale or not", function()
    local first = count(5, { id = "a" })
    local late = count(6, stamp("2001-01-01T00:00:00Z", { id = "b" }))
    local post = app:event({ wms = { unrestricted = 1 } }, { id = "a" })
    expect.buckets(set { first, late }, { success = { "a", "b" } })
    expect.ok(app:post("/onhand", post))
    local body = expect.buckets(set { first, late, first },
      { success = { "a", "b", "a" } })
    assert.is_nil(body.success[1].code)
    expect_stale(body.success[2])
    late.modifiedDateTimeUTC = "2001-01-01T00:00:01Z"
    expect.buckets(set { late }, { conflict = { "b" } })
    assert.are.equal(6, app:total("wms.unrestricted"))
    assert.are.equal(3, #app:events())
  end)

  it("writes what it did to the journal", function()
    app:put(37)
    set_one(count(30, { id = "c" }))
    set_one(count(31, stamp("2001-01-01T00:00:00Z", { id = "d" })))
    local list = app:events(1)
    assert.is_true(match.contains(list, {
      { operation = "set", id = "c", deltas = { ["wms.unrestricted"] = -7 },
        totals = { ["wms.unrestricted"] = 30 }, result = "success", code = "",
        message = "" },
      { operation = "set", id = "d", result = "success",
        code = "stale_snapshot", message = { ["$not"] = "" } },
    }))
    assert.is_nil(next(list[2].deltas))
    assert.is_nil(next(list[2].totals))
  end)

  it("is all or nothing in a basket", function()
    local other = { dimensions = App.place { ColorId = "red" } }
    local body = expect.buckets(
      set({ count(5, other), count(7) }, "wms", "?atomic=true"),
      { success = 2 })
    assert.is_true(body.atomic)
    assert.are.equal(12, app:total("wms.unrestricted"))
    local blue = App.place { ColorId = "blue" }
    local reply = set({ count(1, { dimensions = blue }),
      app:event { till = { sold = 1 } }, count(2) }, "wms", "?atomic=true")
    expect.status(reply, 400)
    expect.buckets(reply, { success = 0, failure = 3 })
    assert.are.equal("source_mismatch", reply.json.failure[2].code)
    assert.are.equal(12, app:total("wms.unrestricted"))
    -- What was undone has left no time behind either.
    set_one(count(9, stamp("2001-01-01T00:00:00Z", { dimensions = blue })))
    -- A line that is stale does not stop it.
    reply = set({ count(1, stamp "2001-01-01T00:00:00Z"), count(3) }, "wms",
      "?atomic=true")
    expect_stale(expect.buckets(reply, { success = 2 }).success[1])
    assert.are.equal(17, app:total("wms.unrestricted"))
  end)

  it("says what it left alone", function()
    set_one(count(5, stamp "2031-03-10T09:00:00Z"))
    local result = set_one(app:event(
      { wms = { unrestricted = 6, blocked = 1 } },
      stamp "2031-03-10T08:00:00Z"))
    assert.is_nil(result.code)
    assert.is_truthy(result.message:find("1 of 2", 1, true))
    assert.are.equal(5, app:total("wms.unrestricted"))
    assert.are.equal(1, app:total("wms.blocked"))
  end)

  it("remembers times over a restart, until the data is erased", function()
    set_one(count(5, stamp "2031-03-10T09:00:00Z"))
    app:restart("kill")
    expect_stale(set_one(count(6, stamp "2031-03-10T08:00:00Z")))
    local ids = expect.status(app:get("/allpartitionids"), 200)
    expect.ok(app:call("DELETE", "/partitions/cleanupalldata", ids))
    set_one(count(7, stamp "2031-03-10T08:00:00Z"))
    assert.are.equal(7, app:total("wms.unrestricted"))
  end)
end)

describe("the roles of counts", function()
  local app

  setup(function()
    local roles = { "reader", "writer", "planner", "erp" }
    local list = {}
    for _, role in ipairs(roles) do
      list[#list + 1] = keys.entry(role, "key-" .. role, { role })
    end
    app = App.start { server = { auth = { keys = list } } }
  end)
  teardown(function() App.finish(app) end)

  local function set(role, source, quantities)
    return app:post(("/setonhand/%s/bulk"):format(source),
      json.array { app:event { [source] = quantities } },
      { auth = "Bearer key-" .. role })
  end

  it("are those of change events", function()
    expect.forbidden(set("reader", "wms", { unrestricted = 1 }))
    expect.forbidden(set("planner", "wms", { unrestricted = 1 }))
    expect.buckets(set("writer", "wms", { unrestricted = 1 }), { success = 1 })
    expect.buckets(set("writer", "fno", { onordered = 1 }), { failure = 1 })
    expect.buckets(set("erp", "fno", { onordered = 1 }), { success = 1 })
  end)
end)

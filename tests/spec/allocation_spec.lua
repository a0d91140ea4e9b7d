-- allocation_spec.lua - POST /allocation/allocate, unallocate, reallocate.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"

local groups = Allocations.groups
local WEB = groups "web"
local GOLD = groups("web", "gold")
local SILVER = groups("web", "silver")
local RED = App.place { ColorId = "red" }

describe("an allocation", function()
  local app, stock

  local function start(options)
    app = App.start(options)
    stock = Allocations.new(app)
  end

  before_each(function() start() end)
  after_each(function() App.finish(app) end)

  -- What the record of gold and the place have, in the order of table 12.4.
  local function state()
    local record = stock:record(GOLD) or {}
    return {
      record = { record.allocated, record.cumulativeAllocated,
        record.consumed, record.cumulativeConsumed },
      place = { stock:total "@allocated", stock:total "@cumulative_allocated",
        stock:total "@consumed", stock:total "@cumulative_consumed" },
      available = record.available_to_allocate,
    }
  end

  local function other(options)
    App.finish(app)
    start(options)
  end

  describe("by the table of effects:", function()
    before_each(function()
      app:put(20)
      expect.ok(stock:allocate(GOLD, 10))
    end)

    it("allocate raises what is allocated, and the pool falls", function()
      assert.are.same({ record = { 10, 10, 0, 0 }, place = { 10, 10, 0, 0 },
        available = 10 }, state())
    end)

    it("unallocate lowers it, the pool rises, cumulative stays", function()
      expect.ok(stock:unallocate(GOLD, 4))
      assert.are.same({ record = { 6, 10, 0, 0 }, place = { 6, 10, 0, 0 },
        available = 14 }, state())
    end)

    it("reallocate moves, and no total at the place changes", function()
      expect.ok(stock:reallocate(GOLD, SILVER, 3))
      assert.are.same({ record = { 7, 10, 0, 0 }, place = { 10, 10, 0, 0 },
        available = 10 }, state())
      assert.are.equal(3, stock:record(SILVER).allocated)
      assert.are.equal(3, stock:record(SILVER).cumulativeAllocated)
    end)

    it("consume raises what is consumed, both ways of counting", function()
      expect.ok(stock:consume(GOLD, 2,
        { physicalMeasures = { wms = { unrestricted = "Subtraction" } } }))
      assert.are.same({ record = { 8, 10, 2, 2 }, place = { 8, 10, 2, 2 },
        available = 10 }, state())
      assert.are.equal(18, app:total "wms.unrestricted")
    end)
  end)

  it("goes through the steps of the worked example", function()
    other { patch = { inventorySystemConfigurations = {
      pos = { dataSourceName = "pos", physicalMeasures = { "inbound" } },
      ["@iv"] = { calculatedMeasures = { ["@available_to_allocate"] = {
        additionModifiers = { "fno.onordered", "pos.inbound" },
        subtractionModifiers = { "@iv.@allocated" } } } } } } }
    stock = Allocations.new(app, RED)
    expect.ok(app:post("/onhand",
      app:event({ pos = { inbound = 20 } }, { dimensions = RED })))
    local US, EU = groups("Online", "VIP", "US"), groups("Online", "VIP", "EU")
    local function is(us, eu, inbound, allocated, available)
      local record = stock:record(US)
      assert.are.same({ us, eu, inbound, allocated, available },
        { record.allocated, (stock:record(EU) or { allocated = 0 }).allocated,
          app:total "pos.inbound", stock:total "@allocated",
          record.available_to_allocate })
    end
    expect.ok(stock:allocate(US, 10))
    is(10, 0, 20, 10, 10)
    expect.ok(stock:reallocate(US, EU, 2))
    is(8, 2, 20, 10, 10)
    expect.ok(stock:consume(US, 3,
      { physicalMeasures = { pos = { inbound = "Subtraction" } } }))
    is(5, 2, 17, 7, 10)
    assert.are.same({ 3, 3, 10 }, { stock:total "@consumed",
      stock:total "@cumulative_consumed", stock:total "@cumulative_allocated" })
    expect.ok(stock:unallocate(EU, 1))
    is(5, 1, 17, 6, 11)
  end)

  it("of a child comes from its parent or from the pool, as asked", function()
    local child = groups("web", "gold", "SE")
    app:put(10)
    expect.ok(stock:allocate(GOLD, 6))
    expect.ok(stock:reallocate(GOLD, child, 4))
    stock:expect_records { { GOLD, { allocated = 2 } },
      { child, { allocated = 4, available_to_allocate = 4 } } }
    expect.ok(stock:allocate(child, 4))
    stock:expect_records { { GOLD, { allocated = 2 } },
      { child, { allocated = 8, available_to_allocate = 0 } } }
  end)

  it("answers with a single result", function()
    app:put(5)
    local body = expect.ok(stock:allocate(WEB, 2, { id = "a" }))
    assert.are.same({ id = "alloc~a", processingStatus = "success",
      message = "", statusCode = 200 }, body)
    for _, operation in ipairs { "unallocate", "consume" } do
      body = expect.ok(stock:send(operation, WEB, 1, { id = "b" }))
      assert.are.equal("alloc~b", body.id)
    end
  end)

  it("is refused where the pool is too small, and says what binds", function()
    app:put(8)
    local body = expect.refused(stock:allocate(WEB, 8.5),
      "insufficient_available", 8)
    assert.are.same({ kind = "level", level = { "siteid", "locationid" },
      value = 8 }, body.binding)
    expect.refused(stock:unallocate(WEB, 1), "insufficient_allocated", 0)
    expect.ok(stock:allocate(WEB, 3))
    for _, operation in ipairs { "unallocate", "consume" } do
      body = expect.refused(stock:send(operation, WEB, 3.000001),
        "insufficient_allocated", 3)
      assert.is_nil(body.binding)
    end
    expect.refused(stock:reallocate(WEB, GOLD, 4), "insufficient_allocated", 3)
    expect.refused(stock:reallocate(GOLD, WEB, 1), "insufficient_allocated", 0)
  end)

  it("names a fault by its word and its place", function()
    app:put(9)
    local function invalid(word, field, target, quantity, more)
      expect.invalid(stock:allocate(target, quantity, more), word, field)
    end
    invalid("no_groups", "groups", json.object(), 1)
    invalid("missing_field", "groups", nil, 1)
    invalid("invalid_field", "groups", "web", 1)
    invalid("invalid_field", "groups.channel", { channel = { "web" } }, 1)
    invalid("too_long", "groups.channel", groups(("w"):rep(51)), 1)
    invalid("unknown_group", "groups.chanel", { chanel = "web" }, 1)
    invalid("unknown_group", "groups.ColorId", { ColorId = "red" }, 1)
    invalid("group_gap", "groups.country",
      { channel = "web", country = "SE" }, 1)
    invalid("group_gap", "groups.segment", { segment = "gold" }, 1)
    invalid("group_gap", "groups.segment",
      { channel = "", segment = "gold" }, 1)
    invalid("invalid_quantity", "quantity", WEB, 0)
    invalid("invalid_quantity", "quantity", WEB, -1)
    invalid("invalid_quantity", "quantity", WEB, "many")
    invalid("invalid_quantity", "quantity", WEB, 0.0000001)
    invalid("missing_field", "quantity", WEB)
    invalid("missing_field", "id", WEB, 1, { id = json.null })
    invalid("missing_field", "productId", WEB, 1, { productId = json.null })
    invalid("missing_field", "dimensions", WEB, 1, { dimensions = json.null })
    invalid("unknown_dimension", "dimensions.TillColor", WEB, 1,
      { dimensions = App.place { TillColor = "red" } })
    expect.refused(stock:allocate(WEB, 1, { dimensions = { ColorId = "red" } }),
      "missing_partition")
    expect.ok(stock:allocate({ channel = "web", segment = "" }, 1))
    assert.are.equal(1, stock:record(WEB).allocated)
  end)

  it("takes the names that others have for things", function()
    app:put(9, { dimensions = RED })
    local place = { tillsite = "10", TillRoom = "A1", TILLCOLOR = "red" }
    expect.ok(stock:allocate({ CHANNEL = "web", Segment = "gold" }, "2.50",
      { dimensionDataSource = "till", dimensions = place }))
    expect.ok(stock:allocate(nil, 1, { targetGroups = GOLD, dimensions = RED }))
    expect.ok(stock:allocate(GOLD, 1,
      { targetGroups = { SEGMENT = "gold", channel = "web" },
        dimensions = RED }))
    stock.dimensions = RED
    assert.are.equal(4.5, stock:record(GOLD).allocated)
    for _, target in ipairs { WEB, SILVER, json.object() } do
      expect.invalid(stock:allocate(GOLD, 1, { targetGroups = target }),
        "conflicting_fields", "targetGroups")
    end
    expect.invalid(stock:allocate(json.object(), 1, { targetGroups = GOLD }),
      "conflicting_fields", "targetGroups")
  end)

  it("moves between two different records only", function()
    app:put(9)
    expect.ok(stock:allocate(GOLD, 5))
    local function invalid(word, field, source)
      expect.invalid(stock:reallocate(source, GOLD, 1), word, field)
    end
    invalid("missing_field", "sourceGroups", nil)
    invalid("missing_field", "sourceGroups", json.null)
    invalid("no_groups", "sourceGroups", json.object())
    invalid("unknown_group", "sourceGroups.shop", { shop = "1" })
    invalid("group_gap", "sourceGroups.country",
      { channel = "web", country = "SE" })
    invalid("conflicting_fields", "sourceGroups", GOLD)
  end)

  it("obeys no member that has no meaning for it", function()
    app:put(9)
    expect.ok(stock:allocate(GOLD, 5))
    for _, operation in ipairs { "unallocate", "consume" } do
      for name, value in pairs { percent = 10, fill = true, scale = 1,
        allowPartial = true, minQuantity = 1 } do
        expect.invalid(stock:send(operation, GOLD, 1, { [name] = value }),
          "invalid_field", name)
      end
      expect.ok(stock:send(operation, GOLD, 1,
        { allowPartial = false, fill = json.null }))
    end
    assert.are.equal(3, stock:record(GOLD).allocated)
  end)

  it("of one object and of an array has its own paths", function()
    app:put(9)
    local lines = { stock:body(WEB, 1), stock:body(GOLD, 2) }
    expect.invalid(app:post("/allocation/allocate", lines), "invalid_field")
    expect.invalid(app:post("/allocation/allocate?atomic=false", lines),
      "invalid_field")
    expect.invalid(app:post("/allocation/allocate/bulk", lines[1]),
      "invalid_field")
    expect.buckets(app:post("/allocation/allocate?atomic=true", lines),
      { success = 2 })
    expect.buckets(app:post("/allocation/allocate/bulk", lines),
      { success = 2 })
    assert.are.equal(3, stock:total "@allocated")
  end)

  it("counts once, and says what it said", function()
    app:put(9)
    local body = stock:body(WEB, 4)
    for _ = 1, 2 do expect.ok(app:post("/allocation/allocate", body)) end
    body.groups, body.targetGroups = nil, { CHANNEL = "web" }
    body.quantity = "4.0"
    expect.ok(app:post("/allocation/allocate", body))
    assert.are.equal(4, stock:total "@allocated")
    body.quantity = 5
    expect.conflict(app:post("/allocation/allocate", body))
    body.quantity, body.targetGroups = 4, GOLD
    expect.conflict(app:post("/allocation/allocate", body))
    expect.ok(app:post("/allocation/unallocate",
      stock:body(WEB, 1, { id = body.id })))
    local move = stock:body(GOLD, 1, { sourceGroups = WEB })
    expect.ok(app:post("/allocation/reallocate", move))
    expect.ok(app:post("/allocation/reallocate", move))
    move.sourceGroups = SILVER
    expect.conflict(app:post("/allocation/reallocate", move))
    local late = stock:body(WEB, 100)
    expect.refused(app:post("/allocation/allocate", late),
      "insufficient_available", 6)
    app:put(1000)
    app:restart "kill"
    local again = expect.refused(app:post("/allocation/allocate", late),
      "insufficient_available", 6)
    assert.are.same({ "siteid", "locationid" }, again.binding.level)
    stock:expect_records { { WEB, { allocated = 2 } },
      { GOLD, { allocated = 1 } } }
  end)

  it("in a basket sees the lines before it", function()
    app:put(10)
    local function basket(operation, lines)
      return app:post("/allocation/" .. operation .. "/bulk?atomic=true", lines)
    end
    expect.status(basket("allocate",
      { stock:body(WEB, 6), stock:body(GOLD, 5) }), 409)
    local body = expect.buckets(basket("allocate",
      { stock:body(WEB, 6), stock:body(GOLD, 9, { allowPartial = true }) }),
      { success = 1, partialSuccess = 1 })
    assert.are.equal(4, body.partialSuccess[1].quantity)
    expect.status(basket("reallocate",
      { stock:body(SILVER, 4, { sourceGroups = GOLD }),
        stock:body(WEB, 4, { sourceGroups = SILVER }),
        stock:body(GOLD, 1, { sourceGroups = SILVER }) }), 409)
    expect.buckets(basket("reallocate",
      { stock:body(SILVER, 4, { sourceGroups = GOLD }),
        stock:body(WEB, 4, { sourceGroups = SILVER }) }), { success = 2 })
    stock:expect_records { { WEB, { allocated = 10 } },
      { GOLD, { allocated = 0 } }, { SILVER, { allocated = 0 } } }
    expect.buckets(basket("unallocate",
      { stock:body(WEB, 4), stock:body(WEB, 7) }), { failure = 2 })
    expect.buckets(basket("consume",
      { stock:body(WEB, 4), stock:body(WEB, 6) }), { success = 2 })
  end)

  it("is tried without being done", function()
    app:put(10)
    local body = expect.ok(stock:send("allocate?dryRun=true", WEB, 4))
    assert.is_true(body.dryRun)
    assert.are.equal(4, body.quantities["@iv"]["@allocated"])
    assert.are.equal(6, body.quantities["@iv"]["@available_to_allocate"])
    expect.refused(stock:send("allocate?dryRun=true", WEB, 11),
      "insufficient_available", 10)
    stock:expect_records {}
    assert.are.equal(1, #app:events())
  end)

  it("is in the journal with its groups", function()
    app:put(10, { dimensions = RED })
    stock.dimensions = RED
    expect.ok(stock:allocate(GOLD, 4))
    expect.ok(stock:reallocate(GOLD, SILVER, 1))
    stock:allocate(WEB, 100)
    local history = expect.ok(app:get(
      "/history?organizationId=acme&productId=LAMP&siteId=10")).events
    for _, events in ipairs { app:events(1), { table.unpack(history, 2) } } do
      expect.body({ status = 200, body = "", json = events }, {
        { operation = "allocate", groups = GOLD,
          dimensions = { siteid = "10", locationid = "A1", ColorId = "red" },
          deltas = { ["@iv.@allocated"] = 4,
            ["@iv.@cumulative_allocated"] = 4 },
          totals = { ["@iv.@allocated"] = 4 } },
        { operation = "reallocate", groups = SILVER, sourceGroups = GOLD,
          deltas = json.object() },
        { operation = "allocate", groups = WEB, result = "refused" },
      })
      assert.is_nil(events[1].sourceGroups)
      assert.is_nil(events[1].dimensions.channel)
    end
    assert.is_nil(app:events()[1].groups)
  end)

  it("asks for a role", function()
    local list = {}
    for _, role in ipairs { "reader", "writer", "planner", "erp", "admin" } do
      list[#list + 1] = keys.entry(role, "key-" .. role, { role })
    end
    other { server = { auth = { keys = list } } }
    local function may(operation, role)
      app.auth = "Bearer key-" .. role
      local reply = stock:send(operation, WEB, 1, {
        sourceGroups = GOLD, targets = { { groups = WEB, quantity = 0 } } })
      if reply.status == 403 then expect.forbidden(reply) end
      return reply.status ~= 403
    end
    local planning = { reader = false, writer = false, planner = true,
      erp = false, admin = true }
    for role, allowed in pairs(planning) do
      for _, operation in ipairs { "allocate", "unallocate", "reallocate",
        "plan" } do
        assert.are.equal(allowed, may(operation, role), operation .. role)
      end
      assert.is_true(may("query", role))
    end
    local consuming = { reader = false, writer = true, planner = false,
      erp = true, admin = true }
    for role, allowed in pairs(consuming) do
      assert.are.equal(allowed, may("consume", role), role)
    end
  end)
end)

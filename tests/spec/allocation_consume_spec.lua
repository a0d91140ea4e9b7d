-- allocation_consume_spec.lua - POST /allocation/consume.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local groups = Allocations.groups
local GOLD = groups("web", "gold")
local BATCH = App.place { BatchId = "b1" }

describe("a consumption", function()
  local app, stock

  local function start(options)
    app = App.start(options)
    stock = Allocations.new(app)
    app:put(20)
    expect.ok(stock:allocate(GOLD, 8))
  end

  before_each(function() start() end)
  after_each(function() App.finish(app) end)

  local function consume(quantity, measures, more)
    more = more or {}
    more.physicalMeasures = measures
    return stock:consume(GOLD, quantity, more)
  end

  local function available()
    return stock:total "@available_to_allocate"
  end

  it("leaves the pool alone when it names what leaves the stock", function()
    expect.ok(consume(3, { wms = { unrestricted = "Subtraction" } }))
    assert.are.same({ 17, 12 }, { app:total "wms.unrestricted", available() })
    expect.ok(consume(2, { TILL = { Sold = "addition" } }))
    assert.are.same({ 2, 12 }, { app:total "till.sold", available() })
    expect.ok(consume(2, { wms = { unrestricted = "SUBTRACTION",
      picked = "Addition" }, shop = { issued = "Subtraction" } }))
    assert.are.same({ 15, 2, -2, 12 }, { app:total "wms.unrestricted",
      app:total "wms.picked", app:total "shop.issued", available() })
  end)

  it("makes the pool grow when it names nothing", function()
    expect.ok(consume(3))
    expect.ok(consume(1, json.object()))
    expect.ok(consume(1, { wms = json.object() }))
    expect.ok(consume(1, json.null))
    assert.are.same({ 2, 6, 18, 20 }, { stock:total "@allocated",
      stock:total "@consumed", available(), app:total "wms.unrestricted" })
  end)

  it("counts what is consumed once, named or not", function()
    expect.ok(consume(3, { ["@iv"] = { ["@consumed"] = "Addition" } }))
    assert.are.same({ 3, 3 }, { stock:total "@consumed",
      stock:total "@cumulative_consumed" })
    expect.invalid(consume(1, { ["@iv"] = { ["@consumed"] = "Subtraction" } }),
      "wrong_modifier", "physicalMeasures.@iv.@consumed")
  end)

  it("keeps the pool where the formula subtracts what is consumed", function()
    App.finish(app)
    start { patch = { inventorySystemConfigurations = { ["@iv"] = {
      calculatedMeasures = { ["@available_to_allocate"] = {
        additionModifiers = { "wms.unrestricted" },
        subtractionModifiers = { "@iv.@allocated", "@iv.@consumed" },
      } } } } } }
    expect.ok(consume(3))
    assert.are.equal(12, available())
    expect.ok(consume(3, { ["@iv"] = { ["@consumed"] = "Addition" } }))
    assert.are.equal(12, available())
  end)

  it("names a measure by what is opposite in the pool, and none of others",
    function()
      local function invalid(word, field, measures)
        expect.invalid(consume(1, measures), word, "physicalMeasures" .. field)
      end
      invalid("wrong_modifier", ".wms.unrestricted",
        { wms = { unrestricted = "Addition" } })
      invalid("wrong_modifier", ".till.sold",
        { till = { sold = "Subtraction" } })
      invalid("wrong_modifier", ".till.returned",
        { till = { returned = "Addition" } })
      invalid("wrong_modifier", ".iv.softreserved",
        { iv = { softreserved = "Subtraction" } })
      invalid("read_only_source", ".fno.availphysical",
        { fno = { AvailPhysical = "Addition" } })
      invalid("read_only_source", ".@iv.@allocated",
        { ["@iv"] = { ["@allocated"] = "Addition" } })
      invalid("unknown_data_source", ".shed.sold",
        { shed = { sold = "Addition" } })
      invalid("unknown_measure", ".till.gone", { till = { gone = "Addition" } })
      invalid("unknown_measure", ".iv.onhand", { iv = { onhand = "Addition" } })
      invalid("invalid_field", ".till.sold", { till = { sold = "Plus" } })
      invalid("invalid_field", ".till.sold", { till = { sold = 1 } })
      invalid("invalid_field", ".till", { till = "Addition" })
      invalid("invalid_field", "", { "till" })
      assert.are.equal(8, stock:total "@allocated")
    end)

  it("does not write the ERP's measures, even where posting may", function()
    App.finish(app)
    start { patch = { ringfence = { allowFnoWrites = true } } }
    expect.ok(app:post("/onhand", app:event { fno = { onordered = 1 } }))
    expect.invalid(consume(1, { fno = { onordered = "Addition" } }),
      "read_only_source", "physicalMeasures.fno.onordered")
  end)

  it("of a reservation measure reserves", function()
    local body = expect.ok(consume(3, { iv = { softreserved = "Addition" } },
      { id = "c" }))
    assert.are.same({ 5, 3, 12, 12 }, { stock:total "@allocated",
      app:total "iv.softreserved", available(),
      app:total "iv.availabletoreserve" })
    local again = expect.ok(consume(3, { iv = { softreserved = "Addition" } },
      { id = "c" }))
    assert.are.equal(body.reservationId, again.reservationId)
    expect.refused(app:reserve(13), "insufficient_available", 12)
    expect.ok(app:reserve(12))
    assert.are.equal(body.reservationId, expect.ok(consume(1,
      { iv = { softreserved = "Addition" } })).reservationId)
    expect.ok(app:unreserve(body.reservationId, 16))
    assert.are.same({ 0, 16 }, { app:total "iv.softreserved", available() })
    assert.is_nil(expect.ok(consume(1)).reservationId)
  end)

  it("reserves the service's own measure where that is mapped", function()
    local measures = { ["@iv"] = { ["@softreserved"] = "Addition" } }
    expect.invalid(consume(1, measures), "read_only_source")
    App.finish(app)
    local pool = { additionModifiers = { "wms.unrestricted" },
      subtractionModifiers = { "@iv.@softreserved", "@iv.@allocated" } }
    start { patch = { inventorySystemConfigurations = { ["@iv"] = {
      calculatedMeasures = { ["@available_to_allocate"] = pool,
        ["@available_to_reserve"] = pool },
      reservMappings = { ["@softreserved"] = "@iv.@available_to_reserve" },
    } } } }
    local record = expect.ok(consume(3, measures)).reservationId
    assert.are.same({ 5, 3, 12 }, { stock:total "@allocated",
      stock:total "@softreserved", available() })
    expect.ok(app:unreserve(record, 3))
    assert.are.equal(15, available())
  end)

  it("that reserves may be for somebody", function()
    local measures = { iv = { softreserved = "Addition" } }
    local one = expect.ok(consume(1, measures, { orderTag = "o-1" }))
    local two = expect.ok(consume(1, measures, { recipient = "X" }))
    assert.are_not.equal(one.reservationId, two.reservationId)
    local list = expect.ok(app:get "/reservations?orderTag=o-1").Value
    assert.are.same({ 1, one.reservationId, 1 },
      { #list, list[1].reservationId, list[1].quantity })
  end)

  it("reserves at dimensions that may be reserved only", function()
    app:put(5, { dimensions = BATCH })
    expect.ok(stock:allocate(GOLD, 5, { dimensions = BATCH }))
    expect.invalid(consume(1, { iv = { softreserved = "Addition" } },
      { dimensions = BATCH }), "dimension_not_reservable",
      "physicalMeasures.iv.softreserved")
    expect.ok(consume(1, nil, { dimensions = BATCH }))
  end)

  it("never takes more than the group has", function()
    expect.refused(consume(8.000001), "insufficient_allocated", 8)
    expect.refused(stock:consume(groups "web", 1), "insufficient_allocated", 0)
    expect.refused(stock:consume(groups("web", "gold", "SE"), 1),
      "insufficient_allocated", 0)
    expect.refused(consume(1, nil, { dimensions = BATCH }),
      "insufficient_allocated", 0)
    expect.refused(consume(9, { iv = { softreserved = "Addition" } }),
      "insufficient_allocated", 8)
    expect.ok(consume(8))
    expect.refused(consume(0.000001), "insufficient_allocated", 0)
    assert.are.same({ 0, 8 }, { stock:total "@allocated",
      stock:total "@consumed" })
  end)

  it("in a basket changes all or nothing", function()
    local function line(quantity, measures)
      return stock:body(GOLD, quantity, { physicalMeasures = measures })
    end
    local function basket(lines)
      return app:post("/allocation/consume?atomic=true", lines)
    end
    local reply = basket { line(5, { iv = { softreserved = "Addition" } }),
      line(4, { till = { sold = "Addition" } }) }
    expect.status(reply, 409)
    assert.are.same({ 8, 0, 0 }, { stock:total "@allocated",
      app:total "iv.softreserved", app:total "till.sold" })
    reply = basket { line(5, { iv = { softreserved = "Addition" } }),
      line(3, { till = { sold = "Addition" } }) }
    expect.buckets(reply, { success = 2 })
    assert.is_truthy(reply.json.success[1].reservationId)
    assert.is_nil(reply.json.success[2].reservationId)
  end)

  it("of many callers at once takes what there is, once", function()
    local requests = {}
    for index = 1, 24 do
      requests[index] = app:build("POST", "/allocation/consume",
        stock:body(GOLD, 0.5, { physicalMeasures =
          { wms = { unrestricted = "Subtraction" } } }))
    end
    local good = 0
    for _, reply in ipairs(app:together(requests)) do
      if reply.status == 200 then
        good = good + 1
      else
        expect.refused(reply, "insufficient_allocated", 0)
      end
    end
    assert.are.same({ 16, 0, 12 }, { good, stock:total "@allocated",
      app:total "wms.unrestricted" })
  end)
end)

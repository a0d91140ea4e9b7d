-- reserve_spec.lua - POST /onhand/reserve and its bulk form.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("POST /onhand/reserve", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  it("answers with the record and what was reserved", function()
    app:put(10)
    expect.body(app:reserve(4, { id = "r-1" }), {
      id = "ohre~r-1", processingStatus = "success", statusCode = 200,
      message = "", quantity = 4, reservationId = { ["$any"] = true },
    })
    assert.are.equal(4, app:total("iv.softreserved"))
    assert.are.equal(6, app:total("iv.availabletoreserve"))
  end)

  it("gives the last grain and refuses one more", function()
    app:put(0.000003)
    expect.ok(app:reserve(0.000002))
    expect.refused(app:reserve(0.000002), "insufficient_available", 0.000001)
    expect.ok(app:reserve(0.000001))
    expect.refused(app:reserve(0.000001), "insufficient_available", 0)
  end)

  it("says what a refusal needs", function()
    app:put(2)
    expect.body(app:reserve(3, { id = "r-2" }), {
      id = "ohre~r-2", reservationId = "", available = 2,
      binding = { kind = "level" }, code = "insufficient_available",
    })
    assert.are.equal(0, app:total("iv.softreserved"))
  end)

  it("never promises what is below nothing", function()
    app:put(-5)
    expect.refused(app:reserve(1), "insufficient_available", 0)
  end)

  it("reserves unseen products only unchecked", function()
    expect.refused(app:reserve(1), "insufficient_available", 0)
    expect.ok(app:reserve(1, { ifCheckAvailForReserv = false }))
    assert.are.equal(-1, app:total("iv.availabletoreserve"))
  end)

  it("takes back with a negative quantity, only unchecked", function()
    app:put(5)
    expect.ok(app:reserve(5))
    expect.refused(app:reserve(-2), "negative_quantity")
    expect.ok(app:reserve(-2, { ifCheckAvailForReserv = false }))
    assert.are.equal(3, app:total("iv.softreserved"))
    expect.ok(app:reserve(2))
    expect.refused(app:reserve(1), "insufficient_available", 0)
  end)

  it("names the member that is missing or of the wrong type", function()
    for _, name in ipairs {
      "id", "organizationId", "productId", "dimensions", "modifier", "quantity",
    } do
      expect.invalid(app:reserve(1, { [name] = json.null }), "missing_field",
        name)
    end
    local wrong = {
      id = 1, organizationId = 1, productId = 1, modifier = 1, dimensions = 1,
      quantityDataSource = 1, ifCheckAvailForReserv = "false", allowPartial = 1,
      orderTag = 1,
    }
    for name, value in pairs(wrong) do
      expect.invalid(app:reserve(1, { [name] = value }), "invalid_field", name)
    end
    assert.are.same({}, app:events())
  end)

  it("lets only true and false steer the check", function()
    for _, value in ipairs { "false", "true", 0, 1, "" } do
      expect.invalid(app:reserve(1, { ifCheckAvailForReserv = value }),
        "invalid_field", "ifCheckAvailForReserv")
    end
    local text = json.encode(app:reservation(1)):gsub("}$",
      ',"ifCheckAvailForReserv":null}')
    expect.invalid(app:post("/onhand/reserve", nil, { raw = text }),
      "invalid_field", "ifCheckAvailForReserv")
  end)

  it("wants a quantity that is not nothing", function()
    expect.invalid(app:reserve(0), "invalid_quantity", "quantity")
    expect.invalid(app:reserve("0.0"), "invalid_quantity", "quantity")
    expect.invalid(app:reserve(0.0000001), "invalid_quantity", "quantity")
    expect.invalid(app:reserve(100000000001), "invalid_quantity", "quantity")
    expect.invalid(app:reserve(true), "invalid_quantity", "quantity")
    expect.invalid(app:reserve(0, { ifCheckAvailForReserv = false }),
      "invalid_quantity", "quantity")
  end)

  it("knows its names only", function()
    expect.invalid(app:reserve(1, { quantityDataSource = "nobody" }),
      "unknown_data_source", "quantityDataSource")
    expect.invalid(app:reserve(1, { modifier = "lost" }), "unknown_measure",
      "modifier")
    expect.invalid(app:reserve(1, { modifier = "ordered" }),
      "no_reservation_mapping", "modifier")
    expect.invalid(app:reserve(1, { quantityDataSource = "fno",
      modifier = "onordered" }), "read_only_source")
    expect.invalid(app:reserve(1, { quantityDataSource = "@iv",
      modifier = "@allocated" }), "read_only_source")
    expect.invalid(app:reserve(1, { dimensions = App.place { shade = "x" } }),
      "unknown_dimension", "dimensions.shade")
    assert.are.same({}, app:events())
  end)

  it("of the service's own measure needs a mapping of it", function()
    local own = { quantityDataSource = "@iv", modifier = "@softreserved" }
    local function quantities(value)
      return app:post("/onhand/reserve", app:event(
        { ["@IV"] = { ["@SoftReserved"] = value } }))
    end
    app:put(10)
    expect.invalid(app:reserve(1, own), "read_only_source")
    expect.invalid(quantities(1), "read_only_source")
    expect.ok(app:post("/configuration/hardupdate", App.document(
      "standard.json", { inventorySystemConfigurations = { ["@iv"] = {
        calculatedMeasures = { ["@available_to_reserve"] = {
          additionModifiers = { "wms.unrestricted" },
          subtractionModifiers = { "@iv.@softreserved", "@iv.@allocated" } } },
        reservMappings = {
          ["@softreserved"] = "@iv.@available_to_reserve" } } } }, app.id)))
    local record = expect.ok(app:reserve(4, own)).reservationId
    assert.are.equal(record, expect.ok(quantities "2").reservationId)
    expect.refused(app:reserve(5, own), "insufficient_available", 4)
    expect.refused(quantities(5), "insufficient_available", 4)
    expect.invalid(quantities "many", "invalid_quantity", "quantities")
    expect.ok(app:unreserve(record, 1))
    assert.are.equal(5, app:total "@iv.@softreserved")
    expect.invalid(app:post("/onhand", app:event {
      ["@iv"] = { ["@softreserved"] = 1 } }), "read_only_source")
    expect.invalid(app:reserve(1, { quantityDataSource = "@iv",
      modifier = "@allocated" }), "read_only_source")
  end)

  it("wants site and location, and reservable dimensions only", function()
    app:put(5)
    for _, dimensions in ipairs {
      json.object(), { siteId = "10" }, { locationId = "A1" },
      { siteId = "10", locationId = "" },
      { siteId = "10", ColorId = "red" },
    } do
      expect.refused(app:reserve(1, { dimensions = dimensions }),
        "missing_partition")
    end
    expect.invalid(app:reserve(1, { dimensions = App.place { BatchId = "b" } }),
      "dimension_not_reservable", "dimensions.BatchId")
    expect.invalid(app:reserve(1, { dimensions = App.place { BatchId = "" } }),
      "dimension_not_reservable", "dimensions.BatchId")
  end)

  it("keeps one record per key, and tags apart", function()
    app:put(20)
    local plain = expect.ok(app:reserve(1)).reservationId
    local function record(more)
      return expect.ok(app:reserve(1, more)).reservationId
    end
    assert.are.equal(plain, record())
    assert.are.equal(plain, record { dimensions = App.place { ColorId = "" } })
    local red = App.place { ColorId = "red" }
    assert.are_not.equal(plain, record { orderTag = "SO-1" })
    assert.are.equal(record { orderTag = "SO-2" }, record { orderTag = "SO-2" })
    app:put(5, { dimensions = red })
    assert.are_not.equal(plain, record { dimensions = red })
  end)

  it("bounds the order tag", function()
    app:put(5)
    expect.ok(app:reserve(1, { orderTag = ("t"):rep(100) }))
    expect.invalid(app:reserve(1, { orderTag = ("t"):rep(101) }), "too_long",
      "orderTag")
  end)

  it("takes what is there when a part will do", function()
    app:put(7)
    expect.refused(app:reserve(9, { allowPartial = true, minQuantity = 8 }),
      "insufficient_available", 7)
    expect.body(app:reserve(9, { allowPartial = true, minQuantity = 7 }), {
      processingStatus = "partialSuccess", statusCode = 200, quantity = 7,
    })
    expect.refused(app:reserve(1, { allowPartial = true }),
      "insufficient_available", 0)
    app:put(3)
    expect.body(app:reserve(2, { allowPartial = true }), {
      processingStatus = "success", quantity = 2,
    })
  end)

  it("works through a bulk in order", function()
    app:put(10)
    local lines = {
      app:reservation(6, { id = "a" }), app:reservation(6, { id = "b" }),
      app:reservation(4, { id = "c" }), app:reservation("x", { id = "d" }),
      app:reservation(1, { id = "e", allowPartial = true }),
    }
    local body = expect.buckets(app:post("/onhand/reserve/bulk", lines), {
      success = { "a", "c" }, failure = { "b", "d", "e" },
    })
    assert.are.equal(4, body.failure[1].available)
    assert.are.equal(500, body.failure[1].statusCode)
    assert.are.equal(400, body.failure[2].statusCode)
    assert.are.equal(0, app:total("iv.availabletoreserve"))
  end)

  it("bounds a bulk", function()
    app:put(1000)
    local lines = {}
    for index = 1, 513 do lines[index] = app:reservation(1) end
    expect.invalid(app:post("/onhand/reserve/bulk", lines), "too_many_items")
    assert.are.equal(0, app:total("iv.softreserved"))
    table.remove(lines)
    expect.buckets(app:post("/onhand/reserve/bulk", lines), { success = 512 })
    expect.invalid(app:post("/onhand/reserve/bulk", json.array()),
      "empty_batch")
  end)
end)

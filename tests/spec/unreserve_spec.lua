-- unreserve_spec.lua - POST /onhand/unreserve and its bulk form.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("POST /onhand/unreserve", function()
  local app, record

  before_each(function()
    app = App.start()
    app:put(20)
    record = expect.ok(app:reserve(10)).reservationId
  end)

  after_each(function() App.finish(app) end)

  it("takes from the record and the measure", function()
    expect.body(app:unreserve(record, 4, { id = "u-1" }), {
      id = "ohoe~u-1", processingStatus = "success", statusCode = 200,
      reservationId = record, totalInvalidOffsetQtyByReservId = 0,
    })
    assert.are.equal(6, app:total("iv.softreserved"))
    assert.are.equal(14, app:total("iv.availabletoreserve"))
  end)

  it("says how much there was not", function()
    expect.body(app:unreserve(record, 12), {
      processingStatus = "partialSuccess", statusCode = 200,
      totalInvalidOffsetQtyByReservId = 2,
    })
    expect.body(app:unreserve(record, 3), {
      processingStatus = "partialSuccess",
      totalInvalidOffsetQtyByReservId = 3,
    })
    assert.are.equal(0, app:total("iv.softreserved"))
  end)

  it("goes on with the record after it was empty", function()
    expect.ok(app:unreserve(record, 10))
    assert.are.equal(record, expect.ok(app:reserve(2)).reservationId)
    expect.body(app:unreserve(record, 2),
      { totalInvalidOffsetQtyByReservId = 0 })
  end)

  it("finds nothing under another id, place, product or company", function()
    local function lost(id, more)
      local body = expect.not_found(app:unreserve(id, 4, more),
        "unknown_reservation")
      assert.are.equal(4, body.totalInvalidOffsetQtyByReservId)
    end
    lost("no-such-record")
    lost(record, { dimensions = App.place { ColorId = "red" } })
    lost(record, { dimensions = { siteId = "10", locationId = "B2" } })
    lost(record, { productId = "SHADE" })
    lost(record, { organizationId = "nord" })
    assert.are.equal(10, app:total("iv.softreserved"))
  end)

  it("needs no product when the record is known", function()
    expect.ok(app:unreserve(record, 4, { productId = json.null }))
    assert.are.equal(6, app:total("iv.softreserved"))
  end)

  it("names the member that is missing or wrong", function()
    for _, name in ipairs {
      "id", "organizationId", "reservationId", "dimensions", "OffsetQty",
    } do
      expect.invalid(app:unreserve(record, 1, { [name] = json.null }),
        "missing_field", name)
    end
    expect.invalid(app:unreserve(7, 1), "invalid_field", "reservationId")
    expect.invalid(app:unreserve(("r"):rep(101), 1), "too_long",
      "reservationId")
    expect.invalid(app:unreserve(record, 1,
      { dimensions = App.place { shade = "x" } }), "unknown_dimension")
  end)

  it("wants a quantity above nothing", function()
    for _, quantity in ipairs { 0, -1, "ten", 0.0000001, true, 1e12 } do
      expect.invalid(app:unreserve(record, quantity), "invalid_quantity",
        "OffsetQty")
    end
  end)

  it("takes the reasons it knows", function()
    expect.ok(app:unreserve(record, 1, { reason = "cancelled" }))
    expect.ok(app:unreserve(record, 1, { reason = "shipped" }))
    expect.invalid(app:unreserve(record, 1, { reason = "bored" }),
      "invalid_field", "reason")
    assert.are.equal(8, app:total("iv.softreserved"))
  end)

  it("works through a bulk in order", function()
    local lines = {
      app:reversal(record, 6, { id = "a" }),
      app:reversal("none", 1, { id = "b" }),
      app:reversal(record, 6, { id = "c" }),
      app:reversal(record, -6, { id = "d" }),
    }
    local body = expect.buckets(app:post("/onhand/unreserve/bulk", lines), {
      success = { "a" }, notFound = { "b" }, partialSuccess = { "c" },
      failure = { "d" }, conflict = {},
    })
    assert.are.equal(404, body.notFound[1].statusCode)
    assert.are.equal(2, body.partialSuccess[1].totalInvalidOffsetQtyByReservId)
  end)

  it("bounds a bulk", function()
    local lines = {}
    for index = 1, 513 do lines[index] = app:reversal(record, 0.01) end
    expect.invalid(app:post("/onhand/unreserve/bulk", lines), "too_many_items")
    table.remove(lines)
    expect.buckets(app:post("/onhand/unreserve/bulk", lines),
      { success = 512 })
    expect.invalid(app:post("/onhand/unreserve/bulk", json.array()),
      "empty_batch")
  end)
end)

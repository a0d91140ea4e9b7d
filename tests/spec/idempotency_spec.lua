-- idempotency_spec.lua - a retry never counts twice.

local App = require "tests.support.app"
local expect = require "tests.support.expect"

describe("the memory of ids", function()
  local app

  before_each(function()
    app = App.start()
    app:put(10)
  end)

  after_each(function() App.finish(app) end)

  local function reserve(id, quantity, more)
    more = more or {}
    more.id = id
    return app:reserve(quantity, more)
  end

  local function reserved() return app:total("iv.softreserved") end

  it("answers a repeated request as it did at first", function()
    local first = expect.ok(reserve("r", 6))
    assert.are.same(first, expect.ok(reserve("r", 6)))
    assert.are.equal(6, reserved())
    assert.are.equal(2, #app:events())
  end)

  it("knows the same content in other clothes", function()
    local first = expect.ok(reserve("r", 6))
    local again = app:post("/OnHand/Reserve/", {
      ID = "r", ORGANIZATIONID = "acme", productid = "LAMP",
      DIMENSIONS = { LOCATIONID = "A1", siteid = "10", ColorId = "" },
      QuantityDataSource = "IV", MODIFIER = "SoftReserved", quantity = "6.000",
      ifCheckAvailForReserv = true, note = "sent again",
    })
    assert.are.same(first, expect.ok(again))
    assert.are.equal(6, reserved())
  end)

  it("calls other content a conflict", function()
    expect.ok(reserve("r", 6))
    expect.conflict(reserve("r", 7))
    expect.conflict(reserve("r", 6, { productId = "SHADE" }))
    expect.conflict(reserve("r", 6, { organizationId = "nord" }))
    expect.conflict(reserve("r", 6,
      { dimensions = App.place { ColorId = "red" } }))
    expect.conflict(reserve("r", 6, { orderTag = "SO-1" }))
    expect.conflict(reserve("r", 6, { ifCheckAvailForReserv = false }))
    assert.are.equal(6, reserved())
  end)

  it("is one for the single and the bulk form", function()
    expect.ok(reserve("r", 6))
    local same = app:reservation(6, { id = "r" })
    local other = app:reservation(5, { id = "r" })
    expect.buckets(app:post("/onhand/reserve/bulk", { same, other }),
      { success = { "r" }, conflict = { "r" } })
    assert.are.equal(6, reserved())
  end)

  it("is another one for each operation", function()
    local record = expect.ok(reserve("r", 6)).reservationId
    app:put(1, { id = "r" })
    expect.ok(app:unreserve(record, 1, { id = "r" }))
    assert.are.equal(5, reserved())
    assert.are.equal(11, app:total("wms.unrestricted"))
  end)

  it("keeps refusals, whatever has changed since", function()
    expect.refused(reserve("r", 11), "insufficient_available", 10)
    app:put(100)
    expect.refused(reserve("r", 11), "insufficient_available", 10)
    expect.ok(reserve("r-2", 11))
    expect.not_found(app:unreserve("none", 1, { id = "u" }),
      "unknown_reservation")
    expect.not_found(app:unreserve("none", 1, { id = "u" }),
      "unknown_reservation")
    expect.conflict(app:unreserve("none", 2, { id = "u" }))
    -- A word that an invalid query has, too.
    local half = { dimensions = { siteId = "10" } }
    for _ = 1, 2 do
      expect.refused(reserve("p", 1, half), "missing_partition")
    end
  end)

  it("forgets what was malformed", function()
    expect.invalid(reserve("r", "six"), "invalid_quantity")
    expect.invalid(reserve("r", 6, { modifier = "lost" }), "unknown_measure")
    expect.ok(reserve("r", 6))
  end)

  it("sees a twin that is sent at the same time", function()
    local body = app:reservation(3, { id = "twin" })
    local requests = {}
    for index = 1, 24 do
      requests[index] = app:build("POST", "/onhand/reserve", body)
    end
    for _, reply in ipairs(app:together(requests)) do expect.ok(reply) end
    assert.are.equal(3, reserved())
  end)

  it("outlives an orderly stop and a kill", function()
    local record = expect.ok(reserve("r", 6)).reservationId
    expect.refused(reserve("no", 9), "insufficient_available", 4)
    for _, how in ipairs { "stop", "kill" } do
      app:restart(how)
      assert.are.equal(record, expect.ok(reserve("r", 6)).reservationId)
      expect.refused(reserve("no", 9), "insufficient_available", 4)
      expect.conflict(reserve("r", 7))
      assert.are.equal(6, reserved())
    end
  end)

  it("is not shared between environments", function()
    expect.ok(reserve("r", 6))
    local id = App.guid()
    local base = "host:/api/environment/" .. id
    expect.ok(app:post(base .. "/configuration/hardupdate",
      App.document("standard.json", nil, id)))
    expect.ok(app:post(base .. "/onhand",
      app:event({ wms = { unrestricted = 2 } }, { id = "r" })))
    expect.refused(app:post(base .. "/onhand/reserve",
      app:reservation(6, { id = "r" })), "insufficient_available", 2)
  end)
end)

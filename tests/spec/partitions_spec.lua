-- partitions_spec.lua - GET /allpartitionids and
-- DELETE /partitions/cleanupalldata.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("partitions", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function ids() return expect.ok(app:get("/allpartitionids")) end

  local function erase(list)
    return app:call("DELETE", "/partitions/cleanupalldata", json.array(list))
  end

  local function at(site, location)
    return { dimensions = { siteId = site, locationId = location } }
  end

  local function total(site, location)
    return app:total("wms.unrestricted",
      App.filters { siteId = { site }, locationId = { location } })
  end

  it("are none without data", function()
    assert.are.same(json.array(), ids())
  end)

  it("are one for each company and place, in texts", function()
    app:put(1)
    app:put(1, { productId = "SHADE" })
    app:put(2, at("10", "B2"))
    app:put(4, { organizationId = "nord" })
    local list = ids()
    assert.are.equal(3, #list)
    for _, id in ipairs(list) do assert.are.equal("string", type(id)) end
  end)

  it("are erased one by one", function()
    app:put(1)
    local first = ids()[1]
    app:put(2, at("10", "B2"))
    expect.ok(erase { first })
    assert.are.equal(1, #ids())
    assert.are.equal(0, total("10", "A1"))
    assert.are.equal(2, total("10", "B2"))
    assert.are.same(json.array(), app:rows())
  end)

  it("are erased with their reservations and their ids", function()
    app:put(5, { id = "e" })
    local record = expect.ok(app:reserve(3, { id = "r" })).reservationId
    app:put(7, at("10", "B2"))
    local kept = expect.ok(app:reserve(1, {
      id = "kept", dimensions = at("10", "B2").dimensions })).reservationId
    expect.ok(erase { ids()[1], ids()[2] })
    assert.are.same(json.array(), ids())
    expect.not_found(app:unreserve(record, 1), "unknown_reservation")
    expect.not_found(app:unreserve(kept, 1,
      { dimensions = at("10", "B2").dimensions }), "unknown_reservation")
    expect.refused(app:reserve(4, { id = "r" }), "insufficient_available", 0)
    app:put(6, { id = "e" })
    assert.are.equal(6, total("10", "A1"))
    assert.are.same(json.array(),
      expect.ok(app:get("/reservations")).Value)
  end)

  it("stay erased after a kill, and totals stay sums", function()
    for index = 1, 50 do
      app:put(1, { productId = "P" .. index,
        dimensions = App.place { ColorId = "c" .. index % 3 } })
    end
    app:put(2, at("10", "B2"))
    local before = ids()
    expect.ok(erase(before))
    app:restart("kill")
    assert.are.same(json.array(), ids())
    app:put(3)
    app:verify()
  end)

  it("that nobody knows are no failure of the others", function()
    app:put(1)
    local reply = erase { "no-such-partition", ids()[1] }
    assert.is_true(reply.status < 500)
    expect.ok(erase(ids()))
    assert.are.same(json.array(), ids())
  end)

  it("are erased all or none when one is named in vain", function()
    app:put(1)
    local list = ids()
    expect.invalid(erase { list[1], "nope" }, "invalid_field", "[1]")
    assert.are.same(list, ids())
    assert.are.equal(1, app:total("wms.unrestricted"))
    assert.are.equal(1, #app:events())
  end)

  it("are named in a list", function()
    app:put(1)
    expect.status(app:call("DELETE", "/partitions/cleanupalldata",
      { all = true }), 400)
    expect.status(app:call("DELETE", "/partitions/cleanupalldata",
      json.array { 7 }), 400)
    assert.are.equal(1, total("10", "A1"))
  end)

  it("by product are one for each company and product", function()
    app:finish()
    app = App.start { config = "by-product.json" }
    app:put(1)
    app:put(2, at("10", "B2"))
    app:put(4, { productId = "SHADE" })
    assert.are.equal(2, #ids())
  end)
end)

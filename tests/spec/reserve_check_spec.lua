-- reserve_check_spec.lua - which levels a reservation must fit.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local RED_S = App.place { ColorId = "red", SizeId = "S" }
local RED_L = App.place { ColorId = "red", SizeId = "L" }
local BLUE_S = App.place { ColorId = "blue", SizeId = "S" }
local RED = App.place { ColorId = "red" }
local SIZE_S = App.place { SizeId = "S" }

describe("the check of a reservation", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = App.start(options) end

  local function reserve(dimensions, quantity)
    return app:reserve(quantity, { dimensions = dimensions })
  end

  local function accept(dimensions, quantity)
    return expect.ok(reserve(dimensions, quantity)).reservationId
  end

  local function refuse(dimensions, quantity, available)
    expect.refused(reserve(dimensions, quantity), "insufficient_available",
      available)
  end

  local function put(dimensions, quantity)
    app:put(quantity, { dimensions = dimensions })
  end

  it("strict: a coarse promise binds the finer ones", function()
    start()
    put(RED_S, 10)
    put(BLUE_S, 3)
    accept(nil, 11)
    refuse(RED_S, 3, 2)
    accept(RED_S, 2)
    refuse(BLUE_S, 1, 0)
  end)

  it("strict: fine promises bind the coarse ones", function()
    start()
    put(RED_S, 4)
    put(RED_L, 4)
    accept(RED_S, 4)
    refuse(RED, 5, 4)
    refuse(nil, 5, 4)
    accept(RED, 4)
    refuse(RED_L, 1, 0)
  end)

  it("strict: what one colour lacks, the place lacks", function()
    start()
    put(RED, 12)
    put(App.place { ColorId = "blue" }, -5)
    refuse(RED, 8, 7)
    accept(RED, 7)
  end)

  it("strict: a level off the path counts while a promise stands on it",
    function()
      start()
      put(RED_S, 10)
      put(BLUE_S, 2)
      put(RED_L, 20)
      local record = accept(SIZE_S, 7)
      refuse(RED_S, 6, 5)
      accept(RED_S, 5)
      expect.ok(app:unreserve(record, 7, { dimensions = SIZE_S }))
      accept(RED_S, 5)
    end)

  it("strict: an unchecked promise counts like any other", function()
    start()
    put(RED_S, 10)
    expect.ok(app:reserve(9, { ifCheckAvailForReserv = false }))
    refuse(RED_S, 2, 1)
  end)

  it("independent: every level stands for itself", function()
    start { patch = { ringfence = { hierarchyCheck = "independent" } } }
    put(RED_S, 10)
    accept(nil, 10)
    accept(RED, 0.5)
    refuse(nil, 1, 0)
    accept(RED_S, 9)
    refuse(RED_S, 2, 1)
    assert.are.equal(-9.5, app:total("iv.availabletoreserve"))
  end)

  it("independent: a place without stock of its own is still empty", function()
    start { patch = { ringfence = { hierarchyCheck = "independent" } } }
    put(RED_S, 10)
    refuse(BLUE_S, 1, 0)
    expect.refused(reserve({ siteId = "10" }, 1), "missing_partition")
  end)

  it("by product: a promise without a place binds all places", function()
    start { config = "by-product.json" }
    put(nil, 6)
    put({ siteId = "20", locationId = "B2" }, 5)
    accept(json.object(), 9)
    refuse(nil, 3, 2)
    accept(nil, 2)
    refuse({ siteId = "20" }, 1, 0)
    refuse(json.object(), 1, 0)
  end)

  it("by product: every prefix down from nothing counts", function()
    start { config = "by-product.json" }
    put(nil, 6)
    put({ siteId = "10", locationId = "B2" }, 4)
    accept({ siteId = "10" }, 8)
    refuse(nil, 3, 2)
    put({ siteId = "20", locationId = "A1" }, 100)
    refuse(nil, 3, 2)
    accept({ siteId = "20", locationId = "A1" }, 100)
  end)

  it("by product, independent: only the own level counts", function()
    start { config = "by-product.json",
      patch = { ringfence = { hierarchyCheck = "independent" } } }
    put(nil, 6)
    accept(json.object(), 6)
    accept(nil, 6)
    refuse(json.object(), 1, 0)
  end)

  it("drops dimensions that are not reservable when told to", function()
    start { patch = { reservConfiguration = { version = 1 } } }
    put(App.place { ColorId = "red", BatchId = "b1" }, 5)
    put(App.place { ColorId = "red", BatchId = "b2" }, 5)
    accept(App.place { ColorId = "red", BatchId = "b1" }, 7)
    assert.are.equal(0, app:total("iv.softreserved",
      App.filters { BatchId = { "b1" } }))
    refuse(RED, 4, 3)
  end)

  it("sums all rows below, batches too", function()
    start()
    put(App.place { ColorId = "red", BatchId = "b1" }, 5)
    put(App.place { ColorId = "red", StyleId = "slim" }, 6)
    refuse(RED, 12, 11)
    accept(RED, 11)
  end)
end)

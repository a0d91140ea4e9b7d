-- examples_wire_spec.lua - the requests and replies of the hosted contract's
-- appendix as they go over the wire, and what is accepted where documents of it
-- contradict each other.

local App = require "tests.support.app"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

describe("example", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = examples.start(options) end

  -- Post a body as text; the decoded reply.
  local function send(path, text)
    return app:post(path, nil, { raw = text }).json
  end

  it("A1 a change event with the names of its source", function()
    start { config = examples.exported() }
    assert.are.same({ id = "ohce~evt-0001", processingStatus = "success",
      message = "", statusCode = 200 }, send("/onhand", [[
        {"id":"evt-0001","organizationId":"usmf","productId":"T-shirt",
         "dimensionDataSource":"pos",
         "dimensions":{"siteId":"1","locationId":"11","posMachineId":"0001",
                       "poscolor":"red"},
         "quantities":{"pos":{"inbound":1}}}]]))
  end)

  describe("reserving of product D0002:", function()
    local function reserve(id, quantity)
      return send("/onhand/reserve", ([[
        {"id":"%s","organizationId":"usmf","productId":"D0002",
         "quantityDataSource":"iv","modifier":"softreserved","quantity":%d,
         "ifCheckAvailForReserv":true,
         "dimensions":{"SiteId":"1","LocationId":"11","ColorId":"red",
                       "SizeId":"small"}}]]):format(id, quantity))
    end

    before_each(function()
      start()
      expect.ok(app:post("/onhand", app:event({ pos = { inbound = 10 } }, {
        organizationId = "usmf", productId = "D0002",
        dimensions = { siteid = "1", locationid = "11", ColorId = "red",
          SizeId = "small" } })))
    end)

    it("A2, A3 it is done", function()
      local reply = reserve("rsv-0001", 1)
      assert.is_true(#reply.reservationId > 0)
      assert.are.same({ reservationId = reply.reservationId, quantity = 1,
        id = "ohre~rsv-0001", processingStatus = "success", message = "",
        statusCode = 200 }, reply)
    end)

    it("A4 there is too little", function()
      expect.body({ status = 409, body = "", json = reserve("rsv-0002", 11) },
        { reservationId = "", id = "ohre~rsv-0002",
          processingStatus = "failure", statusCode = 500,
          message = { ["$contains"] = { "11", "10" } } })
    end)

    it("A5, A6 more is taken back than was reserved", function()
      local id = reserve("rsv-0001", 10).reservationId
      assert.are.same({ reservationId = id, id = "ohoe~unr-0001",
        totalInvalidOffsetQtyByReservId = 2, message = "",
        processingStatus = "partialSuccess", statusCode = 200 },
        send("/onhand/unreserve", ([[
          {"id":"unr-0001","organizationId":"usmf","productId":"D0002",
           "reservationId":"%s",
           "dimensions":{"siteid":"1","locationid":"11","ColorId":"red",
                         "SizeId":"small"},"OffsetQty":12}]]):format(id)))
    end)
  end)

  it("A7 a bulk reply has all six buckets", function()
    start()
    local single = { id = "ohce~b1", processingStatus = "success",
      message = "", statusCode = 200 }
    assert.are.same({ success = { single }, failure = {}, conflict = {},
      notFound = {}, partialSuccess = {}, unknown = {} },
      expect.ok(app:post("/onhand/bulk",
        { app:event({ pos = { inbound = 1 } }, { id = "b1" }) })))
  end)

  it("A8, A9 three allocations, and what a query shows of them", function()
    start { config = examples.exported() }
    local function post(path, members)
      return send(path, [[{"organizationId":"usmf","productId":"Bike",
        "dimensions":{"siteId":"1","locationId":"11","colorId":"red"},]]
        .. members .. "}")
    end
    local function allocation(operation, members)
      expect.body({ status = 200, body = "",
        json = post("/allocation/" .. operation, members) },
        { processingStatus = "success", message = "", statusCode = 200 })
    end
    post("/onhand", [["id":"e","quantities":{"pos":{"inbound":20}}]])
    allocation("allocate", [["id":"alc-0001","quantity":10,
      "groups":{"channel":"Online","customerGroup":"VIP","region":"US"}]])
    allocation("reallocate", [["id":"rea-0001","quantity":2,
      "sourceGroups":{"channel":"Online","customerGroup":"VIP","region":"US"},
      "groups":{"channel":"Online","customerGroup":"VIP","region":"EU"}]])
    allocation("consume", [["id":"con-0001","quantity":3,
      "groups":{"channel":"Online","customerGroup":"VIP","region":"US"},
      "physicalMeasures":{"pos":{"inbound":"Subtraction"}}]])
    assert.are.same({ { productId = "Bike",
      dimensions = { ColorId = "red" },
      quantities = { pos = { inbound = 17, outbound = 0, availquantity = 17 },
        ["@iv"] = { ["@softreserved"] = 0, ["@allocated"] = 7,
          ["@consumed"] = 3, ["@cumulative_allocated"] = 10,
          ["@cumulative_consumed"] = 3, ["@available_to_reserve"] = 10,
          ["@available_to_allocate"] = 10 } } } },
      send("/onhand/indexquery", [[{"filters":{"organizationId":["usmf"],
        "productId":["Bike"],"siteId":["1"],"locationId":["11"],
        "colorId":["red"]},"groupByValues":["colorId"],
        "returnNegative":true}]]))
  end)

  it("17 the pool's measure by its first, misspelled name", function()
    local function document(name)
      return { inventorySystemConfigurations = { ["@iv"] = {
        calculatedMeasures = { ["@available_to_allocate"] = json.null,
          [name] = examples.formula({ "pos.inbound" },
            { "@iv.@allocated" }) } } } }
    end
    start { patch = document "@availiable_to_allocate" }
    examples.post(app, { pos = { inbound = 5 } })
    local body = app:event({}, { quantities = json.null, quantity = 2,
      groups = { channel = "web" } })
    expect.ok(app:post("/allocation/allocate", body))
    rows.check_quantities(app:rows()[1],
      { ["@iv.@available_to_allocate"] = 3,
        ["@iv.@availiable_to_allocate"] = json.null })
  end)

  it("17 groups by the name of the first documents", function()
    start()
    examples.post(app, { pos = { inbound = 5 } })
    for _, name in ipairs { "groups", "targetGroups", "TargetGroups" } do
      expect.ok(app:post("/allocation/allocate", app:event({}, {
        quantities = json.null, quantity = 1, [name] = { channel = "web" } })))
    end
    assert.are.equal(3, app:total "@iv.@allocated")
  end)

  it("17 the reservation measure by all its names", function()
    start { patch = { ringfence = { aliases = {
      ["iv.SoftReservOrdered"] = "iv.softreserved",
      ["iv.SoftReservPhysical"] = "iv.softreserved",
      ["iv.SoftReservePhysical"] = "iv.softreserved",
    } } } }
    examples.post(app, { pos = { inbound = 9 } })
    local first = expect.ok(app:reserve(1)).reservationId
    for _, name in ipairs { "SoftReservOrdered", "softreservphysical",
      "SoftReservePhysical" } do
      assert.are.equal(first,
        expect.ok(app:reserve(1, { modifier = name })).reservationId)
    end
    expect.invalid(app:reserve(1, { modifier = "softreservd" }),
      "unknown_measure", "modifier")
  end)

  it("17 ten thousand pairs of site and location", function()
    start()
    local sites, locations = {}, {}
    for index = 1, 100 do
      sites[index], locations[index] = "s" .. index, "l" .. index
    end
    examples.post(app, { pos = { inbound = 1 } }, nil,
      { siteId = "s100", locationId = "l100" })
    assert.are.equal(1, app:total("pos.inbound",
      App.filters { siteId = sites, locationId = locations }))
  end)

  it("17 a warehouse is not the place in it", function()
    start()
    for _, bin in ipairs { "b1", "b2" } do
      examples.post(app, { pos = { inbound = 1 } }, { WMSLocationId = bin })
    end
    local list = app:rows { groupByValues = { "WMSLocationId" } }
    assert.are.same({ ["A1/b1"] = 1, ["A1/b2"] = 1 }, examples.by(list,
      { "locationid", "WMSLocationId" }, "pos.inbound"))
  end)

  it("17 a change event names its quantities", function()
    start()
    expect.invalid(app:post("/onhand", app:event({},
      { quantities = json.null, quantity = 1 })), "missing_field",
      "quantities")
  end)
end)

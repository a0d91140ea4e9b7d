-- index_query_spec.lua - POST /onhand/indexquery, versions 1.0 and 2.0.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local V2 = { headers = { ["Api-Version"] = "2.0" } }

local ANYWHERE = App.filters { siteId = json.null, locationId = json.null }

describe("POST /onhand/indexquery", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = App.start(options) end

  local function sum(list) return rows.sum(list, "wms.unrestricted") end

  it("answers [] when nothing fits", function()
    start()
    expect.ok(app:query())
    assert.are.same(json.array(), app:rows())
    assert.are.equal("[]", app:query().body)
  end)

  it("filters by lists, within a dimension or across them", function()
    start()
    for site = 1, 3 do
      for location = 1, 3 do
        app:put_at(tostring(site), "L" .. location, 10 ^ site + location)
      end
    end
    local list = app:rows { filters = App.filters {
      siteId = { "1", "3", "9" }, locationId = { "L2", "L3" },
    } }
    assert.are.equal(4, #list)
    assert.are.equal(12 + 13 + 1002 + 1003, sum(list))
  end)

  it("treats an empty filter list as none", function()
    start()
    app:put_at("10", "A1", 1)
    app:put_at("20", "B2", 2)
    assert.are.equal(3, sum(app:rows { filters = App.filters {
      siteId = json.array(), locationId = json.array() } }))
  end)

  it("groups by any dimensions and always names the place", function()
    start()
    app:put_at("10", "A1", 1,
      { dimensions = { ColorId = "red", SizeId = "S" } })
    app:put_at("10", "A1", 2,
      { dimensions = { ColorId = "red", SizeId = "L" } })
    app:put_at("10", "A1", 4,
      { dimensions = { ColorId = "blue", SizeId = "S" } })
    local by_size = app:rows { groupByValues = { "sizeid" } }
    assert.are.equal(2, #by_size)
    local small = rows.one(by_size, { dimensions = { SizeId = "S" } })
    assert.are.same({ SizeId = "S", siteid = "10", locationid = "A1" },
      small.dimensions)
    assert.are.equal(5, rows.measure(small, "wms.unrestricted"))
    assert.are.equal(3, #app:rows { groupByValues = { "SizeId", "ColorId" } })
  end)

  it("leaves a dimension that is only filtered out of the rows", function()
    start()
    app:put_at("10", "A1", 1, { dimensions = { ColorId = "red" } })
    app:put_at("10", "A1", 2, { dimensions = { ColorId = "blue" } })
    local list = app:rows { filters = App.filters { ColorId = { "red" } } }
    assert.are.same({ siteid = "10", locationid = "A1" }, list[1].dimensions)
    assert.are.equal(1, sum(list))
  end)

  it("shows all products of a place when none is named", function()
    start()
    app:put_at("10", "A1", 1, { productId = "B" })
    app:put_at("10", "A1", 2, { productId = "A" })
    app:put_at("10", "B2", 4, { productId = "C" })
    local list = app:rows { filters = App.filters { productId = json.null } }
    assert.are.equal(2, #list)
    assert.are.equal(3, sum(list))
    list = app:rows { filters = App.filters {
      productId = json.array(), locationId = { "A1", "B2" } } }
    assert.are.equal(3, #list)
  end)

  it("shows posted measures, and the terms of formulas as zeros", function()
    start()
    app:put_at("10", "A1", nil, { quantities = { till = { sold = 3 } } })
    rows.check_quantities(app:rows()[1], {
      ["till.sold"] = 3, ["till.returned"] = { ["$max"] = 0 },
      ["till.net"] = -3, ["iv.availabletoreserve"] = -3,
      ["@iv.@allocated"] = { ["$max"] = 0 }, ["wms.picked"] = json.null,
      ["iv.ordered"] = json.null,
    })
  end)

  it("leaves out negative values unless asked for them", function()
    start()
    app:put_at("10", "A1", nil,
      { quantities = { wms = { picked = -2 }, till = { sold = 3 } } })
    for _, flag in ipairs { "absent", false } do
      local body = { returnNegative = flag, filters = App.filters() }
      if flag == "absent" then body.returnNegative = nil end
      local reply = app:post("/onhand/indexquery", json.object(body))
      rows.check_quantities(rows.of(expect.ok(reply))[1], {
        ["till.sold"] = 3, ["till.net"] = json.null, ["wms.picked"] = json.null,
        ["iv.onhand"] = json.null,
      })
    end
    rows.check_quantities(app:rows { returnNegative = true }[1],
      { ["till.net"] = -3, ["wms.picked"] = -2 })
  end)

  it("keeps a row whose values have come back to nothing", function()
    start()
    app:put_at("10", "A1", 5)
    app:put_at("10", "A1", -5)
    assert.are.equal(1, #app:rows())
    assert.are.equal(0, app:total("wms.unrestricted"))
  end)

  it("takes 5000 products and refuses 5001", function()
    start()
    app:put_at("10", "A1", 7)
    local products = {}
    for index = 1, 4999 do products[index] = "P" .. index end
    products[5000] = App.PRODUCT
    assert.are.equal(7, sum(app:rows {
      filters = App.filters { productId = products } }))
    products[5001] = "P5001"
    local reply = app:query { filters = App.filters { productId = products } }
    expect.invalid(reply, "too_many_items")
    assert.is_truthy(reply.json.message:find("5000", 1, true))
  end)

  it("wants one company in version 1, and a product or a place", function()
    start()
    expect.invalid(app:query { filters = App.filters {
      organizationId = { "acme", "nord" } } }, "too_many_organizations")
    expect.invalid(app:query { filters = { organizationId = { "acme" } } },
      "missing_product")
    expect.invalid(app:query { filters = App.filters {
      organizationId = json.null } }, "missing_field", "filters.organizationId")
  end)

  it("names what is wrong with a query", function()
    start()
    expect.invalid(app:post("/onhand/indexquery", json.object()),
      "missing_field", "filters")
    expect.invalid(app:query { filters = "all" }, "invalid_field", "filters")
    expect.invalid(app:query { filters = App.filters { siteId = "10" } },
      "invalid_field", "filters.siteId")
    expect.invalid(app:query { filters = App.filters { siteId = { 10 } } },
      "invalid_field")
    expect.invalid(app:query { filters = App.filters { shade = { "x" } } },
      "unknown_dimension", "filters.shade")
    expect.invalid(app:query { groupByValues = "ColorId" }, "invalid_field",
      "groupByValues")
    expect.invalid(app:query { groupByValues = { "Flavour" } },
      "unknown_dimension")
    expect.invalid(app:query { dimensionDataSource = "nobody" },
      "unknown_data_source", "dimensionDataSource")
    expect.invalid(app:query { returnNegative = "yes" }, "invalid_field",
      "returnNegative")
  end)

  it("understands the names of a data source", function()
    start()
    app:put_at("10", "A1", 3, { dimensions = { ColorId = "tan" } })
    local list = app:rows {
      dimensionDataSource = "till", groupByValues = { "TillColor" },
      filters = { organizationId = { "acme" }, productId = { "LAMP" },
        TillSite = { "10" }, TillRoom = { "A1" } },
    }
    assert.are.equal("tan", list[1].dimensions.ColorId)
  end)

  it("2.0 wraps rows in pages and takes several companies", function()
    start()
    app:put_at("10", "A1", 1)
    app:put_at("10", "A1", 2, { organizationId = "nord" })
    local body = expect.ok(app:query({ filters = App.filters {
      organizationId = { "acme", "nord" } } }, V2))
    assert.are.equal("", body.nextLink)
    assert.are.equal(2, #body.Value)
    for _, row in ipairs(body.Value) do
      assert.is_truthy(row.organizationId == "acme"
        or row.organizationId == "nord")
    end
  end)

  it("2.0 pages by warehouse, every row once", function()
    start()
    for index = 1, 5 do
      app:put_at("10", "W" .. index, 10 ^ index)
      app:put_at("20", "W" .. index, 2 * 10 ^ index)
    end
    local function page(number, size)
      local reply = app:post(
        ("/onhand/indexquery?pageNumber=%d&pageSize=%d"):format(number, size),
        { filters = ANYWHERE, returnNegative = true }, V2)
      return expect.ok(reply)
    end
    local first, second, third = page(1, 2), page(2, 2), page(3, 2)
    assert.are.equal("onhand/indexquery?pageNumber=2&pageSize=2",
      first.nextLink)
    assert.are.equal("onhand/indexquery?pageNumber=3&pageSize=2",
      second.nextLink)
    assert.are.equal("", third.nextLink)
    assert.are.equal(3 * (10 + 100), sum(first.Value))
    assert.are.equal(3 * (1000 + 10000), sum(second.Value))
    assert.are.equal(3 * 100000, sum(third.Value))
    assert.are.same(json.array(), page(9, 2).Value)
    assert.are.equal(333330, sum(page(1, 100).Value))
  end)

  it("2.0 refuses pages that cannot be", function()
    start()
    for _, query in ipairs {
      "pageNumber=0&pageSize=2", "pageNumber=1&pageSize=0",
      "pageNumber=-1&pageSize=2", "pageNumber=x&pageSize=2",
      "pageNumber=1&pageSize=2.5",
    } do
      expect.invalid(app:post("/onhand/indexquery?" .. query,
        { filters = App.filters() }, V2), "invalid_field")
    end
  end)

  it("by product sums over all places unless they are asked for", function()
    start { config = "by-product.json" }
    app:put_at("10", "A1", 1)
    app:put_at("10", "B2", 2)
    app:put_at("20", "B2", 4)
    local list = app:rows { filters = ANYWHERE }
    assert.are.equal(1, #list)
    assert.are.same({}, list[1].dimensions)
    assert.are.equal(7, sum(list))
    list = app:rows { filters = ANYWHERE, groupByValues = { "LocationId" } }
    assert.are.equal(6, rows.measure(
      rows.one(list, { dimensions = { locationid = "B2" } }),
      "wms.unrestricted"))
    assert.are.equal(6, sum(app:rows { filters = App.filters {
      siteId = json.null, locationId = { "B2" } } }))
    expect.invalid(app:query { filters = App.filters {
      productId = json.null } }, "missing_product")
  end)

  it("answers large results whole", function()
    start()
    for chunk = 0, 3 do
      local lines = {}
      for index = 1, 512 do
        local color = ("c%d"):format(chunk * 512 + index)
        lines[index] = app:event({ wms = { unrestricted = 1 } },
          { dimensions = App.place { ColorId = color } })
      end
      expect.buckets(app:post("/onhand/bulk", lines), { success = 512 })
    end
    local list = app:rows { groupByValues = { "ColorId" } }
    assert.are.equal(2048, #list)
    assert.are.equal(2048, sum(list))
    assert.are.equal(2048, app:total("wms.unrestricted"))
  end)
end)

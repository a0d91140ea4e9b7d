-- exact_query_spec.lua - POST /onhand/exactquery, versions 1.0 and 2.0.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local V2 = { headers = { ["Api-Version"] = "2.0" } }
local PATH = "/onhand/exactquery"

describe("POST /onhand/exactquery", function()
  local app

  after_each(function() App.finish(app) end)

  -- Stock that two sites and two locations tell apart, by powers of two.
  local function start(options)
    app = App.start(options)
    app:put_at("10", "A1", 1, { dimensions = { ColorId = "red" } })
    app:put_at("10", "A1", 2)
    app:put_at("10", "B2", 4)
    app:put_at("20", "A1", 8)
    app:put_at("20", "B2", 16, { dimensions = { ColorId = "red" } })
    app:put_at("20", "B2", 32, { organizationId = "nord" })
    app:put_at("10", "A1", 64, { productId = "SHADE" })
  end

  local function sum(list) return rows.sum(list, "wms.unrestricted") end

  local function filters(more)
    return json.merge(json.object {
      organizationId = { "acme" }, productId = { "LAMP" },
      dimensions = { "siteId", "locationId" },
      values = { { "10", "A1" }, { "20", "B2" } },
    }, json.object(more))
  end

  local function ask(more, groups, options)
    return app:post(PATH, {
      filters = filters(more), returnNegative = true,
      groupByValues = json.array(groups or {}),
    }, options)
  end

  local function list(...) return rows.of(expect.ok(ask(...))) end

  local function second(more)
    return json.merge(json.object {
      organizationId = json.null, dimensions = json.null,
      keys = { "organizationId", "siteId", "locationId" },
      values = { { "acme", "10", "A1" }, { "nord", "20", "B2" } },
    }, json.object(more))
  end

  it("addresses these combinations and no others", function()
    start()
    local found = list()
    assert.are.equal(2, #found)
    assert.are.equal(1 + 2 + 16, sum(found))
    local crossed = app:rows { filters = App.filters {
      siteId = { "10", "20" }, locationId = { "A1", "B2" } } }
    assert.are.equal(1 + 2 + 4 + 8 + 16, sum(crossed))
  end)

  it("adds the dimensions to the groups", function()
    start()
    local found = list(nil, { "ColorId" })
    assert.are.equal(3, #found)
    assert.are.same({ siteid = "10", locationid = "A1", ColorId = "" },
      rows.one(found, { dimensions = { siteId = "10", ColorId = "" } })
        .dimensions)
    found = list {
      dimensions = { "COLORID", "locationid", "SiteId" },
      values = { { "red", "A1", "10" }, { "red", "B2", "20" } },
    }
    assert.are.equal(2, #found)
    for _, row in ipairs(found) do
      assert.are.equal("red", row.dimensions.ColorId)
    end
    assert.are.equal(17, sum(found))
  end)

  it("understands an empty value as not given", function()
    start()
    local names = { "siteId", "locationId", "ColorId" }
    assert.are.equal(2, sum(list {
      dimensions = names, values = { { "10", "A1", "" } } }))
    assert.are.equal(3, sum(list {
      dimensions = names, values = { { "10", "A1", "" },
        { "10", "A1", "red" } } }))
  end)

  it("tells the same combination once", function()
    start()
    local found = list { values = { { "20", "B2" }, { "10", "A1" },
      { "20", "B2" }, { "10", "A1" }, { "10", "A1" } } }
    assert.are.equal(2, #found)
    assert.are.equal(19, sum(found))
  end)

  it("answers in the order of the tuples' values, then of products",
    function()
      start()
      local found = list { productId = { "SHADE", "LAMP" },
        values = { { "20", "B2" }, { "10", "A1" } } }
      local told = {}
      for index, row in ipairs(found) do
        told[index] = row.dimensions.siteid .. row.productId
      end
      assert.are.same({ "10LAMP", "10SHADE", "20LAMP" }, told)
    end)

  it("shows all products of the places when none is named", function()
    start()
    for _, products in ipairs { json.null, json.array() } do
      local found = list { productId = products }
      assert.are.equal(3, #found)
      assert.are.equal(1 + 2 + 16 + 64, sum(found))
    end
  end)

  it("answers [] when nothing fits, and when nothing is asked", function()
    start()
    assert.are.equal("[]", ask { values = { { "10", "Z9" } } }.body)
    assert.are.equal("[]", ask { values = json.array() }.body)
  end)

  it("understands the names of a data source", function()
    start()
    local reply = app:post(PATH, {
      dimensionDataSource = "till", returnNegative = true,
      filters = filters { dimensions = { "TillRoom", "TillSite", "TillColor" },
        values = { { "B2", "20", "red" } } },
    })
    assert.are.equal(16, sum(rows.of(expect.ok(reply))))
    assert.are.equal(16, sum(list {
      dimensionDataSource = { "till" },
      dimensions = { "TillRoom", "TillSite", "TillColor" },
      values = { { "B2", "20", "red" } } }))
  end)

  it("wants site and location where they part the stock", function()
    start()
    for _, names in ipairs {
      { "siteId", "ColorId" }, { "locationId", "ColorId" },
      { "SizeId", "ColorId" },
    } do
      expect.invalid(ask { dimensions = names, values = { { "10", "A1" } } },
        "missing_partition", "filters.dimensions")
    end
    expect.invalid(ask { dimensions = json.array(),
      values = json.array() }, "missing_partition")
  end)

  it("by product needs a product and no place", function()
    start { config = "by-product.json" }
    local found = list { dimensions = { "ColorId" },
      values = { { "red" }, { "" } } }
    assert.are.equal(2, #found)
    assert.are.same({ ColorId = "red" },
      rows.one(found, { dimensions = { ColorId = "red" } }).dimensions)
    assert.are.equal(31, sum(found))
    assert.are.equal(31, sum(list { dimensions = json.array(),
      values = { json.array() } }))
    for _, products in ipairs { json.null, json.array() } do
      expect.invalid(ask { productId = products }, "missing_product",
        "filters.productId")
    end
  end)

  it("names what is wrong with a query", function()
    start()
    local function wrong(more, word, field)
      expect.invalid(ask(more), word, field)
    end
    wrong({ organizationId = { "acme", "nord" } }, "too_many_organizations",
      "filters.organizationId")
    wrong({ organizationId = json.null }, "missing_field",
      "filters.organizationId")
    wrong({ dimensions = json.null }, "missing_field", "filters.dimensions")
    wrong({ values = json.null }, "missing_field", "filters.values")
    wrong({ values = { { "10", "A1" }, { "10" } } }, "tuple_length",
      "filters.values[1]")
    wrong({ values = { { "10", "A1", "red" } } }, "tuple_length",
      "filters.values[0]")
    wrong({ values = { "10", "A1" } }, "invalid_field", "filters.values[0]")
    wrong({ values = { { "10", 7 } } }, "invalid_field", "filters.values[0]")
    wrong({ values = { { "10", ("x"):rep(51) } } }, "too_long",
      "filters.values[0]")
    wrong({ dimensions = { "siteId", "locationId", "Flavour" } },
      "unknown_dimension", "filters.dimensions")
    wrong({ dimensions = { "siteId", "locationId", "SITEID" } },
      "duplicate_dimension", "filters.dimensions")
    wrong({ siteId = { "10" } }, "invalid_field", "filters.siteId")
    wrong({ keys = { "siteId" } }, "invalid_field", "filters.keys")
    expect.invalid(ask(nil, { "Flavour" }), "unknown_dimension",
      "groupByValues")
    expect.invalid(app:post(PATH .. "?limit=5", { filters = filters() }),
      "invalid_field", "limit")
    expect.invalid(app:post(PATH, json.array()), "invalid_field")
  end)

  it("takes 10000 combinations and refuses 10001", function()
    start()
    local values = {}
    for index = 1, 9999 do
      values[index] = { "10", ("L%d"):format(index), "a", "b", "c" }
    end
    values[10000] = { "10", "A1", "red", "", "" }
    local names = { "siteId", "locationId", "ColorId", "SizeId", "StyleId" }
    assert.are.equal(1, sum(list { dimensions = names, values = values }))
    values[10001] = { "20", "A1", "red", "", "" }
    local reply = ask { dimensions = names, values = values }
    expect.invalid(reply, "too_many_items", "filters.values")
    assert.is_truthy(reply.json.message:find("10000", 1, true))
  end)

  it("takes 5000 products and refuses 5001", function()
    start()
    local products = {}
    for index = 1, 4999 do products[index] = "P" .. index end
    products[5000] = "LAMP"
    assert.are.equal(19, sum(list { productId = products }))
    products[5001] = "SHADE"
    expect.invalid(ask { productId = products }, "too_many_items",
      "filters.productId")
  end)

  it("2.0 names a company in each combination", function()
    start()
    local found = list(second(), nil, V2)
    assert.is_true(json.is_array(expect.ok(ask(second(), nil, V2))))
    assert.are.equal(2, #found)
    assert.are.equal(1 + 2 + 32, sum(found))
    assert.are.same({ siteid = "20", locationid = "B2" },
      rows.one(found, { organizationId = "nord" }).dimensions)
    found = list(second {
      keys = { "LocationId", "ORGANIZATIONID", "siteId" },
      values = { { "B2", "acme", "20" }, { "B2", "nord", "20" },
        { "B2", "acme", "20" } },
    }, nil, V2)
    assert.are.equal(48, sum(found))
  end)

  it("2.0 by product needs a company only", function()
    start { config = "by-product.json" }
    local found = list(second { keys = { "organizationId" },
      values = { { "nord" }, { "acme" }, { "none" } } }, nil, V2)
    assert.are.equal(2, #found)
    assert.are.equal(63, sum(found))
  end)

  it("2.0 says what it wants", function()
    start()
    local function wrong(more, word, field)
      expect.invalid(ask(second(more), nil, V2), word, field)
    end
    wrong({ organizationId = { "acme" } }, "invalid_field",
      "filters.organizationId")
    wrong({ dimensions = { "siteId" } }, "invalid_field", "filters.dimensions")
    wrong({ keys = json.null }, "missing_field", "filters.keys")
    wrong({ keys = { "siteId", "locationId" } }, "missing_field",
      "filters.keys")
    wrong({ keys = { "organizationId", "siteId" } }, "missing_partition",
      "filters.keys")
    wrong({ keys = { "organizationId", "siteId", "OrganizationId" } },
      "duplicate_dimension", "filters.keys")
    wrong({ values = { { "acme", "10" } } }, "tuple_length",
      "filters.values[0]")
    wrong({ values = { { ("x"):rep(51), "10", "A1" } } }, "too_long",
      "filters.values[0]")
  end)

  it("answers a thousand combinations whole, in any order", function()
    app = App.start()
    local values, lines = {}, {}
    for index = 1, 1000 do
      local site, location = tostring(index % 7), "L" .. index
      values[index] = { location, site }
      lines[#lines + 1] = app:event({ wms = { unrestricted = index } },
        { dimensions = json.object { siteId = site, locationId = location } })
      if #lines == 500 then
        expect.buckets(app:post("/onhand/bulk", lines), { success = 500 })
        lines = {}
      end
    end
    for index = 1, 500 do
      local other = 1001 - index
      values[index], values[other] = values[other], values[index]
    end
    local found = list { dimensions = { "locationId", "siteId" },
      values = values }
    assert.are.equal(1000, #found)
    assert.are.equal(500500, sum(found))
  end)
end)

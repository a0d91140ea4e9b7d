-- examples_query_spec.lua - the worked examples of the hosted contract about
-- exact queries and queries through the URL.

local App = require "tests.support.app"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local V2 = { headers = { ["Api-Version"] = "2.0" } }

describe("example", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = examples.start(options) end

  -- Stock at these places: { site, location, colour, quantity } ...
  local function stock(places)
    for _, place in ipairs(places) do
      examples.post(app, { pos = { inbound = place[4] } }, nil, json.object {
        siteId = place[1], locationId = place[2], ColorId = place[3] })
    end
  end

  local function exact(filters, more, options)
    local body = json.merge(json.object { filters = json.object(filters),
      returnNegative = true }, json.object(more))
    return app:post("/onhand/exactquery", body, options)
  end

  local function exact_rows(filters, more)
    filters.organizationId = filters.organizationId or { App.ORGANIZATION }
    filters.productId = filters.productId or { App.PRODUCT }
    return rows.of(expect.ok(exact(filters, more)))
  end

  describe("7.6, exact queries under a partition rule:", function()
    local NAMES = { "siteId", "locationId" }
    local CASES = {
      { "with place and product", { dimensions = NAMES,
        values = { { "10", "A1" } }, productId = { App.PRODUCT } } },
      { "without site and location", { dimensions = { "colorId" },
        values = { { "red" } }, productId = { App.PRODUCT } },
        location = "missing_partition" },
      { "without a product", { dimensions = NAMES,
        values = { { "10", "A1" } } }, product = "missing_product" },
      { "with an empty list of products", { dimensions = NAMES,
        values = { { "10", "A1" } }, productId = json.array() },
        product = "missing_product" },
    }

    for _, by in ipairs { "location", "product" } do
      for _, case in ipairs(CASES) do
        it(("by %s, %s"):format(by, case[1]), function()
          start { by = by }
          stock { { "10", "A1", "red", 3 } }
          local filters = json.merge(json.object(case[2]),
            json.object { organizationId = { App.ORGANIZATION } })
          if case[by] then
            expect.invalid(exact(filters), case[by])
          else
            local list = rows.of(expect.ok(exact(filters)))
            assert.are.equal(3, rows.sum(list, "pos.inbound"))
          end
        end)
      end
    end
  end)

  it("13.4 two sites and two locations are four places, or two tuples",
    function()
      start()
      stock { { "1", "A", "red", 1 }, { "1", "B", "red", 2 },
        { "2", "A", "red", 4 }, { "2", "B", "red", 8 } }
      assert.are.equal(15, rows.sum(app:rows { filters = App.filters {
        siteId = { "1", "2" }, locationId = { "A", "B" } } }, "pos.inbound"))
      local list = exact_rows { dimensions = { "siteId", "locationId" },
        values = { { "1", "A" }, { "2", "B" } } }
      assert.are.same({ ["1/A"] = 1, ["2/B"] = 8 },
        examples.by(list, { "siteid", "locationid" }, "pos.inbound"))
    end)

  it("13.4 dimensions are grouped by, whatever their order", function()
    start()
    stock { { "1", "A", "red", 1 }, { "1", "A", "blue", 2 },
      { "2", "B", "red", 4 } }
    local list = exact_rows { dimensions = { "colorId", "locationId",
      "SITEID" }, values = { { "red", "A", "1" }, { "red", "B", "2" } } }
    assert.are.same({ ["1/A/red"] = 1, ["2/B/red"] = 4 }, examples.by(list,
      { "siteid", "locationid", "ColorId" }, "pos.inbound"))
    list = exact_rows({ dimensions = { "siteId", "locationId" },
      values = { { "1", "A" } } }, { groupByValues = { "ColorId" } })
    assert.are.same({ red = 1, blue = 2 },
      examples.by(list, { "ColorId" }, "pos.inbound"))
  end)

  it("13.4 names of a source work as in other queries", function()
    start()
    stock { { "1", "A", "red", 1 }, { "1", "A", "blue", 2 } }
    local list = exact_rows({ dimensions = { "siteId", "locationId",
      "poscolor" }, values = { { "1", "A", "blue" } } },
      { dimensionDataSource = "pos" })
    assert.are.equal(2, rows.sum(list, "pos.inbound"))
  end)

  it("13.4 a tuple has one value for each dimension", function()
    start()
    for _, tuple in ipairs { { "1" }, { "1", "A", "red" }, json.array() } do
      expect.invalid(exact { organizationId = { App.ORGANIZATION },
        productId = { App.PRODUCT }, dimensions = { "siteId", "locationId" },
        values = { json.array(tuple) } }, "tuple_length")
    end
  end)

  it("13.4 one organization, and an empty list where nothing fits",
    function()
      start()
      stock { { "1", "A", "red", 1 } }
      local filters = { productId = { App.PRODUCT },
        organizationId = { App.ORGANIZATION, "other" },
        dimensions = { "siteId", "locationId" }, values = { { "1", "B" } } }
      expect.invalid(exact(filters), "too_many_organizations")
      filters.organizationId = nil
      expect.invalid(exact(filters), "missing_field", "filters.organizationId")
      assert.are.same(json.array(), exact_rows(filters))
    end)

  it("13.5 keys may name the organization at any place", function()
    start()
    for quantity, organization in ipairs { "usmf", "demf" } do
      for step, location in ipairs { "11", "51" } do
        expect.ok(app:post("/onhand", app:event(
          { pos = { inbound = quantity * 10 ^ step } },
          { organizationId = organization,
            dimensions = { siteId = "1", locationId = location } })))
      end
    end
    local list = rows.of(expect.ok(exact({ productId = { App.PRODUCT },
      keys = { "siteId", "organizationId", "locationId" },
      values = { { "1", "usmf", "11" }, { "1", "demf", "51" } } }, nil, V2)))
    assert.are.same({ ["11"] = 10, ["51"] = 200 },
      examples.by(list, { "locationid" }, "pos.inbound"))
    assert.are.equal(1, #rows.select(list, { organizationId = "demf" }))
    expect.status(exact({ productId = { App.PRODUCT },
      organizationId = { "usmf" }, keys = { "siteId", "locationId" },
      values = { { "1", "11" } } }, nil, V2), 400)
  end)

  it("A11 tuples of places, and of organizations and places", function()
    start { config = examples.exported() }
    local function post(organization, site, location, quantity)
      expect.ok(app:post("/onhand", app:event({ pos = { inbound = quantity } },
        { organizationId = organization, productId = "Bike",
          dimensions = { siteId = site, locationId = location,
            ColorId = "red" } })))
    end
    post("usmf", "1", "11", 1)
    post("usmf", "2", "21", 2)
    post("usmf", "1", "21", 4)
    post("demf", "5", "51", 8)
    local function send(text, options)
      options = options or {}
      options.raw = text
      return rows.of(expect.ok(app:post("/onhand/exactquery", nil, options)))
    end
    local names = { "siteid", "locationid", "ColorId" }
    assert.are.same({ ["1/11/red"] = 1, ["2/21/red"] = 2 },
      examples.by(send [=[{"filters":{"organizationId":["usmf"],
        "productId":["Bike"],"dimensions":["siteId","locationId"],
        "values":[["1","11"],["2","21"]]},
        "groupByValues":["colorId"],"returnNegative":true}]=], names,
        "pos.inbound"))
    names[3] = nil
    assert.are.same({ ["1/11"] = 1, ["5/51"] = 8 },
      examples.by(send([=[{"filters":{"productId":["Bike"],
        "keys":["organizationId","siteId","locationId"],
        "values":[["usmf","1","11"],["demf","5","51"]]},
        "groupByValues":[],"returnNegative":true}]=], V2), names,
        "pos.inbound"))
  end)

  describe("13.3", function()
    before_each(function()
      start()
      stock { { "1", "A", "red", 1 }, { "1", "B", "blue", 2 },
        { "2", "A", "red", 4 } }
    end)

    local function get(parameters)
      return app:get("/onhand?organizationId=acme&productId=LAMP"
        .. (parameters or ""))
    end

    local function sum(parameters)
      return rows.sum(rows.of(expect.ok(get(parameters))), "pos.inbound")
    end

    it("the URL answers what a body would", function()
      local body = expect.ok(app:query { filters = App.filters {
        siteId = { "1" }, locationId = { "A", "B" } },
        groupByValues = { "ColorId" } })
      assert.are.same(body, expect.ok(get("&siteId=1&locationId=A,B"
        .. "&groupBy=ColorId&returnNegative=true")))
    end)

    it("values are lists by commas or by repetition", function()
      assert.are.equal(7, sum())
      assert.are.equal(3, sum "&siteId=1")
      assert.are.equal(7, sum "&siteId=1,2")
      assert.are.equal(7, sum "&siteId=1&siteId=2")
      assert.are.equal(5, sum "&locationId=A&ColorId=red")
    end)

    it("groups are lists by commas or by repetition", function()
      for _, parameters in ipairs { "&groupBy=ColorId,SizeId",
        "&groupBy=ColorId&groupBy=SizeId", "&GROUPBY=colorid&groupby=SIZEID",
      } do
        local list = rows.of(expect.ok(get(parameters)))
        assert.are.same({ ["1/red/"] = 1, ["1/blue/"] = 2, ["2/red/"] = 4 },
          examples.by(list, { "siteid", "ColorId", "SizeId" }, "pos.inbound"))
      end
    end)

    it("names of a source work where it is named", function()
      assert.are.equal(2, sum "&dimensionDataSource=pos&poscolor=blue")
      expect.invalid(get "&poscolor=blue", "unknown_dimension")
    end)

    it("negative values show when they are asked for", function()
      examples.post(app, { pos = { inbound = -5 } }, nil,
        json.object { siteId = "3", locationId = "C" })
      assert.are.equal(-5, sum "&siteId=3&returnNegative=true")
      assert.are.equal(0, sum "&siteId=3")
    end)

    it("one organization only", function()
      expect.invalid(app:get "/onhand?organizationId=acme,nord&productId=LAMP",
        "too_many_organizations")
      expect.invalid(app:get "/onhand?productId=LAMP", "missing_field")
    end)
  end)
end)

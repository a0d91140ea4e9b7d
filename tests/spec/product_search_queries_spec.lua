-- product_search_queries_spec.lua - a search in place of ids, in every kind of
-- query: POST /onhand/productsearch/indexquery and exactquery, their versions,
-- pages and promises. What an expression finds is in product_search_spec.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local products = require "tests.support.products"
local rows = require "tests.support.rows"

local INDEX = "/onhand/productsearch/indexquery"
local EXACT = "/onhand/productsearch/exactquery"
local V2 = { headers = { ["Api-Version"] = "2.0" } }

local function day(offset)
  return os.date("!%Y-%m-%d", os.time() + offset * 24 * 3600)
end

-- What finds the products of a type.
local function of_type(kind)
  return { productFilter = { conditions = {
    { conditionOperator = "IsExactly", productType = { kind } } } } }
end

local LAMPS, NOTHING = of_type "Lamp", of_type "Nothing"

describe("a search in a query", function()
  local app

  after_each(function() App.finish(app) end)

  local function put(organization, item, site, location, quantity, more)
    app:put(quantity, { organizationId = organization, productId = item,
      dimensions = json.merge(
        json.object { siteId = site, locationId = location },
        json.object(more)) })
  end

  -- Two companies that do not call the same products lamps, and stock told
  -- apart by powers of two.
  local function start(options)
    app = App.start(options)
    products.put(app, { L1 = { productType = "Lamp" },
      L2 = { productType = "Lamp" }, CHAIR = { productType = "Seat" } })
    products.put(app, {
      L1 = { company = "nord", productType = "Seat" },
      CHAIR = { company = "nord", productType = "Lamp" },
    })
    put("acme", "L1", "10", "A1", 1, { ColorId = "red" })
    put("acme", "L1", "20", "B2", 2)
    put("acme", "L2", "10", "A1", 4)
    put("acme", "L2", "10", "B2", 8)
    put("acme", "CHAIR", "10", "A1", 16)
    put("nord", "L1", "10", "A1", 32)
    put("nord", "CHAIR", "10", "A1", 64)
    put("nord", "CHAIR", "20", "B2", 128)
    put("acme", "UNKNOWN", "10", "A1", 256)
  end

  local function sum(list) return rows.sum(list, "wms.unrestricted") end

  -- An exact query of 1.0, and of 2.0 over both companies.

  local function exact(search, more)
    return json.merge(json.object { productSearch = search, filters = {
      organizationId = { "acme" }, dimensions = { "siteId", "locationId" },
      values = { { "10", "A1" }, { "20", "B2" } },
    }, returnNegative = true }, json.object(more))
  end

  local function exact_second(search, more)
    return json.merge(exact(search, { filters = {
      organizationId = json.null, dimensions = json.null,
      keys = { "organizationId", "siteId", "locationId" },
      values = { { "acme", "10", "A1" }, { "nord", "10", "A1" },
        { "nord", "20", "B2" } },
    } }), json.object(more))
  end

  local function index(search, more)
    return json.merge(json.object { productSearch = search, filters = {
      organizationId = { "nord", "acme" } }, returnNegative = true },
      json.object(more))
  end

  local function list(path, body, options)
    return rows.of(expect.ok(app:post(path, body, options)))
  end

  it("has the products that it finds at exactly these places", function()
    start()
    local found = list(EXACT, exact(LAMPS))
    assert.are.equal(3, #found)
    assert.are.equal(1 + 2 + 4, sum(found))
    found = list(EXACT, exact(LAMPS, { groupByValues = { "ColorId" } }))
    assert.are.equal(1, sum(rows.select(found,
      { dimensions = { ColorId = "red" } })))
    found = list(EXACT, exact(LAMPS, { filters = {
      dimensions = { "ColorId", "siteId", "locationId" },
      values = { { "red", "10", "A1" } } } }))
    assert.are.equal(1, sum(found))
    assert.are.equal(4 + 1, sum(list(EXACT, exact(nil, { filters = {
      productSearch = LAMPS, values = { { "10", "A1" } } } }))))
  end)

  it("looks for the products of each tuple in its organization", function()
    start()
    local found = list(EXACT, exact_second(LAMPS), V2)
    assert.are.equal(4, #found)
    assert.are.equal(1 + 4, sum(rows.select(found,
      { organizationId = "acme" })))
    assert.are.equal(64 + 128, sum(rows.select(found,
      { organizationId = "nord" })))
    assert.are.equal(1 + 4, sum(list(EXACT, exact_second(LAMPS,
      { filters = { values = { { "acme", "10", "A1" },
        { "none", "10", "A1" } } } }), V2)))
  end)

  it("that finds nothing has no rows in any kind of query", function()
    start()
    assert.are.equal("[]", app:post(EXACT, exact(NOTHING)).body)
    assert.are.equal("[]", app:post(EXACT, exact_second(NOTHING), V2).body)
    local none = { filters = { values = json.array() } }
    assert.are.equal("[]", app:post(EXACT, exact(LAMPS, none)).body)
    assert.are.equal("[]", app:post(EXACT, exact_second(LAMPS, none), V2).body)
    for _, page in ipairs { "", "?pageSize=1", "?limit=1" } do
      assert.are.same({ Value = json.array(), nextLink = "" },
        expect.ok(app:post(INDEX .. page, index(NOTHING), V2)))
    end
  end)

  -- Follow the links from the first page.
  local function follow(query, body)
    local pages = {}
    while true do
      local page = expect.ok(app:post(INDEX .. query, body, V2))
      pages[#pages + 1] = page.Value
      if page.nextLink == "" then return pages end
      query = assert(page.nextLink:match(
        "^onhand/productsearch/indexquery(%?.*)$"), page.nextLink)
      assert.is_true(#pages < 100, "the links have no end")
    end
  end

  local function told(list_of_rows)
    local found = {}
    for at, row in ipairs(list_of_rows) do
      found[at] = table.concat({ row.organizationId, row.productId,
        row.dimensions.siteid, row.dimensions.locationid }, " ")
    end
    return found
  end

  local function join(pages)
    local all = {}
    for _, page in ipairs(pages) do
      for _, row in ipairs(page) do all[#all + 1] = row end
    end
    return all
  end

  it("has pages of rows, whole ones with what was found only", function()
    start()
    local whole = told(list(INDEX, index(LAMPS), V2))
    assert.are.same({
      "acme L1 10 A1", "acme L1 20 B2", "acme L2 10 A1", "acme L2 10 B2",
      "nord CHAIR 10 A1", "nord CHAIR 20 B2" }, whole)
    for limit, count in ipairs { 3, 3, 2, 2, 1 } do
      local pages = follow("?limit=" .. limit, index(LAMPS))
      assert.are.same(whole, told(join(pages)))
      assert.are.equal(count, #pages)
      for _, page in ipairs(pages) do
        assert.is_true(#page >= limit or page == pages[count])
      end
    end
  end)

  it("has pages of warehouses, none for what was found elsewhere only",
    function()
      start()
      put("acme", "CHAIR", "30", "C3", 512)
      local pages = follow("?pageSize=1", index(LAMPS))
      assert.are.same({
        { "acme L1 10 A1", "acme L2 10 A1", "nord CHAIR 10 A1" },
        { "acme L1 20 B2", "acme L2 10 B2", "nord CHAIR 20 B2" },
      }, { told(pages[1]), told(pages[2]) })
      assert.are.equal(2, #pages)
    end)

  it("tells what can be promised of what it finds", function()
    start()
    expect.ok(app:post("/onhand/changeschedule", app:event({}, {
      productId = "L2", quantities = json.null,
      quantitiesByDate = { [day(1)] = { wms = { unrestricted = 3 } } } })))
    local promise = { groupByValues = { "ColorId", "SizeId" }, QueryATP = true,
      ATPFromDate = day(0), ATPToDate = day(1) }
    local function check(found)
      local row = rows.one(found, { productId = "L2",
        dimensions = { siteId = "10", locationId = "A1" } })
      assert.are.equal(7,
        row.atpQuantities[day(1) .. "T00:00:00Z"].iv.onhand)
      assert.are.equal(3, row.quantitiesByDate[day(1) .. "T00:00:00"]
        .wms.unrestricted)
      assert.are.equal(0, #rows.select(found, { productId = "UNKNOWN" }))
    end
    check(list(INDEX, index(LAMPS, promise), V2))
    check(list(EXACT, exact(LAMPS, promise)))
    check(list(EXACT, exact_second(LAMPS, promise), V2))
    expect.invalid(app:post(EXACT, exact(LAMPS, { QueryATP = true })),
      "atp_group_by")
  end)

  it("works where products part the stock, and where places do not",
    function()
      start { config = "by-product.json" }
      local nowhere = { filters = { dimensions = { "ColorId" },
        values = { { "red" }, { "" } } } }
      assert.are.equal(1 + 2 + 4 + 8, sum(list(EXACT, exact(LAMPS, nowhere))))
      assert.are.equal(64 + 128, sum(list(INDEX, index(LAMPS, {
        filters = { organizationId = { "nord" } } }))))
      for limit = 1, 3 do
        assert.are.equal(15 + 192, sum(join(follow("?limit=" .. limit,
          index(LAMPS, { groupByValues = { "siteId", "locationId" } })))))
      end
    end)

  it("goes on page after page while products change", function()
    start()
    local first = expect.ok(app:post(INDEX .. "?limit=1", index(LAMPS), V2))
    assert.are.same({ "acme L1 10 A1", "acme L1 20 B2" }, told(first.Value))
    products.put(app, { L1 = { productType = "Seat" } })
    products.put(app, { UNKNOWN = { productType = "Lamp" } })
    local query = first.nextLink:match("%?.*$")
    assert.are.same({ "acme L2 10 A1", "acme L2 10 B2", "acme UNKNOWN 10 A1",
      "nord CHAIR 10 A1", "nord CHAIR 20 B2" },
      told(join(follow(query, index(LAMPS)))))
  end)

  it("takes more products in one exact query than fit one piece", function()
    start()
    local count = 1200
    local records, lines = {}, json.array {}
    local function send()
      products.put(app, records)
      expect.buckets(app:post("/onhand/bulk", lines), { success = #lines })
      records, lines = {}, json.array {}
    end
    for number = 1, count do
      local item = ("M%04d%s"):format(number, ("x"):rep(60))
      records[item] = { productType = "Many" }
      lines[#lines + 1] = app:event({ wms = { unrestricted = 1 } },
        { productId = item })
      if #lines == 400 then send() end
    end
    assert.are.equal(0, #lines)
    local found = list(EXACT, exact(of_type "Many"))
    assert.are.equal(count, #found)
    assert.are.equal(count, sum(found))
  end)

  it("is refused with the place of what is wrong", function()
    start()
    local function wrong(body, word, field, options)
      expect.invalid(app:post(EXACT, body, options), word, field)
    end
    wrong(exact(nil), "missing_field", "productSearch")
    wrong(exact(LAMPS, { filters = { productSearch = LAMPS } }),
      "conflicting_fields", "filters.productSearch")
    wrong(exact(LAMPS, { filters = { productId = { "L1" } } }),
      "invalid_field", "filters.productId")
    wrong(exact_second(LAMPS, { filters = { productId = { "L1" } } }),
      "invalid_field", "filters.productId", V2)
    wrong(exact_second(LAMPS, { filters = { organizationId = { "acme" } } }),
      "invalid_field", "filters.organizationId", V2)
    wrong(exact(LAMPS, { filters = { organizationId = { "acme", "nord" } } }),
      "too_many_organizations", "filters.organizationId")
    wrong(exact(LAMPS, { filters = { dimensions = { "siteId" } } }),
      "missing_partition", "filters.dimensions")
    wrong(exact(LAMPS, { filters = { values = { { "10" } } } }),
      "tuple_length", "filters.values[0]")
    wrong(exact { productFilter = { conditions = json.array {} } },
      "missing_field", "productSearch.productFilter.conditions")
    expect.invalid(app:post(EXACT .. "?limit=1", exact_second(LAMPS), V2),
      "invalid_field", "limit")
    expect.invalid(app:post("/onhand/exactquery", exact(nil,
      { filters = { productSearch = LAMPS } })), "invalid_field",
      "filters.productSearch")
  end)

  it("may not find more than a query may name, all tuples together",
    function()
      start { server = { limits = { queryProducts = 2 } } }
      assert.are.equal(7, sum(list(EXACT, exact(LAMPS))))
      expect.invalid(app:post(EXACT, exact_second(LAMPS), V2),
        "too_many_items", "productSearch")
    end)
end)

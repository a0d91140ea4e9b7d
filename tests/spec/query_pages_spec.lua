-- query_pages_spec.lua - pages of an index query: of warehouses, and of rows.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local V2 = { headers = { ["Api-Version"] = "2.0" } }

local ANY_PRODUCT = { organizationId = { "acme" },
  siteId = { "10", "20", "30" } }

describe("pages", function()
  local app

  after_each(function() App.finish(app) end)

  local function lines_of(stock)
    local lines = {}
    for index, line in ipairs(stock) do
      lines[index] = app:event({ wms = { unrestricted = line.quantity or 1 } }, {
        organizationId = line.organization, productId = line.product,
        dimensions = json.object { siteId = line.site,
          locationId = line.location, ColorId = line.color },
      })
    end
    return lines
  end

  local function put_all(stock)
    expect.buckets(app:post("/onhand/bulk", lines_of(stock)),
      { success = #stock })
  end

  local function ask(query, filters, groups)
    return app:post("/onhand/indexquery" .. query, {
      filters = filters, returnNegative = true,
      groupByValues = json.array(groups or {}),
    }, V2)
  end

  -- Follow the links from the first page; what each page held.
  local function follow(query, filters, groups)
    local pages = {}
    while true do
      local body = expect.ok(ask(query, filters, groups))
      pages[#pages + 1] = body.Value
      if body.nextLink == "" then return pages end
      query = assert(body.nextLink:match("^onhand/indexquery(%?.*)$"),
        body.nextLink)
      assert.is_true(#pages < 1000, "the links have no end")
    end
  end

  local function join(pages)
    local all = json.array()
    for _, page in ipairs(pages) do
      for _, row in ipairs(page) do all[#all + 1] = row end
    end
    return all
  end

  -- Products of several lengths at several places of two companies.
  local function put_everywhere()
    local stock = {}
    for index = 1, 60 do
      stock[index] = {
        organization = index % 5 == 0 and "nord" or "acme",
        product = ("P"):rep(index % 3 + 1) .. index % 17,
        site = tostring(index % 3 * 10 + 10), location = "L" .. index % 4,
        color = "c" .. index % 2,
      }
    end
    put_all(stock)
  end

  describe("of rows", function()
    local function check(filters, groups)
      local whole = expect.ok(ask("", filters, groups)).Value
      for _, limit in ipairs { 1, 2, 7, 1000 } do
        local pages = follow("?limit=" .. limit, filters, groups)
        assert.are.equal(json.encode(whole), json.encode(join(pages)))
        for index, page in ipairs(pages) do
          assert.is_true(#page >= limit or index == #pages)
        end
      end
      return whole
    end

    it("hold every row once, in order, whatever is asked", function()
      app = App.start()
      put_everywhere()
      local both = { "acme", "nord" }
      assert.is_true(#check(ANY_PRODUCT) > 20)
      check({ organizationId = both, locationId = { "L1", "L3" } },
        { "ColorId" })
      check({ organizationId = both, siteId = { "10", "20" },
        ColorId = { "c1" } })
      check({ organizationId = both, productId = { "P1", "PP1", "P5", "PPP5",
        "none", "PP10", "P10", "PPP10" } }, { "ColorId" })
    end)

    it("hold every row once where products part the stock", function()
      app = App.start { config = "by-product.json" }
      put_everywhere()
      check({ organizationId = { "nord", "acme" },
        productId = { "P1", "PP1", "P5", "PPP5", "PP10", "P10", "PPP10" } },
        { "LocationId", "ColorId" })
    end)

    it("end with a whole product", function()
      app = App.start()
      local stock = {}
      for product = 1, 3 do
        for color = 1, 5 do
          stock[#stock + 1] = { product = "P" .. product, site = "10",
            location = "A1", color = "c" .. color }
        end
      end
      put_all(stock)
      local pages = follow("?limit=3", ANY_PRODUCT, { "ColorId" })
      assert.are.same({ 5, 5, 5 }, { #pages[1], #pages[2], #pages[3] })
      pages = follow("?limit=6", ANY_PRODUCT, { "ColorId" })
      assert.are.same({ 10, 5 }, { #pages[1], #pages[2] })
      assert.are.equal(1, #follow("?limit=15", ANY_PRODUCT, { "ColorId" }))
    end)

    it("go on behind what was told, whatever has changed", function()
      app = App.start()
      put_all {
        { product = "B", site = "10", location = "A1" },
        { product = "D", site = "10", location = "A1" },
        { product = "F", site = "10", location = "A1" },
      }
      local first = expect.ok(ask("?limit=2", ANY_PRODUCT))
      put_all {
        { product = "A", site = "10", location = "A1" },
        { product = "E", site = "10", location = "A1" },
        { product = "A", site = "20", location = "A1" },
      }
      local query = first.nextLink:match("%?.*$")
      local told = {}
      for index, row in ipairs(expect.ok(ask(query:gsub("limit=2", "limit=9"),
        ANY_PRODUCT)).Value) do
        told[index] = row.productId
      end
      assert.are.same({ "E", "F", "A" }, told)
      -- Without a limit it is the rest.
      local rest = expect.ok(ask((query:gsub("limit=2&", "")), ANY_PRODUCT))
      assert.are.equal(3, #rest.Value)
      assert.are.equal("", rest.nextLink)
    end)

    it("go on from names of any characters and any length", function()
      app = App.start()
      local stock = {}
      for index, name in ipairs { ("\240\159\147\166"):rep(50), "a/b?c&d=e",
        ("x"):rep(100), '"\\', " " } do
        stock[index] = { product = name, site = ("\195\164"):rep(30),
          location = ("y"):rep(50), organization = ("\240\159\143\173"):rep(25) }
      end
      put_all(stock)
      local pages = follow("?limit=1", {
        organizationId = { ("\240\159\143\173"):rep(25) },
        siteId = { ("\195\164"):rep(30) } })
      assert.are.equal(5, #pages)
      assert.are.equal(5, #join(pages))
    end)

    it("begin only where a page has ended", function()
      app = App.start()
      put_everywhere()
      local link = expect.ok(ask("?limit=2", ANY_PRODUCT)).nextLink
      local mark = link:match("after=(.+)$")
      assert.is_truthy(mark:match("^[%w_-]+$"))
      for _, bad in ipairs {
        "x", "!", mark .. "A", mark:sub(1, -5), mark .. "=",
        ("A"):rep(5000), "AAAA", "%20",
      } do
        expect.invalid(ask("?limit=2&after=" .. bad, ANY_PRODUCT),
          "invalid_field", "after")
      end
      expect.invalid(ask("?limit=2&after=" .. mark,
        { organizationId = { "nord" }, siteId = { "10" } }),
        "invalid_field", "after")
    end)

    it("are of 1 to 10000 rows, of version 2.0, and of one kind", function()
      app = App.start()
      for _, limit in ipairs { "0", "10001", "-1", "x", "" } do
        expect.invalid(ask("?limit=" .. limit, ANY_PRODUCT), "invalid_field",
          "limit")
      end
      expect.ok(ask("?limit=10000", ANY_PRODUCT))
      for _, more in ipairs { "pageSize=2", "pageNumber=1",
        "pageNumber=2&pageSize=2" } do
        expect.invalid(ask("?limit=2&" .. more, ANY_PRODUCT),
          "conflicting_fields", "limit")
      end
      expect.invalid(app:post("/onhand/indexquery?limit=2",
        { filters = ANY_PRODUCT }), "invalid_field", "limit")
    end)
  end)

  describe("of warehouses", function()
    local function check(filters, groups)
      local whole = expect.ok(ask("", filters, groups)).Value
      local pages = follow("?pageSize=2", filters, groups)
      local seen, last = {}, ""
      for _, page in ipairs(pages) do
        local here = {}
        for _, row in ipairs(page) do
          local location = row.dimensions.locationid
          assert.is_true(location >= last)
          assert.is_true(not seen[location])
          here[location], last = true, location
        end
        local count = 0
        for location in pairs(here) do
          seen[location], count = true, count + 1
        end
        assert.is_true(count > 0 and count <= 2)
      end
      assert.are.equal(#whole, #join(pages))
      assert.are.equal(rows.sum(whole, "wms.unrestricted"),
        rows.sum(join(pages), "wms.unrestricted"))
      return pages
    end

    it("hold all products of all places", function()
      app = App.start()
      put_everywhere()
      assert.are.equal(2, #check(ANY_PRODUCT))
      assert.are.equal(2, #check({ organizationId = { "acme", "nord" },
        siteId = { "10", "30", "40" } }, { "ColorId" }))
      assert.are.equal(1, #check { organizationId = { "acme" },
        locationId = { "L1", "L3", "L9" } })
      assert.are.equal(2, #check { organizationId = { "acme" },
        siteId = { "10", "20" }, locationId = { "L0", "L1", "L2" } })
    end)

    it("leave out warehouses without what is filtered", function()
      app = App.start()
      put_all {
        { product = "A", site = "10", location = "L1", color = "red" },
        { product = "B", site = "10", location = "L2", color = "blue" },
        { product = "C", site = "20", location = "L3", color = "red" },
        { product = "D", site = "20", location = "L4", color = "red" },
      }
      local pages = check { organizationId = { "acme" },
        siteId = { "10", "20" }, ColorId = { "red" } }
      assert.are.same({ 2, 1 }, { #pages[1], #pages[2] })
    end)

    it("count a place without a warehouse, too", function()
      app = App.start()
      put_all {
        { product = "A", site = "10", location = "L1" },
        { product = "B", site = "10" },
        { product = "C", site = "20", location = "L3" },
      }
      local first = expect.ok(ask("?pageSize=1", ANY_PRODUCT))
      assert.are.equal("", first.Value[1].dimensions.locationid)
      assert.are.equal(3, #follow("?pageSize=1", ANY_PRODUCT))
    end)

    it("are as many as there are warehouses, in one request each", function()
      app = App.start()
      local stock = {}
      for index = 1, 500 do
        stock[index] = { product = "P" .. index % 9, site = "10",
          location = ("W%03d"):format(index) }
      end
      put_all(stock)
      local pages = follow("?pageNumber=1&pageSize=100", ANY_PRODUCT)
      assert.are.equal(5, #pages)
      assert.are.equal(500, #join(pages))
    end)
  end)
end)

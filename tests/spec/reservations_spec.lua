-- reservations_spec.lua - GET /reservations: the live records.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("GET /reservations", function()
  local app

  before_each(function()
    app = App.start()
    app:put(100)
    app:put(100, { productId = "SHADE" })
  end)

  after_each(function() App.finish(app) end)

  local function page(query)
    return expect.ok(app:get("/reservations" .. (query or "")))
  end

  local function count(query) return #page(query).Value end

  local function reserve(quantity, more)
    return expect.ok(app:reserve(quantity, more)).reservationId
  end

  it("is empty at first", function()
    expect.body({ status = 200, body = "", json = page() },
      { Value = json.array(), nextLink = "" })
  end)

  it("shows a record in full", function()
    local record = reserve(4, { orderTag = "SO-1" })
    reserve(2, { orderTag = "SO-1" })
    expect.body({ status = 200, body = "", json = page() }, { Value = { {
      reservationId = record, organizationId = "acme", productId = "LAMP",
      dimensions = { siteid = "10", locationid = "A1" },
      quantityDataSource = "iv", modifier = "softreserved", quantity = 6,
      orderTag = "SO-1", recipient = "", expiresAt = json.null,
      createdAt = { ["$any"] = true }, updatedAt = { ["$any"] = true },
    } } })
  end)

  it("filters by everything it shows", function()
    reserve(1)
    reserve(1, { orderTag = "SO-1" })
    reserve(1, { productId = "SHADE", orderTag = "SO-1" })
    app:put(9, { dimensions = App.place { ColorId = "red" } })
    reserve(1, { dimensions = App.place { ColorId = "red" } })
    assert.are.equal(4, count())
    assert.are.equal(3, count("?productId=LAMP"))
    assert.are.equal(2, count("?orderTag=SO-1"))
    assert.are.equal(1, count("?orderTag=SO-1&productId=SHADE"))
    assert.are.equal(0, count("?organizationId=nord"))
    assert.are.equal(4, count("?organizationId=acme&siteId=10&locationId=A1"))
    assert.are.equal(1, count("?ColorId=red"))
    assert.are.equal(0, count("?siteId=20"))
    assert.are.equal(0, count("?olderThanSeconds=3600"))
    assert.are.equal(3, count("?PRODUCTID=LAMP"))
    expect.invalid(app:get("/reservations?olderThanSeconds=x"),
      "invalid_field")
  end)

  it("leaves out what is used up", function()
    local record = reserve(4)
    app:unreserve(record, 3)
    assert.are.equal(1, count())
    app:unreserve(record, 1)
    assert.are.equal(0, count())
    reserve(2)
    assert.are.equal(record, page().Value[1].reservationId)
  end)

  it("goes page by page, every record once", function()
    local expected = {}
    for index = 1, 11 do
      expected[reserve(1, { orderTag = "T" .. index })] = true
    end
    local pages, link = 0, "?limit=4"
    while link do
      local body = page(link)
      pages = pages + 1
      assert.is_true(#body.Value <= 4)
      for _, record in ipairs(body.Value) do
        assert.is_true(expected[record.reservationId])
        expected[record.reservationId] = nil
      end
      link = body.nextLink:match("^reservations(%?.+)$")
    end
    assert.are.same({}, expected)
    assert.are.equal(3, pages)
    for _, query in ipairs { "limit=0", "limit=-1", "limit=x" } do
      expect.invalid(app:get("/reservations?" .. query), "invalid_field")
    end
  end)

  it("is the same after a kill", function()
    reserve(4, { orderTag = "SO-1" })
    local before = page().Value
    app:restart("kill")
    assert.are.same(before, page().Value)
  end)
end)

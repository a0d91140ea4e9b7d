-- history_spec.lua - GET /history: the journal of one product, place, measure.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"
local tasks = require "tests.support.tasks"

describe("GET /history", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function page(query)
    return expect.ok(app:get("/history?" .. query))
  end

  local function numbers(query)
    local result = {}
    for index, event in ipairs(page(query).events) do
      result[index] = event.number
    end
    return result
  end

  -- All numbers of a history, and how many pages they were on.
  local function follow(query)
    local seen, pages, next_query = {}, 0, query
    while next_query do
      local body = page(next_query)
      pages = pages + 1
      for _, event in ipairs(body.events) do seen[#seen + 1] = event.number end
      next_query = body.nextLink:match("^history%?(.+)$")
      assert(next_query or body.nextLink == "", body.nextLink)
    end
    return seen, pages
  end

  it("is empty for what nothing happened to", function()
    app:put(1)
    expect.body({ status = 200, body = "", json = page("productId=NONE") },
      { events = json.array(), last = 1, nextLink = "" })
  end)

  it("tells the entries that the journal tells", function()
    app:put(5)
    app:put(5, { productId = "OTHER" })
    app:reserve(9)
    local journal, history = app:events(), page("productId=LAMP").events
    assert.are.equal(json.encode(journal[1]), json.encode(history[1]))
    assert.are.equal(json.encode(journal[3]), json.encode(history[2]))
    assert.are.equal("refused", history[2].result)
    assert.are.equal(2, #history)
  end)

  it("is of one product, and of one organization if asked", function()
    app:put(1)
    app:put(1, { organizationId = "other" })
    app:put(1, { productId = "lamp" })
    app:put(1, { productId = "LAMPS" })
    assert.are.same({ 1, 2 }, numbers("productId=LAMP"))
    assert.are.same({ 1 }, numbers("productId=LAMP&organizationId=acme"))
    assert.are.same({ 2 }, numbers("PRODUCTID=LAMP&ORGANIZATIONID=other"))
    assert.are.same({}, numbers("productId=LAMP&organizationId=Acme"))
  end)

  it("is of what lies at or below the dimensions", function()
    local function put(more) app:put(1, { dimensions = json.object(more) }) end
    put { siteId = "10", locationId = "A1" }
    put { siteId = "10", locationId = "A1", ColorId = "red" }
    put { siteId = "10", locationId = "A1", ColorId = "red", SizeId = "L" }
    put { siteId = "10", locationId = "A2", ColorId = "red" }
    put { siteId = "20", locationId = "A1", ColorId = "blue" }
    local cases = {
      [""] = { 1, 2, 3, 4, 5 },
      ["&siteId=10"] = { 1, 2, 3, 4 },
      ["&siteId=10&locationId=A1"] = { 1, 2, 3 },
      ["&locationid=A1&COLORID=red"] = { 2, 3 },
      ["&ColorId=red"] = { 2, 3, 4 },
      ["&ColorId=Red"] = {},
      ["&siteId=10&SizeId=L"] = { 3 },
      ["&siteId=10&SizeId="] = { 1, 2, 3, 4 },
      ["&siteId=30"] = {},
    }
    for query, wanted in pairs(cases) do
      assert.are.same(wanted, numbers("productId=LAMP" .. query), query)
    end
  end)

  it("is of those that touch a measure, or what it is made of", function()
    app:put(9)
    app:reserve(4)
    app:reserve(90)
    expect.ok(app:post("/onhand", app:event { till = { sold = 2 } }))
    expect.ok(app:post("/onhand",
      app:event { wms = { unrestricted = 1 }, till = { sold = 1 } }))
    local cases = {
      ["wms.unrestricted"] = { 1, 5 },
      ["iv.softreserved"] = { 2 },
      ["IV.SoftReserved"] = { 2 },
      ["till.sold"] = { 4, 5 },
      ["wms.blocked"] = {},
      ["iv.availabletoreserve"] = { 1, 2, 4, 5 },
    }
    for measure, wanted in pairs(cases) do
      assert.are.same(wanted,
        numbers("productId=LAMP&measure=" .. measure), measure)
    end
    expect.invalid(app:get("/history?productId=LAMP&measure=wms.lost"),
      "unknown_measure", "measure")
    expect.invalid(app:get("/history?productId=LAMP&measure=wms"),
      "invalid_field", "measure")
  end)

  it("goes page by page, and no link leads to nothing", function()
    for index = 1, 9 do
      app:put(1, { productId = index % 3 == 0 and "OTHER" or "LAMP" })
    end
    local seen, pages = follow("productId=LAMP&limit=2")
    assert.are.same({ 1, 2, 4, 5, 7, 8 }, seen)
    assert.are.equal(3, pages)
    assert.are.equal(9, page("productId=LAMP&limit=2").last)
    assert.are.same({ 5, 7, 8 }, numbers("productId=LAMP&after=4"))
    assert.are.same({}, numbers("productId=LAMP&after=900"))
  end)

  -- Whoever follows the numbers while others write gets every entry once, in
  -- order, and the totals add up; the same after a kill.
  it("leaves out nothing while many write, nor after a kill", function()
    local writers, each = 6, 50
    local running = writers
    local bodies, followed = {}, {}
    for writer = 1, writers do
      bodies[writer] = function()
        local connection = http.connect(app.server.port)
        for turn = 1, each do
          local body = app:event({ wms = { unrestricted = 1 } }, {
            id = ("w%d-%d"):format(writer, turn),
            productId = writer % 2 == 0 and "LAMP" or "OTHER" })
          App.decode(connection:request(app:build("POST", "/onhand", body)))
        end
        connection:close()
        running = running - 1
      end
    end
    bodies[#bodies + 1] = function()
      local connection = http.connect(app.server.port)
      local after, more = 0, true
      while more do
        more = running > 0
        local reply = App.decode(connection:request(app:build("GET",
          "/history?productId=LAMP&limit=7&after=" .. after)))
        for _, event in ipairs(reply.json.events) do
          assert.is_true(event.number > after)
          after = event.number
          followed[#followed + 1] = event
          more = true
        end
      end
      connection:close()
    end
    tasks.run(bodies)
    assert.are.equal(writers // 2 * each, #followed)
    for index, event in ipairs(followed) do
      assert.are.equal(index, event.totals["wms.unrestricted"])
    end
    app:restart("kill")
    local seen = follow("productId=LAMP&limit=40")
    assert.are.equal(#followed, #seen)
    for index, number in ipairs(seen) do
      assert.are.equal(followed[index].number, number)
    end
  end)

  it("asks for the next page with the same filters", function()
    local strange = "A&B=%\195\169 +/?"
    local query = "productId=A%26B%3D%25%C3%A9%20%2B%2F%3F"
      .. "&siteId=10&measure=wms.unrestricted"
    for _ = 1, 3 do
      app:put(1, { productId = strange })
      app:put(1, { productId = "OTHER" })
    end
    local seen, pages = follow(query .. "&limit=1")
    assert.are.same({ 1, 3, 5 }, seen)
    assert.are.equal(3, pages)
  end)

  it("reads so much of the journal for a page, and goes on there", function()
    App.finish(app)
    app = App.start { server = { limits = { historyEntries = 10 } } }
    for index = 1, 45 do
      app:put(1, { productId = index % 20 == 0 and "RARE" or "LAMP" })
    end
    local seen, pages = follow("productId=RARE")
    assert.are.same({ 20, 40 }, seen)
    assert.are.equal(5, pages)
    assert.are.equal("history?after=10&limit=100&productId=RARE",
      page("productId=RARE").nextLink)
    assert.are.equal("", page("productId=RARE&after=40").nextLink)
  end)

  it("shows 100 when nothing is said, up to 1000 when asked", function()
    local lines = {}
    for index = 1, 300 do
      lines[index] = app:event { wms = { unrestricted = 1 } }
    end
    app:post("/onhand/bulk", lines)
    assert.are.equal(100, #page("productId=LAMP").events)
    assert.are.equal(300, #page("productId=LAMP&limit=1000").events)
    assert.are.same({ 300 }, numbers("productId=LAMP&after=299"))
  end)

  it("needs a product", function()
    for _, query in ipairs { "", "?", "?organizationId=acme", "?productId=" } do
      expect.invalid(app:get("/history" .. query), "missing_field",
        "productId")
    end
  end)

  it("refuses what it does not know", function()
    local function refuse(query, word, field)
      expect.invalid(app:get("/history?productId=LAMP&" .. query), word, field)
    end
    refuse("shelf=1", "unknown_dimension", "shelf")
    refuse("siteId=10&SITEID=20", "duplicate_dimension", "SITEID")
    refuse("limit=0", "invalid_field", "limit")
    refuse("limit=1001", "invalid_field", "limit")
    refuse("after=-1", "invalid_field", "after")
    refuse("organizationId=" .. ("x"):rep(101), "too_long", "organizationId")
    expect.ok(app:call("HEAD", "/HISTORY/?productId=LAMP"))
  end)
end)

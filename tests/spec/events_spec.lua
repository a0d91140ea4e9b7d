-- events_spec.lua - GET /events: the journal in pages.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("GET /events", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function page(query)
    return expect.ok(app:get("/events" .. (query or "")))
  end

  local function put_many(count)
    for index = 1, count do app:put(1, { id = "e-" .. index }) end
  end

  it("is empty at first", function()
    expect.body({ status = 200, body = "", json = page() },
      { events = json.array(), last = 0, nextLink = "" })
  end)

  it("tells what a command did", function()
    app:put(9, { id = "e", dimensions = App.place { ColorId = "red" } })
    local red = App.place { ColorId = "red" }
    local record = expect.ok(app:reserve(4,
      { id = "r", dimensions = red })).reservationId
    app:reserve(6, { id = "no", dimensions = red })
    app:unreserve(record, 1, { id = "u", dimensions = red })
    local key = {
      organizationId = "acme", productId = "LAMP", actor = "anonymous",
      dimensions = { siteid = "10", locationid = "A1", ColorId = "red" },
      at = { ["$type"] = "string", ["$contains"] = { "T", "Z" } },
      requestId = { ["$any"] = true },
    }
    local expected = {
      { number = 1, operation = "post", id = "e", result = "success",
        code = "", deltas = { ["wms.unrestricted"] = 9 },
        totals = { ["wms.unrestricted"] = 9 } },
      { number = 2, operation = "reserve", id = "r", result = "success",
        deltas = { ["iv.softreserved"] = 4 },
        totals = { ["iv.softreserved"] = 4 } },
      { number = 3, operation = "reserve", id = "no", result = "refused",
        code = "insufficient_available", message = { ["$any"] = true } },
      { number = 4, operation = "unreserve", id = "u", result = "success",
        deltas = { ["iv.softreserved"] = -1 },
        totals = { ["iv.softreserved"] = 3 } },
    }
    local events = page().events
    for index, event in ipairs(expected) do
      for name, value in pairs(key) do event[name] = value end
      expect.body({ status = 200, body = json.encode(events[index] or {}),
        json = events[index] }, event)
    end
    assert.are.same({}, events[3].deltas)
    assert.are.equal(4, #events)
  end)

  it("carries the correlation id of the request", function()
    local reply = app:post("/onhand", app:event { wms = { blocked = 1 } })
    assert.are.equal(reply.headers["x-ms-correlation-id"],
      page().events[1].requestId)
  end)

  it("has no entry for what was not a command", function()
    app:put(5, { id = "e" })
    app:put(5, { id = "e" })
    app:post("/onhand", app:event({ wms = { unrestricted = 6 } }, { id = "e" }))
    app:post("/onhand", app:event { wms = { lost = 1 } })
    app:post("/onhand", nil, { raw = "{" })
    app:query()
    app:get("/configuration")
    assert.are.equal(1, #page().events)
    assert.are.equal(1, page().last)
  end)

  it("calls a part a part", function()
    app:put(5)
    app:reserve(9, { allowPartial = true })
    local event = page("?after=1").events[1]
    assert.are.equal("partialSuccess", event.result)
    assert.are.equal(5, event.deltas["iv.softreserved"])
  end)

  it("goes page by page", function()
    put_many(7)
    local seen, query = {}, "?after=0&limit=3"
    local pages = 0
    while query do
      local body = page(query)
      pages = pages + 1
      for _, event in ipairs(body.events) do seen[#seen + 1] = event.number end
      assert.are.equal(7, body.last)
      query = body.nextLink:match("^events(%?.+)$")
    end
    assert.are.same({ 1, 2, 3, 4, 5, 6, 7 }, seen)
    assert.are.equal(3, pages)
    assert.are.equal("events?after=3&limit=3", page("?limit=3").nextLink)
    assert.are.same(json.array(), page("?after=7").events)
    assert.are.same(json.array(), page("?after=700").events)
  end)

  it("shows 100 when nothing is said, up to 1000 when asked", function()
    local lines = {}
    for index = 1, 512 do
      lines[index] = app:event { wms = { unrestricted = 1 } }
    end
    app:post("/onhand/bulk", lines)
    for index = 1, 512 do lines[index].id = "again-" .. index end
    app:post("/onhand/bulk", lines)
    assert.are.equal(100, #page().events)
    assert.are.equal(1000, #page("?limit=1000").events)
    assert.are.equal("events?after=1000&limit=1000",
      page("?limit=1000").nextLink)
    assert.are.equal("", page("?after=24&limit=1000").nextLink)
  end)

  it("refuses limits and starts that cannot be", function()
    for _, query in ipairs {
      "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "after=-1",
      "after=x", "after=1.5",
    } do
      expect.invalid(app:get("/events?" .. query), "invalid_field")
    end
    expect.ok(app:get("/events?limit=1"))
    expect.ok(app:get("/EVENTS/?LIMIT=1&AFTER=0"))
  end)

  it("goes on without a gap after stop and kill", function()
    put_many(2)
    app:restart("kill")
    app:put(1)
    app:restart("stop")
    app:put(1)
    local events = page().events
    for index, event in ipairs(events) do
      assert.are.equal(index, event.number)
    end
    assert.are.equal(4, #events)
  end)
end)

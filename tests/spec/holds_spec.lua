-- holds_spec.lua - reservations that end at their instant.

local App = require "tests.support.app"
local Clock = require "tests.conformance.clock"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local process = require "tests.support.process"

local START = "2031-05-05T10:00:00Z"

-- What holds are told by, far beyond any test.
local LATER = "2099-01-01T00:00:00Z"

describe("a hold", function()
  local app, clock

  after_each(function() App.finish(app) end)

  -- Start under a clock that is ours; the first stock is `quantity`.
  local function start(quantity, options)
    if not Clock.available() then pending("libfaketime is not installed") end
    options = options or {}
    options.stopped = true
    app = App.start(options)
    clock = Clock.new(START, app.server.root)
    app.server.options.environment = clock:environment()
    app.server:start()
    app:put(quantity or 20)
  end

  -- Every timer of the server jumps with its clock, those of connections too.
  local function move(text)
    clock:move(text)
    app:disconnect()
  end

  local function hold(quantity, more)
    return expect.ok(app:reserve(quantity, more))
  end

  local function ask(more)
    local body = app:event({}, more)
    body.id, body.quantities = nil, nil
    return expect.ok(app:post("/availability", body)).available
  end

  local function held(query)
    return expect.ok(app:get("/reservations" .. (query or ""))).Value
  end

  it("says when it ends, however that was asked for", function()
    start()
    local cases = {
      { "2031-05-05T14:00:00Z", "2031-05-05T14:00:00Z" },
      { "2031-05-05T16:00:00+02:00", "2031-05-05T14:00:00Z" },
      { "2031-05-04T23:30:00-11:30", "2031-05-05T11:00:00Z" },
      { "2031-05-05t14:00:00.250z", "2031-05-05T14:00:00.250Z" },
      { "2031-05-05T14:00:00.0009Z", "2031-05-05T14:00:00Z" },
      { "2032-02-29T00:00:00Z", "2032-02-29T00:00:00Z" },
      { "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z" },
    }
    for _, case in ipairs(cases) do
      local body = hold(1, { expiresAt = case[1] })
      assert.are.equal(case[2], body.expiresAt)
      assert.are.equal(1, body.quantity)
    end
    local body = hold(1, { ttlSeconds = "3600" })
    assert.is_truthy(body.expiresAt:find("^2031%-05%-05T11:0%d:%d%d[%.%d]*Z$"),
      body.expiresAt)
    assert.is_nil(hold(1).expiresAt)
    assert.is_nil(hold(1, { expiresAt = json.null }).expiresAt)
  end)

  it("is not made of what is no time in the future", function()
    start()
    for _, text in ipairs {
      "tomorrow", "", "2031-05-05", "2031-05-05T25:00:00Z",
      "2031-02-29T00:00:00Z", "2031-05-05T14:00:00Zulu",
      "2031-05-05T14:00:00+25:00", "20310505T140000Z", "2031-05-05T10:00:00Z",
      "2031-05-05T11:59:59+02:00", "2001-01-01T00:00:00Z",
      "1970-01-01T00:00:00Z", "1960-01-01T00:00:00Z", 1900000000, true,
    } do
      expect.invalid(app:reserve(1, { expiresAt = text }), "invalid_field",
        "expiresAt")
    end
    for _, seconds in ipairs { 0, -1, 1.5, "soon", true, 1e12, 1e300 } do
      expect.invalid(app:reserve(1, { ttlSeconds = seconds }), "invalid_field",
        "ttlSeconds")
    end
    expect.invalid(app:reserve(1, { ttlSeconds = 5, expiresAt = LATER }),
      "conflicting_fields")
    assert.are.same({}, held())
  end)

  it("is a record of its own", function()
    start()
    local seen = {}
    for _ = 1, 3 do
      local record = hold(1, { expiresAt = LATER, orderTag = "CART" })
      assert.is_nil(seen[record.reservationId])
      seen[record.reservationId] = true
    end
    assert.is_nil(seen[hold(1, { orderTag = "CART" }).reservationId])
    assert.are.equal(4, #held("?orderTag=CART"))
    assert.are.equal(16, ask())
  end)

  it("is answered the same when it is sent again, ended or not", function()
    start()
    local body = app:reservation(12, { id = "h", ttlSeconds = 3600 })
    local timed = app:reservation(3,
      { id = "t", expiresAt = "2031-05-05T10:30:00Z" })
    local first = expect.ok(app:post("/onhand/reserve", body))
    local second = expect.ok(app:post("/onhand/reserve", timed))
    local function again()
      assert.are.same(first, expect.ok(app:post("/onhand/reserve", body)))
      assert.are.same(second, expect.ok(app:post("/onhand/reserve", timed)))
      timed.expiresAt = "2031-05-05T12:30:00+02:00"
    end
    again()
    move("+5h")
    again()
    again()
    assert.are.equal(20, ask())
    body.ttlSeconds = 3601
    expect.conflict(app:post("/onhand/reserve", body))
    body.ttlSeconds = nil
    expect.conflict(app:post("/onhand/reserve", body))
  end)

  -- Each of these must not count it, and none may rely on another's sweep.
  local READERS = {
    ["an availability"] = function() assert.are.equal(20, ask()) end,
    ["a query"] = function()
      assert.are.equal(0, app:total("iv.softreserved"))
    end,
    ["the list"] = function() assert.are.same({}, held()) end,
    ["a reservation"] = function() expect.ok(app:reserve(20)) end,
    ["a reversal"] = function(record)
      expect.not_found(app:unreserve(record, 1), "unknown_reservation")
    end,
    ["a dry run"] = function()
      expect.ok(app:post("/onhand/reserve?dryRun=true", app:reservation(20)))
    end,
  }

  for name, read in pairs(READERS) do
    it("is over for " .. name .. " at its instant", function()
      start()
      local record = hold(12, { ttlSeconds = 3600 }).reservationId
      move("+59m")
      assert.are.equal(8, ask())
      move("+61s")
      read(record)
    end)
  end

  it("is over without anybody asking, and the journal tells", function()
    app = App.start()
    app:put(20)
    local body = hold(12, { ttlSeconds = 1 })
    assert.are.equal(2, #app:events())
    local ended = process.await(20, function() return app:events()[3] end)
    expect.body({ status = 200, body = json.encode(ended), json = ended }, {
      number = 3, operation = "expire", actor = "system", id = "",
      organizationId = "acme", productId = "LAMP", result = "success",
      dimensions = { siteid = "10", locationid = "A1" },
      deltas = { ["iv.softreserved"] = -12 },
      totals = { ["iv.softreserved"] = 0 },
    })
    assert.is_true(ended.at >= body.expiresAt:gsub("%.%d+Z$", "Z"))
  end)

  it("leaves nothing to end when it was given back", function()
    start()
    local whole = hold(5, { ttlSeconds = 600 }).reservationId
    local part = hold(5, { ttlSeconds = 600 }).reservationId
    expect.ok(app:unreserve(whole, 5))
    expect.ok(app:unreserve(part, 2))
    assert.are.equal(17, ask())
    move("+1h")
    assert.are.equal(20, ask())
    local events = app:events(5)
    assert.are.equal(1, #events)
    assert.are.equal(-3, events[1].deltas["iv.softreserved"])
    expect.not_found(app:unreserve(whole, 1), "unknown_reservation")
    expect.not_found(app:unreserve(part, 1), "unknown_reservation")
    app:verify()
  end)

  it("may be one line of a bulk or of a basket", function()
    start()
    local function line(id, quantity, seconds)
      return app:reservation(quantity, { id = id, ttlSeconds = seconds })
    end
    local reply = app:post("/onhand/reserve/bulk", json.array {
      line("a1", 6, 60), line("a2", 6), line("a3", 6, 0), line("a4", 9, 60),
    })
    expect.buckets(reply, { success = { "a1", "a2" }, failure = { "a3", "a4" } })
    assert.is_truthy(reply.json.success[1].expiresAt)
    assert.is_nil(reply.json.success[2].expiresAt)
    assert.are.equal("ttlSeconds", reply.json.failure[1].field)
    local function basket(lines)
      return app:post("/onhand/reserve/bulk?atomic=true", json.array(lines))
    end
    expect.status(basket { line("b1", 1, 60), line("b2", 1, 0) }, 400)
    expect.status(basket { line("c1", 5, 60), line("c2", 4) }, 409)
    assert.are.equal(8, ask())
    expect.buckets(basket { line("d1", 5, 60), line("d2", 3) }, { success = 2 })
    assert.are.equal(0, ask())
    move("+2m")
    assert.are.equal(11, ask())
  end)

  it("is listed with its end, and by it", function()
    start()
    hold(1)
    hold(2, { expiresAt = "2031-05-05T12:00:00.500Z" })
    hold(3, { expiresAt = "2031-05-05T13:00:00Z" })
    local function quantities(text)
      local found = {}
      for _, record in ipairs(held("?expiresBefore=" .. text)) do
        found[#found + 1] = record.quantity
        assert.is_truthy(record.expiresAt:find("^2031%-05%-05T1[23]:00:00"))
      end
      table.sort(found)
      return found
    end
    assert.are.same({}, quantities("2031-05-05T12:00:00Z"))
    assert.are.same({}, quantities("2031-05-05T12:00:00.500Z"))
    assert.are.same({ 2 }, quantities("2031-05-05T12:00:00.501Z"))
    assert.are.same({ 2 }, quantities("2031-05-05T13:00:00Z"))
    assert.are.same({ 2, 3 }, quantities("2031-05-05T15:00:01%2B02:00"))
    local all = {}
    for _, record in ipairs(held("?expiresBefore=")) do
      all[record.quantity] = record.expiresAt
    end
    assert.are.same({ [1] = json.null, [2] = "2031-05-05T12:00:00.500Z",
      [3] = "2031-05-05T13:00:00Z" }, all)
    expect.invalid(app:get("/reservations?expiresBefore=noon"),
      "invalid_field", "expiresBefore")
  end)

  it("ends with many others at once", function()
    start(5000)
    for batch = 1, 3 do
      local lines = {}
      for index = 1, 400 do
        lines[index] = app:reservation(1,
          { ttlSeconds = 600, orderTag = batch .. "-" .. index })
      end
      expect.buckets(app:post("/onhand/reserve/bulk", json.array(lines)),
        { success = 400 })
    end
    assert.are.equal(3800, ask())
    move("+11m")
    assert.are.equal(5000, ask())
    assert.are.same({}, held())
    app:verify()
  end)

  it("outlives a stop and a kill, and ends while the server is down", function()
    start()
    local short = hold(4, { ttlSeconds = 600 }).reservationId
    hold(5, { ttlSeconds = 7200 })
    for _, how in ipairs { "stop", "kill" } do
      app:restart(how)
      assert.are.equal(11, ask())
    end
    app:disconnect()
    app.server:kill()
    clock:move("+1h")
    app.server:start()
    expect.not_found(app:unreserve(short, 1), "unknown_reservation")
    assert.are.equal(15, ask())
    app:restart("kill")
    assert.are.equal(15, ask())
    move("+2h")
    assert.are.equal(20, ask())
    app:restart("kill")
    assert.are.equal(20, ask())
    local expired = 0
    for _, event in ipairs((app:events())) do
      if event.operation == "expire" then expired = expired + 1 end
    end
    assert.are.equal(2, expired)
    app:verify()
  end)

  it("lasts longer when the clock is put back, and nothing hangs", function()
    start()
    hold(12, { ttlSeconds = 3600 })
    move("-5h")
    assert.are.equal(8, ask())
    expect.ok(app:reserve(1, { ttlSeconds = 60 }))
    move("+5h")
    assert.are.equal(8, ask())
    move("+61m")
    assert.are.equal(20, ask())
    move("-10h")
    assert.are.equal(20, ask())
    hold(3, { ttlSeconds = 60 })
    assert.are.equal(17, ask())
    move("+2m")
    assert.are.equal(20, ask())
    app:verify()
  end)
end)

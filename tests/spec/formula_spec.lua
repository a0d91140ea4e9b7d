-- formula_spec.lua - calculated measures of plugins, in queries and checks.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local metrics = require "tests.support.metrics"
local plugins = require "tests.support.plugins"
local rows = require "tests.support.rows"

local ONHAND = "return m.wms.unrestricted + m.till.returned - m.till.sold"

-- One tenth of what is on hand, in whole units, is kept back.
local KEEPING = "local onhand = m.iv.onhand "
  .. "local kept = onhand > 0 and math.floor(onhand / 10) or 0 "
  .. "return onhand - kept - m.iv.softreserved"

local FORMULAS = {
  ["iv.onhand"] = ONHAND,
  ["iv.availabletoreserve"] = KEEPING,
}

-- The usual formulas with some replaced or added, as one plugin named shop.
local function shop(more, options)
  return plugins.text("shop", json.merge(json.object(FORMULAS),
    json.object(more)), options)
end

local function start(more, options)
  return plugins.start({ shop = shop(more) }, options)
end

local function kinds(app)
  local found = {}
  for _, formula in ipairs(plugins.list(app).plugins[1].formulas) do
    found[formula.measure] = formula.kind
  end
  return found
end

describe("formulas", function()
  local app

  after_each(function() App.finish(app) end)

  local function put(quantities, more)
    expect.ok(app:post("/onhand", app:event(quantities, more)))
  end

  local function row(filters, groups)
    local list = app:rows { filters = filters,
      groupByValues = json.array(groups or {}) }
    assert.are.equal(1, #list, json.encode(list))
    return list[1]
  end

  -- Linear, tree and Lua over the same numbers.
  local THREE = {
    ["report.sum"] = "return 2 * m.wms.unrestricted - m.wms.blocked + 1.5",
    ["report.cap"] = "return math.max(0, math.min(m.wms.unrestricted, 50)) "
      .. "- m.wms.blocked",
    ["report.part"] = "return m.wms.unrestricted // 4 + m.wms.blocked * "
      .. "m.wms.blocked",
  }

  local function expected(unrestricted, blocked)
    return {
      ["report.sum"] = 2 * unrestricted - blocked + 1.5,
      ["report.cap"] = math.max(0, math.min(unrestricted, 50)) - blocked,
      ["report.part"] = unrestricted // 4 + blocked * blocked,
    }
  end

  local function check_levels(server)
    app = start(THREE, { server = server, patch = { ringfence = {
      plugins = { "shop" },
      levels = { { "SiteId" }, json.array(), { "StyleId" } } } } })
    local stock = {}
    for index = 1, 24 do
      local entry = {
        unrestricted = index * 7 % 23, blocked = index % 3,
        place = { siteId = index % 2 == 0 and "10" or "20",
          locationId = "A" .. index % 3, ColorId = index % 4 < 2 and "red"
            or "blue", SizeId = "S" .. index % 2, BatchId = "b" .. index % 5,
          StyleId = "y" .. index % 2 },
      }
      stock[index] = entry
      put({ wms = { unrestricted = entry.unrestricted,
        blocked = entry.blocked } }, { dimensions = entry.place })
    end
    for _, groups in ipairs { {}, { "ColorId" }, { "ColorId", "SizeId" },
      { "BatchId" }, { "StyleId" }, { "SizeId", "StyleId", "BatchId" } } do
      local list = app:rows { groupByValues = json.array(groups),
        filters = App.filters { siteId = json.null, locationId = json.null } }
      assert.is_true(#list > 0)
      for _, found in ipairs(list) do
        local unrestricted, blocked = 0, 0
        for _, entry in ipairs(stock) do
          local fits = entry.place.siteId == found.dimensions.siteid
            and entry.place.locationId == found.dimensions.locationid
          for _, name in ipairs(groups) do
            fits = fits and entry.place[name] == found.dimensions[name]
          end
          if fits then
            unrestricted = unrestricted + entry.unrestricted
            blocked = blocked + entry.blocked
          end
        end
        rows.check_quantities(found, expected(unrestricted, blocked))
      end
    end
  end

  it("come to the same at every level as over its totals", function()
    check_levels()
    assert.are.same({ ["iv.onhand"] = "linear",
      ["iv.availabletoreserve"] = "lua", ["report.sum"] = "linear",
      ["report.cap"] = "tree", ["report.part"] = "lua" }, kinds(app))
  end)

  it("come to the same when nothing is compiled", function()
    check_levels { plugins = { compile = false } }
    for measure, kind in pairs(kinds(app)) do
      assert.are.equal("lua", kind, measure)
    end
  end)

  it("show what they read; sums only where they read something", function()
    app = start(THREE)
    put({ till = { returned = 4 } })
    local found = row()
    rows.check_quantities(found, {
      ["till.returned"] = 4, ["iv.onhand"] = 4, ["report.cap"] = 0,
      ["report.sum"] = json.null, ["report.part"] = 0,
    })
    -- zeros of the formulas that are shown
    for name in pairs { ["wms.unrestricted"] = 1, ["wms.blocked"] = 1,
      ["till.sold"] = 1, ["iv.softreserved"] = 1 } do
      assert.are.equal(0, rows.measure(found, name), name)
    end
    assert.are.equal(0, rows.measure(found, "report.part"))
    assert.is_nil(rows.measure(found, "fno.onordered"))
  end)

  it("are exact when native, rounded to even when in Lua", function()
    app = start {
      ["report.sum"] = "return m.wms.unrestricted + m.wms.blocked",
      ["report.part"] = "return m.wms.unrestricted / 8",
      ["report.half"] = "return m.wms.blocked / 2",
    }
    put({ wms = { unrestricted = 0.1, blocked = 0.2 } })
    rows.check_quantities(row(), { ["report.sum"] = 0.3,
      ["report.part"] = 0.0125, ["report.half"] = 0.1 })
    -- halves of a millionth
    put({ wms = { blocked = 0.000001 - 0.2 } })
    rows.check_quantities(row(), { ["report.half"] = 0 })
    put({ wms = { blocked = 0.000002 } })
    rows.check_quantities(row(), { ["report.half"] = 0.000002 })
  end)

  it("use each other, native over Lua and back", function()
    app = start {
      ["report.a"] = "return m.report.b + m.wms.picked",         -- over Lua
      ["report.b"] = "return m.report.c // 2",                   -- Lua
      ["report.c"] = "return math.max(m.report.d, m.till.net)",  -- native
      ["report.d"] = "return m.report.e * m.report.e",           -- Lua
      ["report.e"] = "return m.wms.unrestricted - 1",            -- native
    }
    put({ wms = { unrestricted = 6, picked = 3 }, till = { returned = 10 } })
    rows.check_quantities(row(), { ["report.e"] = 5, ["report.d"] = 25,
      ["report.c"] = 25, ["report.b"] = 12, ["report.a"] = 15 })
    put({ till = { returned = 90 } })
    rows.check_quantities(row(), { ["report.c"] = 100, ["report.b"] = 50,
      ["report.a"] = 53 })
    local found = kinds(app)
    assert.are.equal("linear", found["report.e"])
    assert.are.equal("lua", found["report.a"])
  end)

  it("may stand in a document's formulas, and use those", function()
    app = start({ ["report.kept"] = "return m.report.sellable // 10" }, {
      patch = { inventorySystemConfigurations = { report = {
        calculatedMeasures = { left = {
          additionModifiers = { "report.sellable" },
          subtractionModifiers = { "report.kept" } } } } } } })
    put({ wms = { unrestricted = 75 } })
    rows.check_quantities(row(), { ["report.sellable"] = 75,
      ["report.kept"] = 7, ["report.left"] = 68 })
  end)

  describe("that look at ctx", function()
    it("see organization, product and dimensions", function()
      app = start {
        ["report.here"] = "local d = ctx.dimensions "
          .. "local here = d.SiteId == '10' and d.locationid == 'A1' "
          .. "return (here and 1 or 0) + (d.ColorId == 'red' and 10 or 0) "
          .. "+ (d.SizeId == '' and 100 or 0) "
          .. "+ (ctx.product == 'LAMP' and 1000 or 0) "
          .. "+ (ctx.organization == 'acme' and 10000 or 0)",
      }
      put({ wms = { unrestricted = 5 } },
        { dimensions = App.place { ColorId = "red", SizeId = "S" } })
      put({ wms = { unrestricted = 5 } }, { productId = "CUP",
        dimensions = { siteId = "20", locationId = "A1" } })
      local function here(filters, groups)
        return rows.measure(row(filters, groups), "report.here")
      end
      assert.are.equal(11101, here())
      assert.are.equal(11111, here(nil, { "ColorId" }))
      assert.are.equal(11011, here(nil, { "ColorId", "SizeId" }))
      -- a filter for one value says as much as a group
      assert.are.equal(11111, here(App.filters { ColorId = { "red" } }))
      assert.are.equal(11101,
        here(App.filters { ColorId = { "red", "blue" } }))
      assert.are.equal(10100, here(App.filters { productId = { "CUP" },
        siteId = { "20" } }))
    end)

    it("decide reservations by their own dimensions", function()
      app = start { ["iv.availabletoreserve"] =
        "local kept = ctx.dimensions.ColorId == 'red' and 3 or 0 "
          .. "return m.iv.onhand - m.iv.softreserved - kept" }
      for _, color in ipairs { "red", "blue" } do
        put({ wms = { unrestricted = 10 } },
          { dimensions = App.place { ColorId = color } })
      end
      local function reserve(color, quantity)
        return app:reserve(quantity,
          { dimensions = App.place { ColorId = color } })
      end
      expect.refused(reserve("red", 8), "insufficient_available", 7)
      expect.ok(reserve("red", 7))
      expect.ok(reserve("blue", 10))
      expect.refused(reserve("red", 1), "insufficient_available", 0)
    end)

    it("see the time, the same in all rows of an answer", function()
      app = start { ["report.time"] = "return ctx.time",
        ["report.day"] = "return tonumber(string.sub(ctx.date, 9, 10))" }
      for index = 1, 30 do
        put({ wms = { unrestricted = 1 } },
          { dimensions = App.place { ColorId = "c" .. index } })
      end
      local before = os.time()
      local list = app:rows { groupByValues = { "ColorId" } }
      local after = os.time()
      local time = rows.measure(list[1], "report.time")
      assert.are.equal(30, #list)
      assert.is_true(time >= before and time <= after)
      for _, found in ipairs(list) do
        assert.are.equal(time, rows.measure(found, "report.time"))
        assert.are.equal(tonumber(os.date("!%d", math.tointeger(time) or
          math.floor(time))), rows.measure(found, "report.day"))
      end
    end)

    it("know the groups, which are empty for stock", function()
      app = start { ["report.group"] =
        "return ctx.groups.channel == '' and ctx.groups.Country == '' and 1 or 2" }
      put({ wms = { unrestricted = 1 } })
      assert.are.equal(1, app:total("report.group"))
      local reply = plugins.put(app, "shop", shop {
        ["report.group"] = "return ctx.groups.nothing == '' and 1 or 2" })
      expect.invalid(reply, "plugin_failed")
    end)
  end)

  describe("in checks", function()
    before_each(function()
      app = start()
      put({ wms = { unrestricted = 45 }, till = { sold = 6 } },
        { dimensions = App.place { ColorId = "oak", SizeId = "L" } })
      put({ wms = { unrestricted = 16 } },
        { dimensions = App.place { ColorId = "ash" } })
    end)

    local function reserve(quantity, coordinates, more)
      more = more or {}
      more.dimensions = App.place(coordinates)
      return app:reserve(quantity, more)
    end

    it("hold at the request's own level and at every one above", function()
      expect.refused(reserve(37, { ColorId = "oak" }),
        "insufficient_available", 36)
      expect.ok(reserve(36, { ColorId = "oak" }))
      -- the totals of the place are the narrower bound now
      local reply = reserve(15, { ColorId = "ash" })
      expect.refused(reply, "insufficient_available", 14)
      expect.body(reply, { binding = { kind = "level", value = 14,
        level = { "siteid", "locationid" } } })
      expect.ok(reserve(14, { ColorId = "ash" }))
      expect.refused(reserve(1, {}), "insufficient_available", 0)
      assert.are.equal(50, app:total("iv.softreserved"))
      assert.are.equal(0, app:total("iv.availabletoreserve"))
    end)

    it("give what is there when less will do", function()
      local body = expect.ok(reserve(60, {}, { allowPartial = true }))
      expect.body({ status = 200, body = "", json = body },
        { processingStatus = "partialSuccess", quantity = 50 })
      expect.refused(reserve(1, {}, { allowPartial = true }),
        "insufficient_available", 0)
    end)

    it("are left out when the caller says so", function()
      expect.ok(reserve(100, {}, { ifCheckAvailForReserv = false }))
      assert.are.equal(-50, app:total("iv.availabletoreserve"))
    end)

    it("see the lines before them in a basket", function()
      local lines = {}
      for index = 1, 3 do
        lines[index] = app:reservation(20, { dimensions = App.place() })
      end
      local reply = app:post("/onhand/reserve/bulk?atomic=true", lines)
      assert.are.equal(409, reply.status)
      assert.are.equal(0, app:total("iv.softreserved"))
      lines[3] = nil
      expect.buckets(app:post("/onhand/reserve/bulk?atomic=true", {
        app:reservation(20), app:reservation(20), app:reservation(10) }),
        { success = 3 })
    end)

    it("stay with the numbers of their generation", function()
      expect.ok(plugins.put(app, "shop", shop { ["iv.availabletoreserve"] =
        "return m.iv.onhand * 2 - m.iv.softreserved" }))
      expect.ok(reserve(110, {}))
      expect.refused(reserve(1, {}), "insufficient_available", 0)
    end)
  end)
end)

describe("a formula that fails", function()
  local app

  -- Fails in the third line when something was sold, else does not.
  local FRAGILE = "\n\n if m.till.sold > 0 then error('sold out of reach') end "
    .. "return m.wms.unrestricted - m.iv.softreserved"

  before_each(function()
    app = start { ["iv.availabletoreserve"] = FRAGILE }
    app:put(50)
  end)

  after_each(function() App.finish(app) end)

  local function sell(quantity, more)
    expect.ok(app:post("/onhand", app:event({ till = { sold = quantity } },
      more)))
  end

  local function check_error(reply)
    expect.status(reply, 500)
    expect.body(reply, {
      processingStatus = "failure", statusCode = 500, code = "script_error",
      plugin = "shop", ["function"] = "iv.availabletoreserve", line = 6,
      message = { ["$contains"] = { "sold out of reach" } },
    })
  end

  local function last_event()
    return select(2, app:events(0)).last
  end

  it("fails the query that needed it, and no other", function()
    sell(1)
    check_error(app:query())
    assert.are.equal(49, app:total("iv.onhand",
      App.filters { productId = { "OTHER" } }) + 49)
    app:put(3, { productId = "OTHER" })
    assert.are.equal(3, app:total("iv.availabletoreserve",
      App.filters { productId = { "OTHER" } }))
    sell(-1)
    assert.are.equal(50, app:total("iv.availabletoreserve"))
  end)

  it("refuses the reservation, changes nothing and is not remembered",
    function()
      sell(1)
      local before = last_event()
      local request = app:reservation(5)
      for _ = 1, 2 do
        check_error(app:post("/onhand/reserve", request))
      end
      assert.are.equal(before, last_event())
      sell(-1)
      assert.are.equal(50, app:total("iv.availabletoreserve"))
      expect.ok(app:post("/onhand/reserve", request))
      assert.are.equal(5, app:total("iv.softreserved"))
      assert.are.equal(45, app:total("iv.availabletoreserve"))
    end)

  it("does not stand in the way of stock, or of unchecked holds", function()
    sell(1)
    app:put(7)
    expect.ok(app:reserve(1, { ifCheckAvailForReserv = false }))
    sell(-1)
    assert.are.equal(56, app:total("iv.availabletoreserve"))
  end)

  it("fails its lines of a bulk, and any basket", function()
    app:put(9, { productId = "CUP" })
    sell(1)
    local lines = {
      app:reservation(1, { productId = "CUP" }), app:reservation(1),
      app:reservation(2, { productId = "CUP" }),
    }
    local body = expect.buckets(app:post("/onhand/reserve/bulk", lines),
      { success = { lines[1].id, lines[3].id }, failure = { lines[2].id } })
    expect.body({ status = 200, body = "", json = body.failure[1] }, {
      statusCode = 500, code = "script_error", plugin = "shop",
      ["function"] = "iv.availabletoreserve", line = 6 })
    for _, line in ipairs(lines) do line.id = app:unique() end
    local reply = app:post("/onhand/reserve/bulk?atomic=true", lines)
    expect.status(reply, 500)
    expect.buckets(reply, { failure = 3 })
    sell(-1)
    assert.are.equal(3, app:total("iv.softreserved",
      App.filters { productId = { "CUP" } }))
    assert.are.equal(0, app:total("iv.softreserved"))
  end)

  it("is counted by plugin, and logged without a flood", function()
    sell(1)
    for _ = 1, 40 do check_error(app:query()) end
    local page = metrics.parse(app:get("host:/metrics").body)
    assert.are.equal(40, metrics.sum(page, "ringfence_script_errors_total",
      { plugin = "shop" }))
    assert.is_true(plugins.list(app).plugins[1].formulas[1].failures >= 40
      or plugins.list(app).plugins[1].formulas[2].failures >= 40)
    local _, count = app.server:stderr():gsub("a plugin failed", "")
    assert.is_true(count >= 1 and count < 20, count .. " lines")
    assert.is_truthy(app.server:stderr():find("sold out of reach", 1, true))
  end)

  it("must give a number that a quantity can hold", function()
    for _, result in ipairs { "'many'", "nil", "{}", "true", "0/0", "1/0",
      "-1/0", "1e13", "m", "m.wms" } do
      expect.ok(plugins.put(app, "shop", shop { ["iv.availabletoreserve"] =
        "if m.till.sold > 0 then return " .. result .. " end return 1" }))
      sell(1)
      local reply = app:query()
      assert.are.equal(500, reply.status, result .. " " .. reply.body)
      expect.body(reply, { code = "script_error", plugin = "shop",
        ["function"] = "iv.availabletoreserve" })
      sell(-1)
      assert.are.equal(1, app:total("iv.availabletoreserve"))
    end
  end)

  it("is named even when another formula asked for it", function()
    expect.ok(plugins.put(app, "shop", shop {
      ["iv.availabletoreserve"] = "return m.report.inner // 1",
      ["report.inner"] = "if m.till.sold > 0 then error('inner') end return 2",
    }))
    sell(1)
    local reply = app:reserve(1)
    expect.status(reply, 500)
    expect.body(reply, { code = "script_error", plugin = "shop",
      ["function"] = "report.inner", message = { ["$contains"] = { "inner" } } })
  end)

  -- Whatever limit it breaks: 500 each time, and soon it is not asked at all.
  -- It must be a number that is not among the samples of the load, which would
  -- keep such a formula out.
  for name, body in pairs {
    ["loops"] = "while m.till.sold == 4321 do end return 1",
    ["takes memory"] = "local t = {} while m.till.sold == 4321 do "
      .. "t[#t + 1] = { 'x' } end return 1",
    ["calls itself"] = "local function f(x) return f(x) + 1 end "
      .. "if m.till.sold == 4321 then return f(1) end return 1",
  } do
    it("is switched off when it " .. name, function()
      expect.ok(plugins.put(app, "shop", shop {
        ["iv.availabletoreserve"] = body,
        ["report.other"] = "return m.wms.unrestricted // 2" }))
      assert.are.equal(1, app:total("iv.availabletoreserve"))
      sell(4321)
      for _ = 1, 6 do
        local reply = app:reserve(1)
        expect.status(reply, 500)
        expect.body(reply, { code = "script_error", plugin = "shop",
          ["function"] = "iv.availabletoreserve" })
      end
      local off = {}
      for _, formula in ipairs(plugins.list(app).plugins[1].formulas) do
        off[formula.measure] = formula.off
      end
      assert.are.same({ ["iv.onhand"] = false, ["report.other"] = false,
        ["iv.availabletoreserve"] = true }, off)
      assert.is_true(app.server:is_alive())
      -- a new generation begins anew
      expect.ok(plugins.put(app, "shop", shop()))
      sell(-4321)
      assert.are.equal(45, app:total("iv.availabletoreserve"))
      expect.ok(app:reserve(1))
    end)
  end
end)

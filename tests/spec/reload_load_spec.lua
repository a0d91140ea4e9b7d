-- reload_load_spec.lua - formulas swapped a hundred times under full load.
--
-- Version k of a plugin makes `a` k times a number and `b` twice that and k
-- more, so that two values out of different versions cannot pass. Callers
-- query and reserve all the while: no request fails, and every answer is of
-- one version alone, none older than the last one acknowledged before it was
-- asked for.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"
local plugins = require "tests.support.plugins"
local rows = require "tests.support.rows"
local tasks = require "tests.support.tasks"

local SWAPS = 100
local READERS = 5
local WRITERS = 5
local PRODUCTS = 8
local COLORS = { "red", "blue", "green" }

-- One formula is native and one is not; what may be reserved does not change.
local function version(k)
  return plugins.text("twin", {
    ["report.a"] = "return m.wms.unrestricted * K",
    ["report.b"] = "local x = m.wms.unrestricted "
      .. "if x > 0 then return x * K * 2 + K end return K",
    ["iv.onhand"] = "return m.wms.unrestricted",
    ["iv.availabletoreserve"] = "return math.floor(m.iv.onhand) "
      .. "- m.iv.softreserved",
  }, { version = "1." .. k, head = ("local K = %d"):format(k) })
end

describe("reloading under load", function()
  local app

  before_each(function()
    app = plugins.start { twin = version(1) }
    local lines = {}
    for product = 1, PRODUCTS do
      for index, color in ipairs(COLORS) do
        lines[#lines + 1] = app:event(
          { wms = { unrestricted = 1000 * product + index } },
          { productId = "P" .. product,
            dimensions = App.place { ColorId = color } })
      end
    end
    expect.buckets(app:post("/onhand/bulk", lines), { success = #lines })
  end)

  after_each(function() App.finish(app) end)

  -- The version that all rows of an answer are of.
  local function version_of(list)
    local k
    for _, row in ipairs(list) do
      local x = rows.measure(row, "wms.unrestricted")
      local a = rows.measure(row, "report.a")
      local b = rows.measure(row, "report.b")
      local here = a / x
      assert(here == math.floor(here) and here > 0, json.encode(row))
      assert(b == 2 * a + here, json.encode(row))
      assert(k == nil or k == here, "two versions in one answer")
      k = here
    end
    assert(#list == PRODUCTS * #COLORS, #list .. " rows")
    return k
  end

  local function all_products()
    local products = {}
    for product = 1, PRODUCTS do products[product] = "P" .. product end
    return app:build("POST", "/onhand/indexquery", {
      filters = App.filters { productId = products },
      groupByValues = { "ColorId" }, returnNegative = true })
  end

  it("fails no request and mixes no versions", function()
    local sent, acknowledged, done = 1, 1, false
    local answers, seen, reserved = 0, {}, 0

    local function read_on()
      local connection = http.connect(app.server.port)
      while not done do
        local least = acknowledged
        local reply = App.decode(connection:request(all_products()))
        assert(reply.status == 200, reply.body)
        local k = version_of(reply.json)
        assert(k >= least and k <= sent, ("version %d, not %d to %d")
          :format(k, least, sent))
        answers, seen[k] = answers + 1, true
      end
      connection:close()
    end

    local function reserve_on(worker)
      local connection = http.connect(app.server.port)
      local turn = 0
      while not done do
        turn = turn + 1
        local reply = App.decode(connection:request(app:build("POST",
          "/onhand/reserve", app:reservation(1, {
            id = worker .. "-" .. turn,
            productId = "P" .. (worker + turn) % PRODUCTS + 1,
            dimensions = App.place { ColorId = COLORS[turn % #COLORS + 1] },
          }))))
        assert(reply.status == 200, reply.body)
        reserved = reserved + 1
      end
      connection:close()
    end

    local function swap_all()
      local connection = http.connect(app.server.port)
      for k = 2, SWAPS + 1 do
        sent = k
        local reply = App.decode(connection:request {
          method = "PUT", target = app:target("/plugins/twin/plugin.lua"),
          headers = { ["Content-Type"] = "text/x-lua" }, body = version(k) })
        assert(reply.status == 200 and reply.json.changed, reply.body)
        acknowledged = k
      end
      connection:close()
      done = true
    end

    local before = plugins.list(app).generation
    app:disconnect() -- it would be idle for too long
    tasks.times(READERS + WRITERS + 1, function(worker)
      if worker == 1 then return swap_all() end
      if worker <= READERS + 1 then return read_on() end
      return reserve_on(worker)
    end)

    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.is_true(answers > SWAPS and reserved > SWAPS)
    assert.is_true(count > SWAPS / 4, count .. " versions were seen")
    local list = plugins.list(app)
    assert.are.equal(before + SWAPS, list.generation)
    assert.are.equal("1." .. SWAPS + 1, list.plugins[1].version)

    local total = 0
    for product = 1, PRODUCTS do
      total = total + app:total("iv.softreserved",
        App.filters { productId = { "P" .. product } })
    end
    assert.are.equal(reserved, total)
    app:disconnect()
    app.server:stop()
    local status, output, errors = app.server:tool("verify")
    assert.are.equal(0, status, output .. errors)
  end)
end)

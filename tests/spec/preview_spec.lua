-- preview_spec.lua - POST /plugins/preview: what a change would change.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local plugins = require "tests.support.plugins"
local rows = require "tests.support.rows"

local ONHAND = plugins.ONHAND
local safety = plugins.safety

describe("POST /plugins/preview", function()
  local app

  after_each(function() App.finish(app) end)

  local function preview(text, more)
    local body = json.object {
      files = json.object { ["safety/plugin.lua"] = text },
    }
    for key, value in pairs(more or {}) do body[key] = value end
    return app:post("/plugins/preview", body)
  end

  local PLACES = { { "10", "A1" }, { "10", "A2" }, { "20", "A1" } }

  -- Stock of 40 products, of different sizes and at up to three places.
  local function stock()
    local lines = {}
    for product = 1, 40 do
      for index, place in ipairs(PLACES) do
        if product % index == 0 then
          lines[#lines + 1] = app:event({
            wms = { unrestricted = product * 37 % 101 + index / 8 },
            till = { sold = product % 5 },
          }, { productId = ("P%02d"):format(product),
            dimensions = { siteId = place[1], locationId = place[2],
              ColorId = product % 2 == 0 and "red" or "blue" } })
        end
      end
    end
    expect.buckets(app:post("/onhand/bulk", lines), { success = #lines })
    return #lines
  end

  -- product/site/location -> availability, of all products.
  local function availabilities(measure)
    local products, found = {}, {}
    for product = 1, 40 do products[product] = ("P%02d"):format(product) end
    for _, row in ipairs(app:rows { filters = {
      organizationId = { App.ORGANIZATION }, productId = products },
      groupByValues = json.array() }) do
      local key = ("%s/%s/%s"):format(row.productId, row.dimensions.siteid,
        row.dimensions.locationid)
      found[key] = rows.measure(row, measure)
    end
    return found
  end

  it("shows the very numbers of the switch that follows", function()
    app = plugins.start { safety = safety(10) }
    local nodes = stock()
    local measure = "iv.availabletoreserve"
    local before = availabilities(measure)
    local body = expect.ok(preview(safety(25),
      { measure = measure, limit = 1000 }))
    assert.are.equal(plugins.list(app).generation, body.generation)
    assert.are.equal(nodes, body.checked)
    assert.are.same(before, availabilities(measure))
    expect.ok(plugins.put(app, "safety", safety(25)))
    local after = availabilities(measure)
    local changed = 0
    for key, value in pairs(after) do
      if value ~= before[key] then changed = changed + 1 end
    end
    assert.is_true(changed > 20 and changed < nodes)
    assert.are.equal(changed, body.changed)
    assert.are.equal(changed, #body.changes)
    for _, change in ipairs(body.changes) do
      local key = ("%s/%s/%s"):format(change.productId,
        change.dimensions.siteid, change.dimensions.locationid)
      assert.are.equal(measure, change.measure)
      assert.are.equal(before[key], change.before, key)
      assert.are.equal(after[key], change.after, key)
      assert.are.equal(change.after - change.before, change.change, key)
      before[key] = nil
    end
  end)

  it("tells the largest first, and no more than asked for", function()
    app = plugins.start { safety = safety(10) }
    stock()
    local all = expect.ok(preview(safety(60), { limit = 1000 })).changes
    for index = 2, #all do
      local one, two = all[index - 1], all[index]
      local a, b = math.abs(one.change), math.abs(two.change)
      local function place(change)
        return table.concat({ change.productId, change.dimensions.siteid,
          change.dimensions.locationid, change.measure }, "\1")
      end
      assert.is_true(a > b or a == b and place(one) < place(two))
    end
    for _, limit in ipairs { 1, 2, 7, 30 } do
      local body = expect.ok(preview(safety(60), { limit = limit }))
      assert.are.equal(#all, body.changed)
      assert.are.equal(limit, #body.changes)
      for index, change in ipairs(body.changes) do
        assert.are.same(all[index], change)
      end
    end
  end)

  it("looks at every calculated measure when none is named", function()
    app = plugins.start { safety = safety(10) }
    local nodes = stock()
    local body = expect.ok(preview(safety(10)))
    assert.are.equal(0, body.changed)
    assert.are.same(json.array(), body.changes)
    -- till.net, report.sellable, iv.onhand, iv.availabletoreserve and
    -- @iv.@available_to_allocate
    assert.are.equal(nodes * 5, body.checked)
  end)

  it("has no value where only one side knows the measure", function()
    app = plugins.start { safety = safety(10) }
    app:put(80)
    local text = plugins.text("safety", {
      ["iv.onhand"] = ONHAND, ["iv.availabletoreserve"] = "return m.iv.onhand",
      ["report.new"] = "return m.iv.onhand * 2" })
    local body = expect.ok(preview(text, { measure = "Report.NEW" }))
    expect.body({ status = 200, body = "", json = body }, {
      checked = 1, changed = 1, failed = 0,
      changes = { { before = json.null, after = 160, change = json.null,
        measure = "report.new" } },
    })
    expect.ok(plugins.put(app, "safety", text))
    body = expect.ok(preview(safety(10), { measure = "report.new" }))
    expect.body({ status = 200, body = "", json = body }, {
      changes = { { before = 160, after = json.null, change = json.null } },
    })
  end)

  it("counts what the candidate cannot compute", function()
    app = plugins.start { safety = safety(10) }
    app:put(80)
    app:put(13, { productId = "BOLT" })
    local body = expect.ok(preview(plugins.text("safety", {
      ["iv.onhand"] = ONHAND,
      ["iv.availabletoreserve"] = "if m.iv.onhand == 13 then error('unlucky') end "
        .. "return m.iv.onhand" }), { measure = "iv.availabletoreserve" }))
    expect.body({ status = 200, body = "", json = body }, {
      checked = 2, changed = 2, failed = 1,
      changes = {
        { productId = "BOLT", before = 12, after = json.null,
          afterCode = "script_error", change = json.null },
        { productId = App.PRODUCT, before = 72, after = 80, change = 8 },
      },
    })
  end)

  it("goes by product where the partition does", function()
    app = plugins.start({ safety = safety(10) }, { config = "by-product.json",
      patch = { inventorySystemConfigurations = { iv = {
        calculatedMeasures = json.null } } , scheduleConfiguration = json.null } })
    app:put(40)
    app:put(60, { dimensions = { siteId = "20", locationId = "B" } })
    local body = expect.ok(preview(safety(25),
      { measure = "iv.availabletoreserve" }))
    assert.are.equal(1, body.checked)
    assert.are.same(json.object(), body.changes[1].dimensions)
    expect.body({ status = 200, body = "", json = body.changes[1] },
      { before = 90, after = 75, change = -15 })
  end)

  it("publishes nothing, whatever it is given", function()
    app = plugins.start { safety = safety(10) }
    app:put(80)
    local before = plugins.list(app)
    expect.ok(preview(safety(50)))
    for _, case in ipairs(plugins.BROKEN) do
      if utf8.len(case[2]) and not case[2]:find("\0", 1, true) then
        local reply = preview(case[2])
        assert.are.equal(case[1], reply.json.code, reply.body)
        expect.invalid(reply, case[1])
        expect.body(reply, { plugin = "safety", file = "plugin.lua" })
      end
    end
    local now = plugins.list(app)
    for _, list in ipairs { before, now } do
      for _, formula in ipairs(list.plugins[1].formulas) do
        formula.nanosecondsPerCall = nil
      end
    end
    assert.are.same(before, now)
    assert.are.equal(72, app:total("iv.availabletoreserve"))
  end)

  it("says what is wrong with the question", function()
    app = plugins.start { safety = safety(10) }
    app:put(1)
    expect.invalid(app:post("/plugins/preview", json.object()),
      "missing_field", "files")
    expect.invalid(preview(safety(1), { measure = "iv.nothing" }),
      "unknown_measure", "measure")
    expect.invalid(preview(safety(1), { measure = "nothing" }),
      "unknown_measure", "measure")
    expect.invalid(preview(safety(1), { measure = 7 }), "invalid_field",
      "measure")
    for _, limit in ipairs { 0, 1001, -1, "x" } do
      expect.invalid(preview(safety(1), { limit = limit }), "invalid_field",
        "limit")
    end
    for _, name in ipairs { "plugin.lua", "safety/../x.lua", "safety/", "/x.lua",
      "safety/plugin.txt", "a b/plugin.lua" } do
      expect.invalid(app:post("/plugins/preview", { files = { [name] = "x" } }),
        "invalid_field", "files." .. name)
    end
    expect.invalid(preview(7), "invalid_field", "files.safety/plugin.lua")
  end)
end)

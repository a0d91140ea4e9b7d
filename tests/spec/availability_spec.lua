-- availability_spec.lua - POST /availability: how much may still be promised.

local App = require "tests.support.app"
local chance = require "tests.support.chance"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local plugins = require "tests.support.plugins"

local RED = { ColorId = "red" }
local RED_S = { ColorId = "red", SizeId = "S" }

describe("POST /availability", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = App.start(options) end

  -- The usual key, with more members or other ones.
  local function ask(more, options)
    local body = app:event({}, more)
    body.id, body.quantities = nil, nil
    return app:post("/availability", body, options)
  end

  local function answer(more) return expect.ok(ask(more)) end

  local function available(more) return answer(more).available end

  -- Without the measures of a configuration that reservations are checked by.
  local function without_mapping(source)
    return { inventorySystemConfigurations = {
      [source] = { reservMappings = { softreserved = json.null } },
    } }
  end

  it("answers the whole chain", function()
    start()
    app:put(14, { dimensions = App.place(RED_S) })
    app:put(3)
    local mine = expect.ok(app:reserve(2,
      { dimensions = App.place(RED) })).reservationId
    expect.ok(app:reserve(1, { dimensions = App.place(RED_S) }))
    local body = answer { dimensions = App.place(RED_S), quantity = 12,
      ownReservationIds = { mine } }
    assert.are.equal("string", type(body.at))
    body.at = nil
    table.sort(body.explain.formula.terms, function(a, b)
      return a.measure < b.measure
    end)
    local function term(measure, factor, value)
      return { measure = measure, factor = factor, value = value }
    end
    local place = { siteid = "10", locationid = "A1" }
    local red = json.merge(json.object(place), json.object(RED))
    local red_s = json.merge(json.object(place), json.object(RED_S))
    assert.are.same({
      organizationId = "acme", productId = "LAMP", dimensions = red_s,
      measure = "iv.availabletoreserve", available = 13, sufficient = true,
      version = 4,
      binding = { kind = "level", value = 13,
        level = { "siteid", "locationid", "ColorId", "SizeId" } },
      explain = {
        formula = {
          measure = "iv.availabletoreserve", kind = "linear", value = 13,
          terms = {
            term("@iv.@allocated", -1, 0), term("iv.softreserved", -1, 1),
            term("till.returned", 1, 0), term("till.sold", -1, 0),
            term("wms.unrestricted", 1, 14),
          },
        },
        levels = {
          { level = { "siteid", "locationid", "ColorId", "SizeId" },
            dimensions = red_s, value = 13 },
          { level = { "siteid", "locationid", "ColorId" }, dimensions = red,
            value = 13 },
          { level = { "siteid", "locationid" }, dimensions = place,
            value = 16 },
        },
        own = { { reservationId = mine, quantity = 2 } },
      },
    }, body)
  end)

  it("counts a level only while somebody else holds something there", function()
    start()
    app:put(10, { dimensions = App.place(RED_S) })
    app:put(1, { dimensions = App.place { ColorId = "red", SizeId = "L" } })
    local size = App.place { SizeId = "S" }
    local mine = expect.ok(app:reserve(7, { dimensions = size })).reservationId
    local body = answer { dimensions = App.place(RED_S) }
    assert.are.equal(3, body.available)
    assert.are.same({ "siteid", "locationid", "SizeId" }, body.binding.level)
    assert.are.equal(10, available { dimensions = App.place(RED_S),
      ownReservationIds = { mine } })
  end)

  it("never says less than nothing, but explains it", function()
    start()
    assert.are.equal(0, available())
    assert.are.equal(0, answer().version)
    expect.ok(app:reserve(20, { ifCheckAvailForReserv = false }))
    local body = answer { quantity = 0.000001 }
    expect.body({ body = "", json = body }, { available = 0,
      sufficient = false, binding = { value = -20 },
      explain = { formula = { value = -20 } } })
  end)

  it("says whether a quantity can be had, to the last millionth", function()
    start()
    app:put(2.5)
    assert.is_true(answer { quantity = 2.5 }.sufficient)
    assert.is_true(answer { quantity = "2.500000" }.sufficient)
    assert.is_false(answer { quantity = 2.500001 }.sufficient)
    local body = answer { explain = false }
    assert.is_nil(body.sufficient)
    assert.is_nil(body.explain)
  end)

  it("takes the measure that reservations are checked by", function()
    start()
    assert.are.equal("iv.availabletoreserve", answer().measure)
    App.finish(app)
    local other = without_mapping("iv")
    other.inventorySystemConfigurations.wms = {
      reservMappings = { picked = "report.sellable" },
    }
    start { patch = other }
    assert.are.equal("report.sellable", answer().measure)
    App.finish(app)
    start { patch = without_mapping("iv") }
    expect.invalid(ask(), "no_reservation_mapping", "measure")
    assert.are.equal(0, available { measure = "iv.onhand" })
  end)

  it("answers for any calculated measure, in any letter case", function()
    start()
    app:put(9)
    expect.ok(app:reserve(2))
    assert.are.equal(9, available { measure = "IV.OnHand" })
    assert.are.equal("iv.onhand", answer { measure = "IV.OnHand" }.measure)
    assert.are.equal(9, available { measure = "report.sellable" })
    local body = answer { measure = "@iv.@available_to_allocate" }
    assert.are.equal("@iv.@available_to_allocate", body.measure)
    assert.are.equal(7, body.available)
    for _, name in ipairs {
      "iv.none", "none.onhand", "onhand", ".", "iv.", "wms.unrestricted",
    } do
      expect.invalid(ask { measure = name }, "unknown_measure", "measure")
    end
  end)

  it("looks at any place, and at none", function()
    start()
    app:put(4)
    app:put(3, { dimensions = { siteId = "20", locationId = "B2" } })
    assert.are.equal(7, available { dimensions = json.null })
    assert.are.equal(7, available { dimensions = json.object() })
    assert.are.equal(3, available { dimensions = { siteId = "20" } })
    assert.are.equal(0, available { dimensions = { siteId = "30" } })
    assert.are.equal(4, available { dimensions = { tillSite = "10" },
      dimensionDataSource = "till" })
    assert.are.equal(0, available { organizationId = "nord" })
    assert.are.equal(0, available { productId = "NONE" })
  end)

  it("by product, counts all places", function()
    start { config = "by-product.json" }
    app:put(6)
    app:put(5, { dimensions = { siteId = "20", locationId = "B2" } })
    expect.ok(app:reserve(9, { dimensions = json.object() }))
    assert.are.equal(2, available { dimensions = json.null })
    local body = answer()
    assert.are.equal(2, body.available)
    assert.are.same(json.array(), body.binding.level)
  end)

  it("drops dimensions as a reservation does", function()
    start { patch = { reservConfiguration = { version = 1 } } }
    local batch = App.place { ColorId = "red", BatchId = "b1" }
    app:put(5, { dimensions = batch })
    app:put(5, { dimensions = App.place(RED) })
    local body = answer { dimensions = batch }
    assert.are.equal(10, body.available)
    assert.is_nil(body.dimensions.BatchId)
    assert.are.equal(5, available { dimensions = batch,
      measure = "iv.onhand" })
    expect.ok(app:reserve(10, { dimensions = batch }))
  end)

  it("leaves out what the caller holds, whatever else is named", function()
    start()
    app:put(10)
    app:put(10, { productId = "OTHER" })
    local function hold(quantity, more)
      return expect.ok(app:reserve(quantity, more)).reservationId
    end
    local one = hold(3, { ttlSeconds = 3600 })
    local two = hold(4, { ttlSeconds = 3600 })
    local elsewhere = hold(5, { productId = "OTHER" })
    local used = hold(1, { ttlSeconds = 3600 })
    expect.ok(app:unreserve(used, 1))
    assert.are.equal(3, available())
    local body = answer { ownReservationIds = {
      one, "nothing", elsewhere, one, used, "", ("x"):rep(500), two:upper(),
    } }
    assert.are.equal(6, body.available)
    assert.are.same({ { reservationId = one, quantity = 3 } }, body.explain.own)
    assert.are.equal(10, available { ownReservationIds = { one, two } })
    assert.are.same(json.array(), answer { ownReservationIds = json.null }
      .explain.own)
  end)

  it("refuses what it cannot understand", function()
    start()
    for _, name in ipairs { "organizationId", "productId" } do
      expect.invalid(ask { [name] = json.null }, "missing_field", name)
      expect.invalid(ask { [name] = "" }, "missing_field", name)
      expect.invalid(ask { [name] = 7 }, "invalid_field", name)
      expect.invalid(ask { [name] = ("ä"):rep(101) }, "too_long", name)
    end
    expect.invalid(ask { organizationId = ("€"):rep(50) }, "too_long",
      "organizationId")
    expect.invalid(ask { dimensions = { siteId = ("€"):rep(50) } }, "too_long",
      "dimensions.siteid")
    expect.invalid(ask { dimensions = { Planet = "x" } }, "unknown_dimension",
      "dimensions.Planet")
    expect.invalid(ask { dimensions = "x" }, "invalid_field", "dimensions")
    expect.invalid(ask { dimensionDataSource = "x" }, "unknown_data_source")
    expect.invalid(ask { measure = 7 }, "invalid_field", "measure")
    expect.invalid(ask { explain = "yes" }, "invalid_field", "explain")
    for _, quantity in ipairs { 0, -1, "x", 0.0000001 } do
      expect.invalid(ask { quantity = quantity }, "invalid_quantity",
        "quantity")
    end
    expect.invalid(app:post("/availability", json.array()), "invalid_field")
    expect.status(app:get("/availability"), 405)
  end)

  it("takes at most 512 reservations of the caller's", function()
    start()
    local ids = {}
    for index = 1, 513 do ids[index] = "id-" .. index end
    expect.invalid(ask { ownReservationIds = ids }, "too_many_items",
      "ownReservationIds")
    table.remove(ids)
    assert.are.equal(0, available { ownReservationIds = ids })
    for _, value in ipairs { "id", { 7 }, { json.array() } } do
      expect.invalid(ask { ownReservationIds = value }, "invalid_field",
        "ownReservationIds")
    end
  end)

  it("knows no recipient where nobody supplies anybody", function()
    start()
    for _, value in ipairs { "X", 4, "4" } do
      expect.invalid(ask { recipient = value }, "not_a_recipient", "recipient")
    end
    expect.invalid(ask { recipient = true }, "invalid_field", "recipient")
    assert.are.equal(0, available { recipient = json.null })
    assert.is_nil(answer { recipient = "" }.recipient)
  end)

  it("is for whoever may read", function()
    local function key(role) return keys.entry(role, "key-" .. role, { role }) end
    start { server = { auth = { keys = { key("reader"), key("writer") } } } }
    assert.are.equal(401, ask().status)
    for _, role in ipairs { "reader", "writer" } do
      expect.ok(ask(nil, { auth = "Bearer key-" .. role }))
    end
  end)

  it("explains sums, trees and scripts", function()
    app = plugins.start { shop = plugins.text("shop", {
      ["iv.onhand"] = plugins.ONHAND,
      ["iv.availabletoreserve"] =
        "return 2 * m.wms.unrestricted - m.wms.blocked + 1.5",
      ["report.cap"] = "return math.min(m.wms.unrestricted, 50)",
      ["report.half"] = "return m.wms.unrestricted // 2",
    }) }
    expect.ok(app:post("/onhand",
      app:event { wms = { unrestricted = 61, blocked = 2 } }))
    local function formula(measure)
      local found = answer { measure = measure }.explain.formula
      table.sort(found.terms, function(a, b)
        return (a.measure or "") < (b.measure or "")
      end)
      return found
    end
    assert.are.same({
      measure = "iv.availabletoreserve", kind = "linear", value = 121.5,
      terms = {
        { constant = 1.5 },
        { measure = "wms.blocked", factor = -1, value = 2 },
        { measure = "wms.unrestricted", factor = 2, value = 61 },
      },
    }, formula())
    assert.are.same({
      measure = "report.cap", kind = "tree", value = 50,
      terms = { { measure = "wms.unrestricted", value = 61 } },
    }, formula("report.cap"))
    assert.are.same({
      measure = "report.half", kind = "lua", value = 30,
      terms = { { measure = "wms.unrestricted", value = 61 } },
    }, formula("report.half"))
  end)

  it("says which script failed", function()
    app = plugins.start { shop = plugins.text("shop", {
      ["iv.onhand"] = plugins.ONHAND,
      ["iv.availabletoreserve"] = "local n = m.wms.unrestricted "
        .. "if n > 50 then error('too many') end return n // 2",
    }) }
    app:put(51)
    local reply = ask()
    expect.status(reply, 500)
    expect.body(reply, { code = "script_error", plugin = "shop",
      ["function"] = { ["$contains"] = { "availabletoreserve" } } })
    expect.ok(ask { measure = "iv.onhand" })
  end)
end)

-- What it answers is what a reservation gets: random histories, each of which
-- can be had again by its seed.
describe("an availability", function()
  local app, random

  after_each(function() App.finish(app) end)

  local STEPS = 150

  local COLORS, SIZES = { "red", "blue" }, { "S", "M" }

  local function random_place()
    local place = App.place()
    if random(3) > 1 then place.ColorId = COLORS[random(2)] end
    if random(3) > 1 then place.SizeId = SIZES[random(2)] end
    return place
  end

  local function ask(place, own, measure)
    local body = app:event({}, { dimensions = place, measure = measure,
      ownReservationIds = json.array(own or {}) })
    body.id, body.quantities = nil, nil
    return expect.ok(app:post("/availability", body)).available
  end

  local function allocate(quantity, place, query)
    local body = app:event({}, { dimensions = place, quantity = quantity,
      groups = { channel = "web" }, allowPartial = true })
    body.quantities = nil
    return app:post("/allocation/allocate" .. (query or ""), body)
  end

  local function what_was_had(reply)
    if reply.status == 200 then return reply.json.quantity end
    return expect.refused(reply, "insufficient_available").available
  end

  -- Take all there is, but only to see how much that is.
  local function try_all(place)
    return what_was_had(app:post("/onhand/reserve?dryRun=true",
      app:reservation(1000000, { dimensions = place, allowPartial = true })))
  end

  local CHANGES = {
    function() app:put(random(40) - 8, { dimensions = random_place() }) end,
    function(_, records)
      local place = random_place()
      local reply = app:reserve(random(9), { dimensions = place,
        ttlSeconds = random(2) == 1 and 86400 or nil,
        ifCheckAvailForReserv = random(4) > 1 })
      if reply.status ~= 200 then return end
      records[#records + 1] = { id = reply.json.reservationId, place = place }
    end,
    function(_, records)
      if #records == 0 then return end
      local record = records[random(#records)]
      app:unreserve(record.id, random(4), { dimensions = record.place })
    end,
    -- A reservation of exactly that fits, and one of a bit more does not.
    function(there)
      local place = random_place()
      local most = ask(place)
      local more = app:reservation(most + 0.5, { dimensions = place })
      expect.refused(app:post("/onhand/reserve?dryRun=true", more),
        "insufficient_available", most)
      if most == 0 or random(3) > 1 then return end
      local record = expect.ok(app:reserve(most, { dimensions = place }))
      assert.are.equal(0, ask(place), there)
      app:unreserve(record.reservationId, most, { dimensions = place })
    end,
    -- Without my holds there is as much as when I have given them back.
    function(there, records)
      if #records == 0 then return end
      local record = records[random(#records)]
      local place = random_place()
      local without = ask(place, { record.id })
      app:unreserve(record.id, 1000000, { dimensions = record.place })
      assert.are.equal(without, ask(place), there)
    end,
  }

  local function run(seed, options)
    random = chance.chooser(seed)
    app = App.start(options)
    local records = {}
    for step = 1, STEPS do
      local there = ("seed %d, step %d"):format(seed, step)
      CHANGES[random(#CHANGES)](there, records)
      local place = random_place()
      assert.are.equal(try_all(place), ask(place), there)
    end
  end

  for seed = 1, 3 do
    it("is what a reservation gets, seed " .. seed, function() run(seed) end)
  end

  it("is what a reservation gets, level by level", function()
    run(4, { patch = { ringfence = { hierarchyCheck = "independent" } } })
  end)

  it("is what a reservation gets, by product", function()
    run(5, { config = "by-product.json" })
  end)

  it("is what an allocation gets", function()
    random = chance.chooser(7)
    app = App.start()
    for step = 1, 80 do
      local there = "step " .. step
      app:put(random(40) - 8, { dimensions = random_place() })
      app:reserve(random(9), { dimensions = random_place() })
      if random(2) == 1 then allocate(random(9), random_place()) end
      local place = random_place()
      local reply = allocate(1000000, place, "?dryRun=true")
      assert.are.equal(what_was_had(reply),
        ask(place, nil, "@iv.@available_to_allocate"), there)
      assert.are.equal(try_all(place), ask(place), there)
    end
  end)

  it("is what a reservation gets, by a formula in Lua", function()
    random = chance.chooser(6)
    app = plugins.start { safety = plugins.safety(10) }
    for step = 1, 40 do
      app:put(random(40) - 8, { dimensions = random_place() })
      app:reserve(random(9), { dimensions = random_place() })
      local place = random_place()
      assert.are.equal(try_all(place), ask(place), "step " .. step)
    end
  end)
end)

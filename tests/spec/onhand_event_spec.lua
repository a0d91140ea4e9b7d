-- onhand_event_spec.lua - POST /onhand: one change event.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

describe("POST /onhand", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function post(more, quantities)
    return app:post("/onhand",
      app:event(quantities or { wms = { unrestricted = 1 } }, more))
  end

  local function refuse_quantity(value)
    expect.invalid(post(nil, { wms = { unrestricted = value } }),
      "invalid_quantity", "quantities.wms.unrestricted")
  end

  -- A number as it is spelled, which a Lua number could not keep.
  local function post_literal(number)
    local event = app:event({ wms = { unrestricted = "@" } })
    local text = json.encode(event):gsub('"@"', number)
    return app:post("/onhand", nil, { raw = text })
  end

  it("answers with the prefixed id and nothing to complain about", function()
    local body = expect.ok(post { id = "e-1" })
    expect.body({ status = 200, body = "", json = body }, {
      id = "ohce~e-1", processingStatus = "success", message = "",
      statusCode = 200,
    })
  end)

  it("changes several sources in one step", function()
    expect.ok(post(nil, {
      wms = { unrestricted = 12.25, blocked = 2 }, shop = { issued = 3 },
      till = { sold = 1.5, returned = -0.5 },
    }))
    rows.check_quantities(rows.one(app:rows(), {}), {
      ["wms.unrestricted"] = 12.25, ["wms.blocked"] = 2, ["shop.issued"] = 3,
      ["till.sold"] = 1.5, ["till.returned"] = -0.5,
      ["report.sellable"] = 12.25 - 0.5 - 2 - 1.5 - 3,
    })
  end)

  it("takes stock without a place, and keeps it apart", function()
    app:put(3, { dimensions = json.object() })
    app:put(4)
    assert.are.equal(7, app:total("wms.unrestricted",
      App.filters { siteId = json.null, locationId = json.null }))
    assert.are.equal(4, app:total("wms.unrestricted"))
  end)

  it("makes no difference between an empty value and none", function()
    app:put(3, { dimensions = App.place { ColorId = "" } })
    app:put(4)
    local list = app:rows { groupByValues = { "ColorId" } }
    assert.are.equal(1, #list)
    rows.check_quantities(list[1], { ["wms.unrestricted"] = 7 })
  end)

  it("keeps organizations and products exactly as they are spelled", function()
    app:put(1)
    app:put(2, { productId = "lamp" })
    app:put(4, { organizationId = "ACME" })
    app:put(8, { productId = "LAMP " })
    app:put(16, { productId = "Lämpchen-灯-💡" })
    assert.are.equal(1, app:total("wms.unrestricted"))
    assert.are.equal(16, app:total("wms.unrestricted",
      App.filters { productId = { "Lämpchen-灯-💡" } }))
  end)

  it("names the member that is missing", function()
    for _, name in ipairs {
      "id", "organizationId", "productId", "dimensions", "quantities",
    } do
      expect.invalid(post { [name] = json.null }, "missing_field", name)
    end
    assert.are.same({}, app:events())
  end)

  it("names the member of the wrong type", function()
    expect.invalid(post { id = 7 }, "invalid_field", "id")
    expect.invalid(post { organizationId = json.array { "acme" } },
      "invalid_field", "organizationId")
    expect.invalid(post { productId = true }, "invalid_field", "productId")
    expect.invalid(post { dimensions = "10" }, "invalid_field", "dimensions")
    expect.invalid(post { quantities = json.array { 1 } }, "invalid_field",
      "quantities")
    expect.invalid(post { dimensions = App.place { ColorId = 3 } },
      "invalid_field", "dimensions.ColorId")
    expect.invalid(post { dimensionDataSource = 3 }, "invalid_field",
      "dimensionDataSource")
    assert.are.same({}, app:events())
  end)

  it("bounds the lengths of texts", function()
    local limits = { id = 128, organizationId = 50, productId = 100 }
    for name, limit in pairs(limits) do
      expect.ok(post { [name] = ("x"):rep(limit - 1) })
      expect.ok(post { [name] = ("x"):rep(limit) })
      expect.invalid(post { [name] = ("x"):rep(limit + 1) }, "too_long", name)
    end
    expect.ok(post { dimensions = App.place { ColorId = ("x"):rep(50) } })
    expect.invalid(post { dimensions = App.place { ColorId = ("x"):rep(51) } },
      "too_long", "dimensions.ColorId")
  end)

  it("takes quantities up to the published range, not beyond", function()
    for _, value in ipairs { 1e11, -1e11, 99999999999.999999 } do
      expect.ok(post(nil, { wms = { unrestricted = value } }))
    end
    for _, number in ipairs {
      "100000000000.000001", "-100000000000.000001", "1e12", "1e400", "-1e400",
      "9223372036854775808",
    } do
      expect.invalid(post_literal(number), "invalid_quantity")
    end
  end)

  it("takes six decimals, not seven", function()
    for _, number in ipairs {
      "0.000001", "1.123456", "1.1234560000", "1e-6", "12345e-6", "0.0e10",
    } do
      expect.ok(post_literal(number))
    end
    for _, number in ipairs {
      "0.0000001", "1.1234561", "1e-7", "1e-400", "1.0000000000000000001",
    } do
      expect.invalid(post_literal(number), "invalid_quantity")
    end
    assert.are.equal(2.259259, app:total("wms.unrestricted"))
  end)

  it("takes numbers written as text, and no other text", function()
    for _, text in ipairs { "10", "2.50", "-1", "1e1", "0.000001" } do
      expect.ok(post(nil, { wms = { unrestricted = text } }))
    end
    for _, text in ipairs {
      "", " 1", "1 ", "ten", "NaN", "Infinity", "0x10", "1,5", "+1", "1e",
    } do
      refuse_quantity(text)
    end
    assert.are.equal(21.500001, app:total("wms.unrestricted"))
  end)

  it("refuses quantities that are no numbers", function()
    refuse_quantity(true)
    refuse_quantity(json.null)
    refuse_quantity(json.array { 1 })
    refuse_quantity(json.object { value = 1 })
    assert.are.same({}, app:events())
  end)

  it("refuses what would overflow a total, and goes on", function()
    local lines = {}
    for index = 1, 92 do
      lines[index] = app:event { wms = { unrestricted = 1e11 } }
    end
    expect.buckets(app:post("/onhand/bulk", lines), { success = 92 })
    expect.refused(post(nil, { wms = { unrestricted = 1e11 } }),
      "quantity_overflow")
    assert.are.equal(92e11, app:total("wms.unrestricted"))
    expect.ok(post(nil, { wms = { unrestricted = -1e11 } }))
    assert.are.equal(91e11, app:total("wms.unrestricted"))
  end)

  it("knows its names only", function()
    expect.invalid(post { dimensions = App.place { flavour = "mint" } },
      "unknown_dimension", "dimensions.flavour")
    expect.invalid(post { dimensionDataSource = "nobody" },
      "unknown_data_source", "dimensionDataSource")
    expect.invalid(post(nil, { nobody = { x = 1 } }), "unknown_data_source",
      "quantities.nobody")
    expect.invalid(post(nil, { wms = { lost = 1 } }), "unknown_measure",
      "quantities.wms.lost")
    expect.invalid(post(nil, { iv = { onhand = 1 } }), "unknown_measure",
      "quantities.iv.onhand")
    assert.are.same({}, app:events())
  end)

  it("keeps the sources of others out of reach", function()
    expect.invalid(post(nil, { fno = { onordered = 1 } }), "read_only_source")
    expect.invalid(post(nil, { ["@iv"] = { ["@allocated"] = 1 } }),
      "read_only_source")
    expect.invalid(post(nil, { wms = { unrestricted = 1 },
      fno = { onordered = 1 } }), "read_only_source")
    assert.are.same({}, app:events())
  end)

  it("refuses one coordinate under two names with two values", function()
    expect.invalid(post {
      dimensionDataSource = "till",
      dimensions = { tillsite = "10", siteId = "20", locationId = "A1" },
    }, "duplicate_dimension")
    expect.ok(post {
      dimensionDataSource = "till",
      dimensions = { tillsite = "10", siteId = "10", locationId = "A1" },
    })
  end)

  it("refuses text that is no JSON, or says a thing twice", function()
    local function raw(text)
      return app:post("/onhand", nil, { raw = text })
    end
    for _, text in ipairs {
      "", " ", "{", '{"id":"x",}', "[1", '{"id":01}', "{'id':'x'}", "nul",
      '{"id":"\\u0000"}', '{"id":"\255"}', '{"id":"x"}{}',
    } do
      expect.invalid(raw(text), "bad_json")
    end
    expect.invalid(raw '{"id":"x","id":"x"}', "duplicate_key")
    expect.invalid(raw '{"id":"x","ID":"x"}', "duplicate_key")
    expect.invalid(raw '{"id":"x","\\u0069d":"y"}', "duplicate_key")
    assert.are.same({}, app:events())
  end)

  it("says the client's id in a failure, when there is one", function()
    expect.body(post { id = "e-9", productId = json.null },
      { id = "ohce~e-9" })
    expect.body(post { id = json.null }, { id = "" })
  end)
end)

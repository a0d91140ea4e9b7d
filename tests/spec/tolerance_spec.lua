-- tolerance_spec.lua - letter case, slashes and headers of real clients.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

describe("tolerance", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  it("takes paths in any letter case, with one slash at the end", function()
    for index, path in ipairs {
      "/onhand", "/OnHand", "/ONHAND/", "/onhand/",
      "host:/API/Environment/" .. app.id .. "/OnHand/",
    } do
      expect.ok(app:post(path, app:event({ wms = { unrestricted = 1 } },
        { id = "p" .. index })))
    end
    local status = app:post("/onhand//", json.object()).status
    assert.is_true(status == 400 or status == 404, "HTTP " .. status)
    assert.are.equal(5, app:total("wms.unrestricted"))
  end)

  it("takes names in any letter case, values exactly", function()
    expect.ok(app:post("/onhand", {
      ID = "x", OrganizationID = "acme", PRODUCTID = "LAMP",
      DIMENSIONS = { SITEID = "10", locationid = "A1", colorID = "Red" },
      Quantities = { WMS = { UnRestricted = "40" }, Till = { SOLD = "2.50" } },
      unknownMember = { deep = { 1 } },
    }))
    local list = rows.of(expect.ok(app:post("/onhand/IndexQuery/", {
      Filters = { OrganizationID = { "acme" }, PRODUCTID = { "LAMP" },
        siteID = { "10" }, LOCATIONID = { "A1" } },
      GROUPBYVALUES = { "colorid" }, ReturnNegative = true,
    })))
    assert.are.same({ ColorId = "Red", siteid = "10", locationid = "A1" },
      list[1].dimensions)
    rows.check_quantities(list[1],
      { ["wms.unrestricted"] = 40, ["till.sold"] = 2.5, ["iv.onhand"] = 37.5 })
    assert.are.same(json.array(), app:rows {
      filters = App.filters { ColorId = { "red" } } })
  end)

  it("takes reservations in any letter case", function()
    app:put(10)
    local reply = app:post("/onhand/RESERVE/", {
      Id = "x", organizationid = "acme", productid = "LAMP",
      dimensions = { SiteId = "10", LocationId = "A1" },
      quantitydatasource = "IV", MODIFIER = "SOFTRESERVED", quantity = "7",
      IFCHECKAVAILFORRESERV = true,
    })
    local record = expect.ok(reply).reservationId
    expect.ok(app:post("/onhand/UnReserve", {
      id = "y", organizationId = "acme", productId = "LAMP",
      RESERVATIONID = record, offsetqty = "2.0",
      dimensions = { LOCATIONID = "A1", SITEID = "10" },
    }))
    assert.are.equal(5, app:total("iv.softreserved"))
  end)

  it("asks for no Api-Version and no content type", function()
    local text = json.encode(app:event { wms = { unrestricted = 6 } })
    local request = app:build("POST", "/onhand", nil, { raw = text })
    request.headers["Content-Type"] = nil
    expect.ok(app:together { request }[1])
    for _, kind in ipairs {
      "application/json; charset=utf-8", "APPLICATION/JSON",
      "application/json;charset=UTF-8",
    } do
      expect.ok(app:post("/onhand", app:event { wms = { unrestricted = 1 } },
        { headers = { ["Content-Type"] = kind } }))
    end
    for _, version in ipairs { "1.0", "2.0" } do
      expect.ok(app:post("/onhand", app:event { wms = { unrestricted = 1 } },
        { headers = { ["Api-Version"] = version } }))
    end
    assert.are.equal(11, app:total("wms.unrestricted"))
  end)

  it("takes a custom dimension under both of its names", function()
    app:put(6, { dimensions = App.place { InventDimension3 = "lot" } })
    local list = app:rows { groupByValues = { "CustomDimension3" } }
    assert.are.equal("lot", list[1].dimensions.CustomDimension3)
    assert.are.equal(1, #app:rows {
      filters = App.filters { inventdimension3 = { "lot" } } })
  end)

  it("takes the data source among the filters", function()
    app:put(6)
    local list = app:rows { filters = App.filters {
      DimensionDataSource = { "till" }, TillColor = { "" } } }
    assert.are.equal(1, #list)
  end)

  it("takes white space round a document", function()
    local text = json.encode(app:event { wms = { unrestricted = 1 } })
    expect.ok(app:post("/onhand", nil, { raw = " \r\n\t" .. text .. "\n\n" }))
  end)

  it("takes flags of the query in any letter case", function()
    local text = { app:event { wms = { unrestricted = 1 } } }
    local body = expect.ok(app:post("/onhand/bulk?Atomic=True", text))
    assert.is_true(body.atomic)
  end)
end)

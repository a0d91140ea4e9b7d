-- examples_stock_spec.lua - the worked examples of the hosted contract about
-- ids, configuration, change events and index queries, by their numbers.
--
-- 9 (counts) is told literally in setonhand_spec.lua, "makes a measure what was
-- counted".

local App = require "tests.support.app"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local formula = examples.formula

describe("example", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = examples.start(options) end

  local function post(quantities, more, exactly)
    return examples.post(app, quantities, more, exactly)
  end

  it("6 an event that is sent again counts once", function()
    start()
    local event = app:event({ pos = { inbound = 1 } }, { id = "e1" })
    local first = expect.ok(app:post("/onhand", event))
    assert.are.equal(1, app:total "pos.inbound")
    assert.are.same(first, expect.ok(app:post("/onhand", event)))
    assert.are.equal(1, app:total "pos.inbound")
    event.id = "e2"
    expect.ok(app:post("/onhand", event))
    assert.are.equal(2, app:total "pos.inbound")
  end)

  it("7.3 without a source every name is a base name", function()
    start()
    for _, source in ipairs { json.null, "", "  " } do
      local function event(dimensions)
        return app:post("/onhand", app:event({ pos = { inbound = 1 } },
          { dimensions = dimensions, dimensionDataSource = source }))
      end
      expect.ok(event(App.place { ColorId = "red" }))
      expect.invalid(event(App.place { poscolor = "red" }),
        "unknown_dimension", "dimensions.poscolor")
    end
    assert.are.equal(3, app:total("pos.inbound",
      App.filters { ColorId = { "red" } }))
  end)

  it("7.3 with a source its names and base names go together", function()
    start()
    expect.ok(app:post("/onhand", app:event({ pos = { inbound = 1 } },
      { dimensionDataSource = "pos", dimensions = App.place {
        poscolor = "red", posMachineId = "0001", SizeId = "S" } })))
    local row = app:rows { dimensionDataSource = "pos",
      filters = App.filters { posMachineId = { "0001" } },
      groupByValues = { "poscolor", "sizeid" } }[1]
    assert.are.same({ siteid = "10", locationid = "A1", ColorId = "red",
      SizeId = "S" }, row.dimensions)
  end)

  it("7.3 any other name is an error, in bodies, filters and groups",
    function()
      start()
      expect.invalid(app:post("/onhand", app:event({ pos = { inbound = 1 } },
        { dimensionDataSource = "pos",
          dimensions = App.place { tillcolor = "red" } })),
        "unknown_dimension", "dimensions.tillcolor")
      expect.invalid(app:query { dimensionDataSource = "pos",
        filters = App.filters { tillcolor = { "red" } } },
        "unknown_dimension", "filters.tillcolor")
      expect.invalid(app:query { dimensionDataSource = "pos",
        groupByValues = { "tillcolor" } }, "unknown_dimension")
    end)

  it("7.3 a source without names of its own has the base names", function()
    start()
    local function event(dimensions)
      return app:post("/onhand", app:event({ iv = { onhand = 1 } },
        { dimensionDataSource = "iv", dimensions = dimensions }))
    end
    expect.ok(event { siteid = "10", locationid = "A1" })
    expect.invalid(event(App.place { poscolor = "red" }), "unknown_dimension")
    assert.are.equal(1, app:total "iv.onhand")
  end)

  it("7.3 two names of one dimension must not differ", function()
    start()
    local function event(other)
      return app:post("/onhand", app:event({ pos = { inbound = 1 } },
        { dimensionDataSource = "pos",
          dimensions = App.place { poscolor = "red", ColorId = other } }))
    end
    expect.ok(event "red")
    expect.invalid(event "blue", "duplicate_dimension")
  end)

  it("7.3 the ERP's names need no mapping in the document", function()
    app = App.start { config = json.object {
      partitionConfiguration = { useProductId = true, useDimensions = false },
      indexConfiguration = { indexAttributeSets = {
        { setNumber = 1, keys = { "empty" } } } },
      ringfence = { allowFnoWrites = true } } }
    local names = { InventBatchId = "BatchId", InventColorId = "ColorId",
      InventLocationId = "locationid", InventSerialId = "SerialId",
      InventSiteId = "siteid", InventSizeId = "SizeId",
      InventStatusId = "StatusId", InventStyleId = "StyleId",
      InventVersionId = "VersionId", LicensePlateId = "LicensePlateId",
      WMSLocationId = "WMSLocationId", WMSPalletId = "WMSPalletId",
      ConfigId = "ConfigId" }
    for number = 1, 12 do
      names["InventDimension" .. number] = "CustomDimension" .. number
    end
    local dimensions, groups, expected = json.object(), json.array(), {}
    for external, base in pairs(names) do
      dimensions[external], expected[base] = "v-" .. base, "v-" .. base
      groups[#groups + 1] = external
    end
    expect.ok(app:post("/onhand", app:event({ fno = { physicalinvent = 4 } },
      { dimensionDataSource = "fno", dimensions = dimensions })))
    local list = app:rows { dimensionDataSource = "fno",
      filters = { organizationId = { App.ORGANIZATION },
        productId = { App.PRODUCT } }, groupByValues = groups }
    assert.are.same(expected, list[1].dimensions)
    assert.are.equal(4, rows.measure(list[1], "fno.physicalinvent"))
  end)

  it("7.5 a measure over three sources", function()
    start { patch = { inventorySystemConfigurations = { CrossChannel = {
      dataSourceName = "CrossChannel",
      calculatedMeasures = { MyCustomAvailableforReservation = formula(
        { "fno.availphysical", "fno.orderedintotal", "pos.inbound",
          "ecommerce.received", "ecommerce.scheduled" },
        { "fno.orderedreserved", "pos.outbound", "ecommerce.issued",
          "ecommerce.reserved" }) } } } } }
    post {
      pos = { inbound = 80, outbound = 20 },
      fno = { availphysical = 100, orderedintotal = 50, orderedreserved = 10 },
      ecommerce = { received = 90, scheduled = 30, issued = 60,
        reserved = 40 },
    }
    rows.check_quantities(app:rows()[1], {
      ["crosschannel.mycustomavailableforreservation"] = 220,
      ["pos.inbound"] = 80, ["ecommerce.reserved"] = 40 })
  end)

  it("7.7 sums of one index set, grouped by each of its prefixes", function()
    start()
    for key, quantity in pairs {
      ["Black/Small/Wide"] = 1, ["Black/Small/Regular"] = 2,
      ["Black/Large/Wide"] = 3, ["Black/Large/Regular"] = 4,
      ["Red/Small/Wide"] = 5, ["Red/Small/Regular"] = 6,
      ["Red/Large/Regular"] = 7,
    } do
      local color, size, style = key:match "^(%a+)/(%a+)/(%a+)$"
      post({ pos = { inbound = quantity } },
        { ColorId = color, SizeId = size, StyleId = style })
    end
    local function grouped(...)
      return examples.by(app:rows { groupByValues = json.array { ... } },
        { ... }, "pos.inbound")
    end
    assert.are.same({ [""] = 28 }, grouped())
    assert.are.same({ Black = 10, Red = 18 }, grouped "ColorId")
    assert.are.same({ ["Black/Small"] = 3, ["Black/Large"] = 7,
      ["Red/Small"] = 11, ["Red/Large"] = 7 }, grouped("ColorId", "SizeId"))
    assert.are.same({ ["Black/Small/Wide"] = 1, ["Black/Small/Regular"] = 2,
      ["Black/Large/Wide"] = 3, ["Black/Large/Regular"] = 4,
      ["Red/Small/Wide"] = 5, ["Red/Small/Regular"] = 6,
      ["Red/Large/Regular"] = 7 }, grouped("ColorId", "SizeId", "StyleId"))
    assert.are.same({ Small = 14, Large = 14 }, grouped "SizeId")
  end)

  it("7.7 without any index set a query says so", function()
    start { patch = { indexConfiguration = { indexAttributeSets =
      json.array() } } }
    post { pos = { inbound = 1 } }
    local body = expect.invalid(app:query(), "no_index")
    assert.are.equal("No index hierarchy has been set.", body.message)
    expect.ok(app:post("/configuration/hardupdate", App.document(
      examples.document "location", { indexConfiguration = {
        indexAttributeSets = { { setNumber = 1, keys = { "Empty" } } } } },
      app.id)))
    assert.are.equal(1, app:total "pos.inbound")
  end)

  it("8 a returned shirt", function()
    start()
    post({ pos = { inbound = 0 } }, { ColorId = "red" })
    post({ pos = { inbound = 1 } }, { ColorId = "red" })
    assert.are.equal(1, app:total("pos.inbound",
      App.filters { ColorId = { "red" } }))
  end)

  it("8 a return and three sales in one call", function()
    start()
    expect.buckets(app:post("/onhand/bulk", {
      app:event({ pos = { inbound = 1 } },
        { id = "in", dimensions = App.place { ColorId = "red" } }),
      app:event({ pos = { outbound = 3 } },
        { id = "out", dimensions = App.place { ColorId = "black" } }),
    }), { success = { "in", "out" } })
    local list = app:rows { groupByValues = { "ColorId" } }
    local function of(measure)
      return examples.by(list, { "ColorId" }, measure)
    end
    assert.are.same({ red = 1, black = -3 }, of "pos.availquantity")
    assert.are.equal(1, of "pos.inbound".red)
    assert.are.equal(3, of "pos.outbound".black)
  end)

  it("8 two sources change together or not at all", function()
    start()
    post { pos = { inbound = 5 }, iv = { ordered = -2 } }
    assert.are.same({ 5, -2 },
      { app:total "pos.inbound", app:total "iv.ordered" })
    expect.invalid(app:post("/onhand", app:event {
      pos = { inbound = 5 }, iv = { nothing = 1 } }), "unknown_measure")
    assert.are.equal(5, app:total "pos.inbound")
  end)

  it("13.1 what was posted shows, and the terms of its formulas", function()
    start { patch = { inventorySystemConfigurations = {
      fno = { physicalMeasures = { "availordered", "availphysical" } },
      iv = { calculatedMeasures = { availabletoreserve = formula(
        { "fno.availordered", "pos.inbound" }, { "@iv.@allocated" }) } },
      ["@iv"] = { calculatedMeasures = { ["@available_to_allocate"] = formula(
        { "fno.availordered", "pos.inbound" }, { "@iv.@allocated" }) } },
    } } }
    post { fno = { availordered = 12 } }
    assert.are.same({
      fno = { availordered = 12 }, pos = { inbound = 0 },
      iv = { availabletoreserve = 12 },
      ["@iv"] = { ["@allocated"] = 0, ["@available_to_allocate"] = 12 },
    }, app:rows()[1].quantities)
  end)

  it("13.1 keys have the letter case of the samples, whatever was asked",
    function()
      start()
      post({ pos = { inbound = 1 } }, { ColorId = "Red" })
      local reply = app:query { filters = { ORGANIZATIONID = { "acme" },
        PRODUCTID = { "LAMP" }, SITEID = { "10" }, LOCATIONID = { "A1" } },
        groupByValues = { "COLORID", "sizeid" } }
      local row = rows.of(expect.ok(reply))[1]
      assert.are.same({ siteid = "10", locationid = "A1", ColorId = "Red",
        SizeId = "" }, row.dimensions)
      assert.are.equal(1, row.quantities.pos.inbound)
      assert.are.equal("LAMP", row.productId)
    end)

  it("13.1 no match is an empty list", function()
    start()
    post { pos = { inbound = 1 } }
    local reply = app:query { filters = App.filters { siteId = { "no" } } }
    expect.status(reply, 200)
    assert.are.equal("[]", reply.body)
  end)

  it("13.2 five warehouses, two for each page", function()
    start()
    for _, place in ipairs { "11", "12", "13", "21", "24" } do
      for _, color in ipairs { "red", "blue" } do
        post({ pos = { inbound = 1 } }, nil, json.object {
          siteId = place:sub(1, 1), locationId = place, ColorId = color })
      end
    end
    local function page(parameters)
      local body = expect.ok(app:post("/onhand/indexquery" .. parameters,
        { filters = { organizationId = { App.ORGANIZATION },
          productId = { App.PRODUCT } }, groupByValues = { "ColorId" } },
        { headers = { ["Api-Version"] = "2.0" } }))
      local places = {}
      for index, row in ipairs(body.Value) do
        places[index] = row.dimensions.locationid
      end
      return { table.concat(places, " "), body.nextLink }
    end
    assert.are.same({ "11 11 12 12",
      "onhand/indexquery?pageNumber=2&pageSize=2" },
      page "?pageNumber=1&pageSize=2")
    assert.are.same({ "13 13 21 21",
      "onhand/indexquery?pageNumber=3&pageSize=2" },
      page "?pageNumber=2&pageSize=2")
    assert.are.same({ "24 24", "" }, page "?pageNumber=3&pageSize=2")
    assert.are.same({ "11 11 12 12 13 13 21 21 24 24", "" }, page "")
  end)
end)

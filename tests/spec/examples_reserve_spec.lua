-- examples_reserve_spec.lua - the worked examples of the hosted contract about
-- partitions, reservations and their reversal, by their numbers.

local App = require "tests.support.app"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local formula = examples.formula

local NOWHERE = json.object()

local ANYWHERE = { organizationId = { App.ORGANIZATION },
  productId = { App.PRODUCT } }

-- The hosted service checks a reservation at its own level only.
local OWN_LEVEL_ONLY = { ringfence = { hierarchyCheck = "independent" } }

describe("example", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options) app = examples.start(options) end

  local function post(quantities, more, exactly)
    return examples.post(app, quantities, more, exactly)
  end

  local function available(filters)
    return app:total("iv.availabletoreserve", filters)
  end

  describe("7.6, what is legal under a partition rule:", function()
    local function query(wanted)
      local filters = { organizationId = { App.ORGANIZATION } }
      if wanted:find "product" then filters.productId = { App.PRODUCT } end
      if wanted:find "place" then
        filters.siteId, filters.locationId = { "10" }, { "A1" }
      end
      return app:query { filters = filters }
    end

    -- The calls, and the words they are refused with under each rule.
    local CALLS = {
      { "change event without site and location", function()
        return app:post("/onhand", app:event({ pos = { inbound = 1 } },
          { dimensions = NOWHERE }))
      end },
      { "change event with site and location", function()
        return app:post("/onhand", app:event { pos = { inbound = 1 } })
      end },
      { "index query with place and product", function()
        return query "product, place"
      end },
      { "index query with product", function() return query "product" end },
      { "index query with place", function() return query "place" end,
        product = "missing_product" },
      { "index query with neither", function() return query "" end,
        product = "missing_product", location = "missing_product" },
      { "reserve without site and location", function()
        return app:reserve(1, { dimensions = NOWHERE })
      end, location = "missing_partition" },
      { "allocate without site and location", function()
        return app:post("/allocation/allocate", { id = app:unique(),
          organizationId = App.ORGANIZATION, productId = App.PRODUCT,
          dimensions = NOWHERE, groups = { channel = "web" }, quantity = 1 })
      end, location = "missing_partition" },
    }

    local function check(by, call)
      start { by = by }
      post { pos = { inbound = 10 } }
      local reply, word = call[2](), call[by]
      if word == "missing_partition" then
        expect.refused(reply, word)
      elseif word then
        expect.invalid(reply, word)
      else
        expect.ok(reply)
      end
    end

    for _, by in ipairs { "location", "product" } do
      for _, call in ipairs(CALLS) do
        it(("by %s, %s"):format(by, call[1]), function() check(by, call) end)
      end
    end

    it("a query without a place tells places apart, or adds them up",
      function()
        for by, expected in pairs { location = { 3, 4 }, product = { 7 } } do
          start { by = by }
          post { pos = { inbound = 3 } }
          post({ pos = { inbound = 4 } }, { locationId = "B2" })
          local values = {}
          for index, row in ipairs(app:rows { filters = ANYWHERE }) do
            values[index] = row.quantities.pos.inbound
          end
          assert.are.same(expected, values)
          App.finish(app)
        end
      end)

    it("neither site and location nor product is no rule", function()
      start()
      expect.invalid(app:post("/configuration/hardupdate",
        App.document(examples.document "location", {
          partitionConfiguration = { useDimensions = false } }, app.id)),
        "bad_configuration")
    end)
  end)

  describe("7.8, combinations of reservation dimensions:", function()
    local ALL = { SiteId = "10", LocationId = "A1", ColorId = "red",
      SizeId = "S", StyleId = "wide", BatchId = "b-1" }

    local COMBINATIONS = {
      { "SiteId LocationId" },
      { "SiteId LocationId ColorId" },
      { "SiteId LocationId ColorId SizeId" },
      { "SiteId LocationId ColorId SizeId StyleId" },
      { "SiteId LocationId SizeId" },
      { "SiteId ColorId", location = "missing_partition" },
      { "", location = "missing_partition" },
      { "SiteId LocationId BatchId", location = "dimension_not_reservable",
        product = "dimension_not_reservable", dropped = true },
    }

    local function dimensions(names)
      local result = json.object()
      for name in names:gmatch "%a+" do result[name] = ALL[name] end
      return result
    end

    local function check(case, by, version)
      start { by = by, patch = { reservConfiguration = { version = version,
        keys = { "siteid", "locationid", "colorid", "sizeid", "styleid" } } } }
      post({ pos = { inbound = 10 } }, nil, dimensions
        "SiteId LocationId ColorId SizeId StyleId BatchId")
      local reply = app:reserve(1, { dimensions = dimensions(case[1]) })
      local word = case[by]
      if word == "missing_partition" then
        expect.refused(reply, word)
      elseif word and not (case.dropped and version == 1) then
        expect.invalid(reply, word)
      else
        expect.ok(reply)
        assert.are.equal(1, app:total("iv.softreserved", ANYWHERE))
      end
    end

    for _, by in ipairs { "location", "product" } do
      for version = 0, 1 do
        for _, case in ipairs(COMBINATIONS) do
          it(("by %s, filtering %s, (%s)"):format(by,
            version == 1 and "on" or "off", case[1]),
            function() check(case, by, version) end)
        end
      end
    end

    it("a dimension that is not configured fails though it is empty",
      function()
        start()
        post { pos = { inbound = 10 } }
        expect.invalid(app:reserve(1,
          { dimensions = App.place { BatchId = "" } }),
          "dimension_not_reservable")
      end)

    it("what is dropped is not in the record", function()
      start { patch = { reservConfiguration = { version = 1 } } }
      post { pos = { inbound = 10 } }
      local plain = expect.ok(app:reserve(1)).reservationId
      assert.are.equal(plain, expect.ok(app:reserve(2,
        { dimensions = App.place { BatchId = "b-1" } })).reservationId)
      expect.ok(app:unreserve(plain, 3,
        { dimensions = App.place { BatchId = "b-1" } }))
      assert.are.equal(10, available())
    end)
  end)

  describe("10, available for reservation is 10:", function()
    before_each(function()
      start { patch = { inventorySystemConfigurations = { iv = {
        physicalMeasures = { "softreservphysical" },
        calculatedMeasures = { availabletoreserve = formula(
          { "fno.availphysical", "pos.inbound" },
          { "pos.outbound", "iv.softreservphysical" }) },
        reservMappings = { softreserved = json.null,
          softreservphysical = "iv.availabletoreserve" } },
        ["@iv"] = { calculatedMeasures = {
          ["@available_to_allocate"] = json.null } } } } }
      post { fno = { availphysical = 70 },
        pos = { inbound = 50, outbound = 20 },
        iv = { softreservphysical = 90 } }
    end)

    local function reserve(quantity, checked)
      return app:reserve(quantity, { modifier = "SoftReservPhysical",
        ifCheckAvailForReserv = checked })
    end

    local function expect_state(reserved, left)
      assert.are.same({ reserved, left },
        { app:total "iv.softreservphysical", available() })
    end

    it("10 are reserved", function()
      expect.ok(reserve(10))
      expect_state(100, 0)
    end)

    it("11 are refused", function()
      expect.refused(reserve(11), "insufficient_available", 10)
      expect_state(90, 10)
    end)

    it("11 are reserved without the check", function()
      expect.ok(reserve(11, false))
      expect_state(101, -1)
    end)
  end)

  it("10 a hundred of ten, with the check and without it", function()
    start()
    post { iv = { onhand = 10 } }
    local function reserve(quantity, checked)
      return app:reserve(quantity, { ifCheckAvailForReserv = checked })
    end
    expect.refused(reserve(100, true), "insufficient_available", 10)
    expect.status(reserve(100, false), 200)
    assert.are.equal(-90, available())
    expect.refused(reserve(-100, true), "negative_quantity")
    expect.status(reserve(-100, false), 200)
    assert.are.equal(10, available())
  end)

  it("10 by product a reservation without a place sees all places", function()
    start { by = "product" }
    post { pos = { inbound = 10 } }
    expect.ok(app:reserve(10, { dimensions = NOWHERE }))
    expect.refused(app:reserve(1, { dimensions = NOWHERE }),
      "insufficient_available", 0)
  end)

  it("10 two reservations of one key are one record", function()
    start()
    post { pos = { inbound = 10 } }
    local first = expect.ok(app:reserve(3)).reservationId
    assert.are.equal(first, expect.ok(app:reserve(4)).reservationId)
    local list = expect.ok(app:get "/reservations").Value
    assert.are.same({ 1, 7, first },
      { #list, list[1].quantity, list[1].reservationId })
    assert.is_true(#first <= 100)
  end)

  it("10 levels are independent of each other", function()
    start { patch = OWN_LEVEL_ONLY }
    local red = { ColorId = "red" }
    local small = { ColorId = "red", SizeId = "small" }
    post({ pos = { inbound = 10 } }, small)
    expect.ok(app:reserve(8, { dimensions = App.place(red) }))
    assert.are.same({ [""] = 8, small = 0 }, examples.by(
      app:rows { groupByValues = { "SizeId" } }, { "SizeId" },
      "iv.softreserved"))
    assert.are.equal(10, available(App.filters {
      ColorId = { "red" }, SizeId = { "small" } }))
    expect.ok(app:reserve(8, { dimensions = App.place(small) }))
    assert.are.equal(-6, available())
  end)

  it("10 levels together sell nothing twice when that is checked", function()
    start()
    local small = { ColorId = "red", SizeId = "small" }
    post({ pos = { inbound = 10 } }, small)
    expect.ok(app:reserve(8, { dimensions = App.place { ColorId = "red" } }))
    expect.refused(app:reserve(8, { dimensions = App.place(small) }),
      "insufficient_available", 2)
    assert.are.equal(2, available())
  end)

  it("10 a bulk of 6, 6 and 4 out of 10", function()
    start()
    post { pos = { inbound = 10 } }
    expect.buckets(app:post("/onhand/reserve/bulk", {
      app:reservation(6, { id = "a" }), app:reservation(6, { id = "b" }),
      app:reservation(4, { id = "c" }) }),
      { success = { "a", "c" }, failure = { "b" } })
    assert.are.equal(0, available())
  end)

  it("10 quantities say what quantity, source and modifier say", function()
    start()
    post { pos = { inbound = 10 } }
    local body = app:reservation(nil, {
      quantities = { iv = { softreserved = 4 } } })
    body.quantityDataSource, body.modifier = nil, nil
    expect.ok(app:post("/onhand/reserve", body))
    assert.are.same({ 4, 6 }, { app:total "iv.softreserved", available() })
  end)

  describe("11.1, an offset", function()
    local record

    local function reserved(quantity)
      start()
      post { pos = { inbound = 100 } }
      record = expect.ok(app:reserve(quantity)).reservationId
    end

    local function offset(quantity, status, invalid, more)
      expect.body(app:unreserve(record, quantity, more), {
        processingStatus = status, totalInvalidOffsetQtyByReservId = invalid })
    end

    it("of 10 from 100 leaves 90", function()
      reserved(100)
      offset(10, "success", 0)
      assert.are.same({ 90, 10 }, { app:total "iv.softreserved", available() })
    end)

    it("of 12 from 10 is too much by 2", function()
      reserved(10)
      offset(12, "partialSuccess", 2)
      assert.are.same({ 0, 100 }, { app:total "iv.softreserved", available() })
    end)

    it("of an unknown record is not found, single and in bulk", function()
      reserved(10)
      local known = record
      record = "nobody"
      expect.not_found(app:unreserve(record, 4), "unknown_reservation")
      offset(4, "failure", 4)
      expect.buckets(app:post("/onhand/unreserve/bulk", {
        app:reversal("nobody", 1, { id = "x" }),
        app:reversal(known, 1, { id = "y" }),
        app:reversal(known, 10, { id = "z" }),
      }), { notFound = { "x" }, success = { "y" }, partialSuccess = { "z" } })
    end)

    it("at other dimensions is not found", function()
      reserved(10)
      offset(4, "failure", 4, { dimensions = App.place { ColorId = "red" } })
      assert.are.equal(10, app:total "iv.softreserved")
    end)

    it("needs no product", function()
      reserved(10)
      offset(4, "success", 0, { productId = json.null })
    end)

    it("may be a negative reservation without the check", function()
      reserved(10)
      assert.are.equal(record, expect.ok(app:reserve(-4,
        { ifCheckAvailForReserv = false })).reservationId)
      offset(7, "partialSuccess", 1)
    end)
  end)

  it("11.2 the ERP ships and takes the reservation back", function()
    start()
    post { pos = { inbound = 20 } }
    local record = expect.ok(app:reserve(5)).reservationId
    assert.are.equal(15, available())
    post { pos = { outbound = 5 } }
    assert.are.equal(10, available())
    expect.ok(app:unreserve(record, 5))
    assert.are.equal(15, available())
  end)

  it("11.3 what was sold before the ERP booked it is offset once", function()
    start { patch = { inventorySystemConfigurations = {
      pos = { physicalMeasures = { "inbound", "outbound", "sold" } },
      iv = { calculatedMeasures = { availabletoreserve = formula(
        { "fno.availphysical" }, { "pos.sold", "iv.softreserved" }) } },
      ["@iv"] = json.null } } }
    post { fno = { availphysical = 30 }, pos = { sold = 10 } }
    assert.are.equal(20, available())
    post { fno = { availphysical = -10 }, pos = { sold = -10 } }
    assert.are.same({ 0, 20 }, { app:total "pos.sold", available() })
  end)
end)

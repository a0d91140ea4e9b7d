-- examples_atp_spec.lua - the worked examples of the hosted contract about
-- scheduled changes and what is available to promise, by their numbers.

local App = require "tests.support.app"
local Clock = require "tests.conformance.clock"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local formula = examples.formula

local DAY_SECONDS = 24 * 3600

-- What makes the documents of these examples out of the usual one: two
-- sources, so that replies can be compared whole.
local function patch(more)
  return json.merge(json.object {
    inventorySystemConfigurations = {
      fno = json.null, ecommerce = json.null, ["@iv"] = json.null,
      pos = { dimensionMappings = json.null, calculatedMeasures = json.null },
      iv = { physicalMeasures = json.null, reservMappings = json.null,
        calculatedMeasures = { availabletoreserve = json.null,
          onhand = formula({ "pos.inbound" }, { "pos.outbound" }) } },
    },
    allocationConfiguration = json.null,
    scheduleConfiguration = {
      isScheduleEnabled = true, isScheduleV2 = true, schedulePeriodInDays = 7,
      indexAttributeSets = {
        { setNumber = 1, keys = { "colorid", "sizeid" } } },
      atpCalculatedMeasures = { iv = { onhand = 7 } },
    },
  }, json.object(more))
end

describe("example", function()
  local app, clock

  after_each(function() App.finish(app) end)

  -- A server at this time of the examples' year.
  local function start(options)
    if not Clock.available() then pending "libfaketime is not installed" end
    options = options or {}
    options.stopped = true
    if not options.config then options.patch = patch(options.patch) end
    app = examples.start(options)
    clock = Clock.new(options.at or "2031-02-01T09:00:00Z", app.server.root)
    app.server.options.environment = clock:environment()
    app.server:start()
  end

  -- Every timer of the server jumps with its clock, those of connections too.
  local function move(text)
    clock:move(text)
    app:disconnect()
  end

  local function day(offset)
    return os.date("!%Y-%m-%d", clock:now() + (offset or 0) * DAY_SECONDS)
  end

  local PLACE = App.place { ColorId = "red", SizeId = "small" }

  local function body(by_date, more)
    more = json.copy(more or {})
    more.quantities, more.quantitiesByDate = json.null, by_date
    more.dimensions = more.dimensions or PLACE
    return app:event({}, more)
  end

  local function try(by_date, more)
    return app:post("/onhand/changeschedule", body(by_date, more))
  end

  local function schedule(by_date, more)
    return expect.ok(try(by_date, more))
  end

  local function post(quantities)
    return examples.post(app, quantities, nil, PLACE)
  end

  local function ask(more)
    local query = json.object { groupByValues = { "ColorId", "SizeId" },
      QueryATP = true }
    return app:query(json.merge(query, json.object(more)))
  end

  local function row(more) return rows.of(expect.ok(ask(more)))[1] end

  -- The days of a measure in order, and which is the first.
  local function promised(more, measure)
    local source, name = (measure or "iv.onhand"):match "^(.+)%.(.+)$"
    local found = row(more).atpQuantities
    local names = {}
    for key in pairs(found) do names[#names + 1] = key end
    table.sort(names)
    local values = {}
    for index, key in ipairs(names) do
      values[index] = found[key][source][name]
    end
    return values, names[1]
  end

  local function expect_days(values, first, more)
    local found, from = promised(more)
    assert.are.same(values, found)
    assert.are.equal((first or day()) .. "T00:00:00Z", from)
  end

  describe("14.4, a week from 20 on hand:", function()
    before_each(function()
      start()
      post { pos = { inbound = 20 } }
      schedule { [day()] = { pos = { outbound = 3 } } }
    end)

    local function supply()
      schedule { [day(2)] = { pos = { inbound = 10 } } }
    end

    local function everything()
      supply()
      schedule { [day(3)] = { pos = { outbound = 15 } },
        [day(4)] = { pos = { inbound = 1 } },
        [day(5)] = { pos = { inbound = 3 } } }
    end

    local function ship()
      post { pos = { outbound = 3 } }
      schedule { [day()] = { pos = { outbound = -3 } } }
    end

    it("a demand of 3 today", function()
      expect_days { 17, 17, 17, 17, 17, 17, 17 }
    end)

    it("a supply of 10 in two days", function()
      supply()
      expect_days { 17, 17, 27, 27, 27, 27, 27 }
    end)

    it("a demand of 15 and two small supplies", function()
      everything()
      expect_days { 12, 12, 12, 12, 13, 16, 16 }
    end)

    it("the demand of today is shipped", function()
      everything()
      ship()
      expect_days { 12, 12, 12, 12, 13, 16, 16 }
      assert.are.equal(17, app:total "iv.onhand")
    end)

    it("the next day", function()
      everything()
      ship()
      move "+1d"
      expect_days({ 12, 12, 12, 13, 16, 16, 16 }, "2031-02-02")
    end)

    it("what was due and never came is promised no more", function()
      everything()
      ship()
      move "+3d"
      expect_days({ 2, 3, 6, 6, 6, 6, 6 }, "2031-02-04")
      assert.are.equal(17, app:total "iv.onhand")
    end)
  end)

  it("14.4 a reply", function()
    start()
    post { pos = { inbound = 10 } }
    schedule { [day(1)] = { pos = { outbound = 5 } },
      [day(5)] = { pos = { inbound = 7 } } }
    local found = row()
    assert.are.same({
      ["2031-02-02T00:00:00"] = { pos = { inbound = 0, outbound = 5 },
        iv = { onhand = -5 } },
      ["2031-02-06T00:00:00"] = { pos = { inbound = 7, outbound = 0 },
        iv = { onhand = 7 } },
    }, found.quantitiesByDate)
    local days = {}
    for index, value in ipairs { 5, 5, 5, 5, 5, 12, 12 } do
      days[("2031-02-%02dT00:00:00Z"):format(index)] = { iv = {
        onhand = value } }
    end
    assert.are.same(days, found.atpQuantities)
    assert.are.same({ pos = { inbound = 10, outbound = 0 },
      iv = { onhand = 10 } }, found.quantities)
    assert.are.same({ siteid = "10", locationid = "A1", ColorId = "red",
      SizeId = "small" }, found.dimensions)
    assert.are.equal(App.PRODUCT, found.productId)
  end)

  it("14.4 thirty days with nothing on hand", function()
    start { at = "2031-09-26T12:00:00Z", patch = { scheduleConfiguration = {
      schedulePeriodInDays = 30 } } }
    schedule { ["2031-10-01"] = { pos = { inbound = 10 } } }
    schedule { ["2031-10-02"] = { pos = { inbound = 10 } } }
    local expected = { 0, 0, 0, 0, 0, 10 }
    for index = 7, 30 do expected[index] = 20 end
    expect_days(expected, "2031-09-26")
    local found = row()
    assert.is_truthy(found.atpQuantities["2031-10-25T00:00:00Z"])
    assert.are.same({}, found.quantities)
  end)

  it("14.4 two measures are told for every day", function()
    start { patch = {
      inventorySystemConfigurations = { pos = { calculatedMeasures = {
        net = formula({}, { "pos.outbound" }) } } },
      scheduleConfiguration = { atpCalculatedMeasures = {
        iv = { onhand = 7 }, pos = { net = 7 } } } } }
    post { pos = { inbound = 10 } }
    schedule { [day(1)] = { pos = { outbound = 4 } } }
    expect_days { 6, 6, 6, 6, 6, 6, 6 }
    assert.are.same({ -4, -4, -4, -4, -4, -4, -4 },
      (promised(nil, "pos.net")))
  end)

  it("14.1 a schedule changes nothing on hand", function()
    start()
    post { pos = { inbound = 10 } }
    expect.body({ status = 200, body = "", json = schedule(
      { [day()] = { pos = { outbound = 4 } } }, { id = "s1" }) },
      { id = "ohcs~s1", processingStatus = "success", message = "",
        statusCode = 200 })
    assert.are.equal(10, app:total "iv.onhand")
    local plain = app:rows { groupByValues = { "ColorId", "SizeId" } }[1]
    assert.is_nil(plain.atpQuantities)
    assert.is_nil(plain.quantitiesByDate)
  end)

  it("14.1 values add up, and a negative one takes back", function()
    start()
    schedule { [day(1)] = { pos = { inbound = 4 } } }
    schedule { [day(1)] = { pos = { inbound = 5 } } }
    schedule { [day(1)] = { pos = { inbound = -2 } } }
    expect_days { 0, 7, 7, 7, 7, 7, 7 }
  end)

  it("14.1 dates are days, written in three ways", function()
    start()
    for _, text in ipairs { "2031-02-03", "2031-02-03T00:00:00Z",
      "Mon Feb 03 2031" } do
      schedule { [text] = { pos = { inbound = 1 } } }
    end
    expect_days { 0, 0, 3, 3, 3, 3, 3 }
    expect.invalid(try { soon = { pos = { inbound = 1 } } }, "invalid_field")
  end)

  it("14.1 from today on for the period, and not a day beyond", function()
    start()
    schedule { [day()] = { pos = { inbound = 1 } },
      [day(6)] = { pos = { inbound = 1 } } }
    for _, offset in ipairs { -1, 7 } do
      expect.invalid(try {
        [day(1)] = { pos = { inbound = 1 } },
        [day(offset)] = { pos = { inbound = 1 } },
      }, "date_out_of_window", "quantitiesByDate." .. day(offset))
    end
    expect_days { 1, 1, 1, 1, 1, 1, 2 }
  end)

  it("14.1 a bulk has six buckets and independent lines", function()
    start()
    local function line(id, date)
      return body({ [date] = { pos = { inbound = 1 } } }, { id = id })
    end
    expect.buckets(app:post("/onhand/changeschedule/bulk", {
      line("a", day()), line("b", day(99)), line("c", day(1)) }),
      { success = { "a", "c" }, failure = { "b" } })
    expect_days { 1, 2, 2, 2, 2, 2, 2 }
    local many = {}
    for index = 1, 513 do many[index] = line("m" .. index, day()) end
    expect.invalid(app:post("/onhand/changeschedule/bulk", many),
      "too_many_items")
  end)

  it("14.2 the days that are printed never change what is computed",
    function()
      start()
      post { pos = { inbound = 20 } }
      schedule { [day(3)] = { pos = { outbound = 15 } } }
      expect_days({ 5, 5 }, "2031-02-02",
        { ATPFromDate = day(1), ATPToDate = day(2) })
      expect_days({ 5, 5, 5 }, "2031-02-05", { atpfromdate = day(4) })
      expect_days({ 5, 5 }, "2031-02-01", { ATPTODATE = day(1) })
    end)

  it("14.2 promises may be negative, whatever else is left out", function()
    start()
    schedule { [day(1)] = { pos = { outbound = 5 } } }
    expect_days({ -5, -5, -5, -5, -5, -5, -5 }, nil,
      { returnNegative = false })
  end)

  describe("14.2, groups and filters of a promise:", function()
    before_each(function()
      start { patch = { scheduleConfiguration = { indexAttributeSets = {
        { setNumber = 1, keys = { "colorid", "sizeid" } },
        { setNumber = 2, keys = { "styleid" } } } } } }
      post { pos = { inbound = 4 } }
    end)

    it("one index set exactly, in any order", function()
      expect_days({ 4, 4, 4, 4, 4, 4, 4 }, nil,
        { groupByValues = { "sizeid", "COLORID" } })
      expect.ok(ask { groupByValues = { "StyleId" } })
    end)

    for _, names in ipairs { {}, { "ColorId" }, { "ColorId", "SizeId",
      "StyleId" }, { "ColorId", "StyleId" }, { "BatchId" } } do
      it(("not (%s)"):format(table.concat(names, ", ")), function()
        expect.invalid(ask { groupByValues = json.array(names) },
          "atp_group_by")
      end)
    end

    it("no filter beside the place and the set", function()
      expect_days({ 4, 4, 4, 4, 4, 4, 4 }, nil, { filters = App.filters {
        ColorId = { "red" } } })
      expect.status(ask { filters = App.filters { BatchId = { "" } } }, 400)
    end)
  end)

  it("14.2 groups are promised for each by itself", function()
    start()
    for index, color in ipairs { "red", "blue" } do
      local dimensions = App.place { ColorId = color, SizeId = "S" }
      examples.post(app, { pos = { inbound = 10 * index } }, nil, dimensions)
      schedule({ [day(index)] = { pos = { outbound = 3 * index } } },
        { dimensions = dimensions })
    end
    local list = rows.of(expect.ok(ask()))
    for color, value in pairs { red = 7, blue = 14 } do
      local found = rows.one(list, { dimensions = { ColorId = color } })
      assert.are.equal(value,
        found.atpQuantities[day() .. "T00:00:00Z"].iv.onhand)
    end
  end)

  it("14.2 every kind of query promises", function()
    start()
    post { pos = { inbound = 10 } }
    schedule { [day(1)] = { pos = { outbound = 4 } } }
    local wanted = row()
    local got = expect.ok(app:get("/onhand?organizationId=acme&productId=LAMP"
      .. "&siteId=10&locationId=A1&groupBy=ColorId,SizeId"
      .. "&returnNegative=true&queryatp=true"))
    assert.are.same({ wanted }, got)
    got = rows.of(expect.ok(app:post("/onhand/exactquery", {
      filters = { organizationId = { App.ORGANIZATION },
        productId = { App.PRODUCT },
        dimensions = { "siteId", "locationId", "colorId", "sizeId" },
        values = { { "10", "A1", "red", "small" } } },
      returnNegative = true, queryATP = true })))
    assert.are.same({ wanted }, got)
  end)

  it("7.6 a schedule is legal under both partition rules", function()
    for _, by in ipairs { "location", "product" } do
      start { by = by }
      schedule { [day()] = { pos = { inbound = 2 } } }
      expect_days { 2, 2, 2, 2, 2, 2, 2 }
      App.finish(app)
    end
  end)

  it("7.10 the period of the older kind stands with its measure", function()
    start { patch = { scheduleConfiguration = { isScheduleV2 = false,
      schedulePeriodInDays = json.null,
      atpCalculatedMeasures = { iv = { onhand = 3 } } } } }
    schedule { [day(2)] = { pos = { inbound = 2 } } }
    expect_days { 0, 0, 2 }
    expect.invalid(try { [day(3)] = { pos = { inbound = 1 } } },
      "date_out_of_window")
  end)

  it("A10 a schedule and a promise of it", function()
    start { at = "2026-02-01T09:00:00Z", config = examples.exported() }
    local function send(path, text)
      return app:post(path, nil, { raw = text })
    end
    expect.body(send("/onhand/changeschedule", [[
      {"id":"sch-0001","organizationId":"usmf","productId":"Bike",
       "dimensions":{"SiteId":"1","LocationId":"11","ColorId":"red",
                     "SizeId":"small"},
       "quantitiesByDate":{"2026-02-03":{"pos":{"inbound":10}},
                           "2026-02-04":{"pos":{"outbound":15}}}}]]),
      { id = "ohcs~sch-0001", processingStatus = "success", message = "",
        statusCode = 200 })
    local found = rows.of(expect.ok(send("/onhand/indexquery", [[
      {"filters":{"organizationId":["usmf"],"productId":["Bike"],
        "siteId":["1"],"locationId":["11"]},
       "groupByValues":["ColorId","SizeId"],"returnNegative":true,
       "QueryATP":true,"ATPFromDate":"2026-02-01","ATPToDate":"2026-02-07"}]]
    )))[1]
    local days = {}
    for number = 1, 7 do
      days[("2026-02-%02dT00:00:00Z"):format(number)] = {
        pos = { availquantity = -5 } }
    end
    assert.are.same(days, found.atpQuantities)
    local function scheduled(date)
      return found.quantitiesByDate[date .. "T00:00:00"].pos
    end
    assert.are.same({ inbound = 10, outbound = 0, availquantity = 10 },
      scheduled "2026-02-03")
    assert.are.same({ inbound = 0, outbound = 15, availquantity = -15 },
      scheduled "2026-02-04")
  end)

  it("17 the translated path, and any letter case", function()
    start()
    for _, path in ipairs { "/on-hand/changeschedule",
      "/OnHand/ChangeSchedule/" } do
      expect.ok(app:post(path, body { [day()] = { POS = { InBound = "1" } } }))
    end
    local event = body()
    event.QuantitiesByDate = { [day()] = { pos = { inbound = 1 } } }
    event.quantitiesByDate = nil
    expect.ok(app:post("/onhand/changeschedule", event))
    expect_days({ 3, 3, 3, 3, 3, 3, 3 }, nil,
      { QueryATP = json.null, queryatp = true })
  end)
end)

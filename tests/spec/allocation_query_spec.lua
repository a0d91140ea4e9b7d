-- allocation_query_spec.lua - POST /allocation/query, GET /allocation/records,
-- and changing the list of groups while there are records.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local match = require "tests.support.match"

local groups = Allocations.groups
local WEB = groups "web"
local GOLD = groups("web", "gold")
local NORWAY = groups("web", "gold", "NO")
local SHOP = groups "shop"
local RED = App.place { ColorId = "red" }
local BLUE = App.place { ColorId = "blue" }

describe("allocation records", function()
  local app, stock

  before_each(function()
    app = App.start()
    stock = Allocations.new(app)
  end)

  after_each(function() App.finish(app) end)

  -- The groups and what is allocated of a list of records.
  local function amounts(records)
    local result = {}
    for index, record in ipairs(records) do
      result[index] = { record.groups.channel, record.groups.segment or "",
        record.groups.country or "", record.allocated }
    end
    return result
  end

  local function fill()
    app:put(100)
    app:put(16, { dimensions = RED })
    expect.ok(stock:allocate(WEB, 1))
    expect.ok(stock:allocate(GOLD, 2))
    expect.ok(stock:allocate(NORWAY, 4))
    expect.ok(stock:allocate(SHOP, 8))
    expect.ok(stock:allocate(WEB, 16, { dimensions = RED }))
  end

  local function all_pages(limit)
    local pages, link = {}, "/allocation/records?limit=" .. limit
    while link do
      local body = expect.ok(app:get(link))
      assert.is_true(#body.Value <= limit)
      pages[#pages + 1] = body.Value
      link = body.nextLink ~= "" and "/" .. body.nextLink or nil
    end
    return pages
  end

  it("are found by exactly their groups and dimensions", function()
    fill()
    assert.are.same({ { "web", "", "", 1 } }, amounts(stock:query(WEB)))
    assert.are.same({ { "web", "gold", "", 2 } }, amounts(stock:query(GOLD)))
    assert.are.same({ { "web", "", "", 16 } },
      amounts(stock:query(json.object(), { dimensions = RED })))
    assert.are.same({}, stock:query(GOLD, { dimensions = RED }))
    assert.are.same({}, stock:query(WEB, { dimensions = BLUE }))
    assert.are.same({}, stock:query(WEB, { organizationId = "other" }))
    assert.are.same({}, stock:query(WEB, { productId = "OTHER" }))
    assert.are.same({}, stock:query(groups "Web"))
  end)

  it("of a place come in one order, a parent before its children", function()
    fill()
    local found = { { "web", "", "", 1 }, { "web", "gold", "", 2 },
      { "web", "gold", "NO", 4 }, { "shop", "", "", 8 } }
    assert.are.same(found, amounts(stock:query()))
    assert.are.same(found, amounts(stock:query(json.null)))
  end)

  it("below some groups are found by prefix", function()
    fill()
    local function below(target) return #stock:query(target, { prefix = true }) end
    assert.are.same({ 3, 2, 1, 1, 4, 0 }, { below(WEB), below(GOLD),
      below(NORWAY), below(SHOP), below(json.object()), below(groups "w") })
  end)

  it("tell what they had and what can still be had", function()
    fill()
    expect.ok(stock:consume(GOLD, 1))
    expect.ok(stock:reallocate(SHOP, GOLD, 3))
    expect.body({ status = 200, body = "", json = stock:query(GOLD) }, {
      { organizationId = "acme", productId = "LAMP",
        dimensions = { siteid = "10", locationid = "A1" }, groups = GOLD,
        allocated = 4, consumed = 1, cumulativeAllocated = 5,
        cumulativeConsumed = 1, available_to_allocate = 86 } })
    app:put(-3, { dimensions = RED })
    assert.are.equal(-3,
      stock:query(WEB, { dimensions = RED })[1].available_to_allocate)
  end)

  it("stay when nothing is left in them", function()
    app:put(3)
    expect.ok(stock:allocate(GOLD, 3))
    expect.ok(stock:unallocate(GOLD, 3))
    stock:expect_records { { GOLD,
      { allocated = 0, cumulativeAllocated = 3, available_to_allocate = 3 } } }
  end)

  it("come with totals of every prefix when asked", function()
    fill()
    expect.ok(stock:consume(NORWAY, 1))
    local body = stock:query(NORWAY, { totals = true })
    assert.are.same({ { "web", "gold", "NO", 3 } }, amounts(body.Value))
    local ok, why = match.contains(body.totals, {
      { groups = json.object(), allocated = 14, consumed = 1,
        cumulativeAllocated = 15, cumulativeConsumed = 1 },
      { groups = WEB, allocated = 6, consumed = 1 },
      { groups = GOLD, allocated = 5, consumed = 1, cumulativeAllocated = 6 },
      { groups = NORWAY, allocated = 3, consumed = 1 },
    })
    assert.is_true(ok, why)
    body = stock:query(nil, { totals = true, prefix = true })
    assert.are.same({ 4, 1, 14 },
      { #body.Value, #body.totals, body.totals[1].allocated })
    body = stock:query(groups "nobody", { totals = true })
    assert.are.same({ 0, 2, 14, 0 }, { #body.Value, #body.totals,
      body.totals[1].allocated, body.totals[2].allocated })
  end)

  it("are asked for properly", function()
    local function invalid(word, field, more)
      more = more or {}
      more.id = json.null
      expect.invalid(stock:send("query", more.groups or json.object(), nil,
        more), word, field)
    end
    invalid("missing_field", "organizationId", { organizationId = json.null })
    invalid("missing_field", "productId", { productId = json.null })
    invalid("missing_field", "dimensions", { dimensions = json.null })
    invalid("unknown_dimension", "dimensions.nose",
      { dimensions = App.place { nose = "long" } })
    invalid("unknown_group", "groups.nose", { groups = { nose = "long" } })
    invalid("group_gap", "groups.country",
      { groups = { channel = "web", country = "NO" } })
    invalid("conflicting_fields", "targetGroups", { targetGroups = WEB })
    invalid("invalid_field", "prefix", { prefix = "yes" })
    invalid("invalid_field", "totals", { totals = 1 })
    expect.invalid(app:post("/allocation/query", json.array { 1 }),
      "invalid_field")
    expect.ok(app:post("/allocation/query", { organizationId = "acme",
      productId = "LAMP", dimensions = json.object() }))
  end)

  it("of one place may be very many", function()
    app:put(100000)
    local many = 3000
    for first = 1, many, 500 do
      local lines = {}
      for index = first, first + 499 do
        lines[#lines + 1] = stock:body(
          groups("web", ("segment-%04d"):format(index)), 1)
      end
      expect.buckets(app:post("/allocation/allocate/bulk", lines),
        { success = 500 })
    end
    local body = stock:query(WEB, { prefix = true, totals = true })
    assert.are.same({ many, many }, { #body.Value, body.totals[2].allocated })
    local seen = {}
    for _, record in ipairs(body.Value) do
      assert.is_nil(seen[record.groups.segment])
      seen[record.groups.segment] = true
    end
    local count = 0
    for _, page in ipairs(all_pages(1000)) do count = count + #page end
    assert.are.equal(many, count)
  end)

  it("of an environment are listed page by page", function()
    assert.are.same({ json.array() }, all_pages(10))
    fill()
    app:put(5, { productId = "TABLE" })
    for index = 1, 5 do app:put(1, { productId = "N" .. index }) end
    expect.ok(stock:allocate(GOLD, 5, { productId = "TABLE" }))
    for limit = 1, 7 do
      local found, sum = 0, 0
      local pages = all_pages(limit)
      for index, page in ipairs(pages) do
        assert.is_true(#page == limit or index == #pages)
        found = found + #page
        for _, record in ipairs(page) do sum = sum + record.allocated end
      end
      assert.are.same({ 6, 36 }, { found, sum })
    end
    local record = all_pages(10)[1][1]
    assert.are.same({ "acme", "LAMP" },
      { record.organizationId, record.productId })
    assert.is_table(record.dimensions)
    assert.are.equal("number", type(record.cumulativeConsumed))
  end)

  it("of other environments are not listed", function()
    local other = App.guid()
    App.finish(app)
    app = App.start { others = { [other] = json.object() } }
    stock = Allocations.new(app)
    fill()
    local reply = app:get("host:/api/environment/" .. other ..
      "/allocation/records")
    assert.are.same({}, expect.ok(reply).Value)
    reply = app:get("host:/api/environment/" .. other ..
      "/allocation/records?after=00")
    expect.invalid(reply, "invalid_field", "after")
  end)

  it("are listed with the parameters there are", function()
    for query, field in pairs { ["limit=0"] = "limit", ["limit=1001"] = "limit",
      ["after=xyz"] = "after", ["after=abc"] = "after",
      ["after=" .. ("00"):rep(600)] = "after", ["productId=LAMP"] = "productId",
    } do
      expect.invalid(app:get("/allocation/records?" .. query), "invalid_field",
        field)
    end
  end)

  it("show in the totals of queries at every level", function()
    app:put(50, { dimensions = RED })
    app:put(50, { dimensions = BLUE })
    expect.ok(stock:allocate(WEB, 7, { dimensions = RED }))
    expect.ok(stock:allocate(GOLD, 5, { dimensions = BLUE }))
    expect.ok(stock:consume(GOLD, 2, { dimensions = BLUE }))
    local function totals(filters, by)
      return { app:total("@iv.@allocated", App.filters(filters), by),
        app:total("@iv.@consumed", App.filters(filters), by) }
    end
    assert.are.same({ 10, 2 }, totals())
    assert.are.same({ 10, 2 }, totals({ locationId = json.null }))
    assert.are.same({ 10, 2 }, totals({}, { "ColorId" }))
    assert.are.same({ 7, 0 }, totals { ColorId = { "red" } })
    assert.are.same({ 3, 2 }, totals { ColorId = { "blue" } })
    assert.are.same({ 10, 2 }, totals({}, { "BatchId", "SizeId" }))
  end)

  describe("and the list of groups:", function()
    local function update(names)
      local order = json.object()
      for index, name in ipairs(names) do order[name] = "g" .. index - 1 end
      return app:post("/configuration/hardupdate", App.document(
        "standard.json", { allocationConfiguration = {
          groups = names, groupsOrder = json.merge(
            json.object { channel = json.null, segment = json.null,
              country = json.null }, order) } }, app.id))
    end

    it("one more may come below while the server runs", function()
      fill()
      expect.ok(update { "channel", "segment", "country", "store" })
      assert.are.equal(4, stock:record(NORWAY).allocated)
      local store = json.merge(NORWAY, { store = "Oslo" })
      expect.ok(stock:reallocate(NORWAY, store, 1))
      expect.ok(stock:allocate(store, 1))
      assert.are.same({ 3, 2 }, { stock:record(NORWAY).allocated,
        stock:record(store).allocated })
      assert.are.equal(2, #stock:query(NORWAY, { prefix = true }))
      assert.are.equal(5,
        stock:query(NORWAY, { totals = true }).totals[4].allocated)
    end)

    it("none may go or move while there are records, which are listed",
      function()
        fill()
        for _, names in ipairs { { "channel", "segment" },
          { "segment", "channel", "country" },
          { "store", "channel", "segment", "country" } } do
          local body = expect.conflict(update(names), "data_present")
          expect.body({ status = 409, body = "", json = body },
            { message = { ["$contains"] = { "5 allocation records",
              "GET /allocation/records" } } })
        end
        expect.ok(stock:allocate(NORWAY, 1))
        local listed = all_pages(100)[1]
        assert.are.equal(5, #listed)
        assert.are.equal(5, stock:record(NORWAY).allocated)
      end)

    it("any may go when the records have been erased", function()
      fill()
      expect.conflict(update { "store" }, "data_present")
      local ids = expect.ok(app:get "/allpartitionids")
      expect.ok(app:call("DELETE", "/partitions/cleanupalldata", ids))
      assert.are.same({}, all_pages(10)[1])
      expect.ok(update { "store" })
      app:put(5)
      expect.ok(stock:allocate({ store = "Oslo" }, 5))
    end)

    it("any may go where nothing was ever allocated", function()
      app:put(5)
      expect.ok(update { "store" })
      expect.invalid(stock:allocate(WEB, 1), "unknown_group", "groups.channel")
      expect.ok(stock:allocate({ store = "Oslo" }, 1))
      assert.are.equal(1, #stock:query())
    end)
  end)
end)

-- examples_allocation_spec.lua - the worked examples of the hosted contract
-- about allocation, by their numbers.
--
-- The table of effects (12.4) and the steps of 12.7 are told literally in
-- allocation_spec.lua, "by the table of effects" and "goes through the steps of
-- the worked example".

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local formula = examples.formula

-- Groups by the documented names, highest first.
local function groups(channel, customer, region)
  return json.object { channel = channel, customerGroup = customer,
    region = region }
end

local VIP = groups("Online", "VIP")
local EU = groups("Online", "VIP", "EU")

describe("example", function()
  local app, stock

  after_each(function() App.finish(app) end)

  local function start(options)
    app = examples.start(options)
    stock = Allocations.new(app)
  end

  local function allocated(target)
    return (stock:record(target) or { allocated = 0 }).allocated
  end

  local function available() return stock:total "@available_to_allocate" end

  describe("12.3, groups of Country, State and City:", function()
    before_each(function()
      start { patch = { allocationConfiguration = {
        groups = { "Country", "State", "City" } } } }
      examples.post(app, { pos = { inbound = 10 } })
    end)

    it("are filled from the highest down", function()
      for _, target in ipairs {
        { Country = "US" }, { State = "WA", Country = "US" },
        { City = "Redmond", State = "WA", Country = "US" },
      } do
        expect.ok(stock:allocate(target, 1))
        assert.are.equal(1, stock:record(target).allocated)
      end
    end)

    it("leave no gap, and are named as configured", function()
      expect.invalid(stock:allocate({ Country = "US", City = "Redmond" }, 1),
        "group_gap", "groups.City")
      expect.invalid(stock:allocate({ State = "WA" }, 1), "group_gap")
      expect.invalid(stock:allocate({ County = "King" }, 1), "unknown_group")
      expect.invalid(stock:allocate(json.object(), 1), "no_groups")
    end)
  end)

  it("12.3 a child inherits nothing and adds nothing up", function()
    start()
    examples.post(app, { pos = { inbound = 10 } })
    expect.ok(stock:allocate(VIP, 6))
    expect.refused(stock:unallocate(EU, 1), "insufficient_allocated", 0)
    expect.ok(stock:allocate(EU, 1))
    assert.are.same({ 6, 1 }, { allocated(VIP), allocated(EU) })
  end)

  it("12.4 by product an allocation without a place sees all places",
    function()
      start { by = "product" }
      examples.post(app, { pos = { inbound = 10 } })
      expect.ok(stock:allocate(VIP, 5))
      expect.ok(stock:allocate(VIP, 5, { dimensions = json.object() }))
      expect.refused(stock:allocate(VIP, 1, { dimensions = json.object() }),
        "insufficient_available", 0)
    end)

  it("12.6 records are found by their exact dimensions", function()
    start()
    examples.post(app, { pos = { inbound = 10 } }, { ColorId = "red" })
    expect.ok(stock:allocate(VIP, 5,
      { dimensions = App.place { ColorId = "red" } }))
    assert.are.same(json.array(), stock:query())
    assert.are.equal(1, #stock:query(json.object(),
      { dimensions = App.place { ColorId = "red" } }))
  end)

  describe("12.7, consuming as a soft reservation:", function()
    before_each(function()
      local pool = formula({ "fno.onordered", "pos.inbound" },
        { "iv.softreserved", "@iv.@allocated" })
      start { patch = { inventorySystemConfigurations = {
        iv = { calculatedMeasures = { availabletoreserve = json.null,
          available_to_reserve = pool },
          reservMappings = { softreserved = "iv.available_to_reserve" } },
        ["@iv"] = { calculatedMeasures = {
          ["@available_to_allocate"] = pool } } } } }
      examples.post(app, { pos = { inbound = 20 } })
      expect.ok(stock:allocate(VIP, 8))
      assert.are.same({ 12, 12 },
        { available(), app:total "iv.available_to_reserve" })
      expect.ok(stock:consume(VIP, 3, { physicalMeasures = {
        iv = { softreserved = "Addition" } } }))
    end)

    it("the pool stays", function()
      assert.are.same({ 5, 3, 20, 12, 12 }, { allocated(VIP),
        app:total "iv.softreserved", app:total "pos.inbound", available(),
        app:total "iv.available_to_reserve" })
    end)

    it("13 are refused, 12 are not", function()
      expect.refused(app:reserve(13), "insufficient_available", 12)
      expect.ok(app:reserve(12))
    end)
  end)

  it("12.7 five to a group, two back", function()
    start()
    examples.post(app, { iv = { onhand = 10 } })
    local target = groups("web", "VIP")
    expect.body(stock:allocate(target, 5), { processingStatus = "success" })
    expect.body(stock:unallocate(target, 2), { processingStatus = "success" })
    assert.are.same({ 3, 3, 7 },
      { allocated(target), stock:total "@allocated", available() })
  end)

  describe("12.7, a parent of 6 and a pool of 4:", function()
    before_each(function()
      start()
      examples.post(app, { pos = { inbound = 10 } })
      expect.ok(stock:allocate(VIP, 6))
    end)

    it("the child's 4 come from the parent", function()
      expect.ok(stock:reallocate(VIP, EU, 4))
      assert.are.same({ 2, 4, 4 },
        { allocated(VIP), allocated(EU), available() })
    end)

    it("the child's 4 come from the pool", function()
      expect.ok(stock:allocate(EU, 4))
      assert.are.same({ 6, 4, 0 },
        { allocated(VIP), allocated(EU), available() })
    end)
  end)

  it("12.4 no operation takes what is not above nothing", function()
    start()
    examples.post(app, { pos = { inbound = 10 } })
    expect.ok(stock:allocate(VIP, 5))
    for _, quantity in ipairs { 0, -1 } do
      for _, operation in ipairs { "allocate", "unallocate", "consume" } do
        expect.invalid(stock:send(operation, VIP, quantity),
          "invalid_quantity")
      end
      expect.invalid(stock:reallocate(VIP, EU, quantity), "invalid_quantity")
    end
  end)
end)

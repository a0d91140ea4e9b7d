-- allocation_share_spec.lua - allocating what there is: percentages, fills,
-- parts; and which levels an allocation must fit.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local groups = Allocations.groups
local WEB = groups "web"
local GOLD = groups("web", "gold")
local RED = App.place { ColorId = "red" }
local BLUE = App.place { ColorId = "blue" }

describe("an allocation of", function()
  local app, stock

  before_each(function()
    app = App.start()
    stock = Allocations.new(app)
  end)

  after_each(function() App.finish(app) end)

  local function take(more) return stock:allocate(WEB, nil, more) end

  local function quantity(reply) return expect.ok(reply).quantity end

  it("a percentage is rounded down, to whole units or as asked", function()
    app:put(10)
    assert.are.equal(3, quantity(take { percent = 33 }))
    assert.are.equal(2.31, quantity(take { percent = "33", scale = 2 }))
    assert.are.equal(4.6899, quantity(take { percent = 99.999, scale = 4 }))
    assert.are.equal(0.0001, quantity(take { percent = 100, scale = 6 }))
    assert.are.equal(10, stock:total "@allocated")
    expect.refused(take { percent = 100, scale = 6 },
      "insufficient_available", 0)
  end)

  it("a percentage that comes to nothing is refused", function()
    app:put(3)
    expect.refused(take { percent = 33 }, "insufficient_available", 3)
    expect.refused(take { percent = 50, minQuantity = 2 },
      "insufficient_available", 3)
    assert.are.equal(1, quantity(take { percent = 50, minQuantity = 1 }))
  end)

  it("a percentage lies above 0 and at 100 at most", function()
    app:put(3)
    for _, percent in ipairs { 0, -1, 100.000001, 101, "ten", 0.0000001 } do
      expect.invalid(take { percent = percent }, "invalid_quantity", "percent")
    end
    for _, scale in ipairs { -1, 7, 0.5, "two" } do
      expect.invalid(take { percent = 50, scale = scale }, "invalid_field",
        "scale")
    end
    assert.are.equal(0.00003, quantity(take { percent = 0.001, scale = 6 }))
  end)

  it("one kind goes without the others", function()
    app:put(3)
    expect.invalid(take { percent = 50, quantity = 1 }, "conflicting_fields",
      "percent")
    expect.invalid(take { percent = 50, fill = true }, "conflicting_fields",
      "percent")
    expect.invalid(take { quantity = 1, scale = 1 }, "conflicting_fields",
      "scale")
    expect.invalid(take { fill = false }, "missing_field", "quantity")
    expect.invalid(take { fill = "yes" }, "invalid_field", "fill")
    assert.are.equal(0, #app:events(1))
  end)

  it("all there is takes that, or no more than a ceiling", function()
    app:put(10.5)
    local body = expect.ok(take { fill = true, quantity = 4 })
    assert.are.same({ "success", 4 }, { body.processingStatus, body.quantity })
    body = expect.ok(take { fill = true, quantity = 40 })
    assert.are.same({ "partialSuccess", 6.5 },
      { body.processingStatus, body.quantity })
    expect.refused(take { fill = true }, "insufficient_available", 0)
    app:put(2)
    body = expect.ok(take { fill = true })
    assert.are.same({ "success", 2 }, { body.processingStatus, body.quantity })
    expect.invalid(take { fill = true, quantity = 0 }, "invalid_quantity",
      "quantity")
    expect.invalid(take { fill = true, quantity = -1 }, "invalid_quantity",
      "quantity")
    app:put(2)
    expect.refused(take { fill = true, minQuantity = 3 },
      "insufficient_available", 2)
  end)

  it("a part says how much it was", function()
    app:put(5)
    assert.are.equal(4, quantity(take { quantity = 4, allowPartial = true }))
    local body = expect.ok(take { quantity = 4, allowPartial = true })
    assert.are.same({ "partialSuccess", 1 },
      { body.processingStatus, body.quantity })
    app:put(2)
    expect.refused(take { quantity = 4, allowPartial = true, minQuantity = 3 },
      "insufficient_available", 2)
    expect.invalid(take { quantity = 4, minQuantity = -1 },
      "invalid_quantity", "minQuantity")
  end)

  it("a share is the same share when it is sent again", function()
    app:put(10)
    local half = stock:body(WEB, nil, { percent = 50 })
    for _ = 1, 3 do
      assert.are.equal(5, quantity(app:post("/allocation/allocate", half)))
    end
    half.percent = 51
    expect.conflict(app:post("/allocation/allocate", half))
    half.percent, half.scale = 50, 1
    expect.conflict(app:post("/allocation/allocate", half))
    assert.are.equal(5, stock:total "@allocated")
  end)

  it("a coarse level is seen at finer ones, and by reservations", function()
    app:put(10, { dimensions = RED })
    app:put(4, { dimensions = BLUE })
    expect.ok(stock:allocate(WEB, 9))
    local body = expect.refused(stock:allocate(WEB, 6, { dimensions = RED }),
      "insufficient_available", 5)
    assert.are.same({ "siteid", "locationid" }, body.binding.level)
    expect.ok(stock:allocate(GOLD, 3, { dimensions = RED }))
    expect.refused(app:reserve(3, { dimensions = RED }),
      "insufficient_available", 2)
    expect.refused(app:reserve(3), "insufficient_available", 2)
    expect.ok(app:reserve(2, { dimensions = BLUE }))
    expect.refused(stock:allocate(WEB, 1), "insufficient_available", 0)
    expect.ok(stock:unallocate(WEB, 2))
    expect.refused(stock:allocate(WEB, 3, { dimensions = BLUE }),
      "insufficient_available", 2)
    expect.ok(stock:allocate(WEB, 2, { dimensions = BLUE }))
    assert.are.same({ 12, 0 }, { stock:total "@allocated",
      app:total "iv.availabletoreserve" })
  end)

  it("a level off the path counts while something is allocated there",
    function()
      local small = App.place { SizeId = "S" }
      local red_small = App.place { ColorId = "red", SizeId = "S" }
      app:put(6, { dimensions = red_small })
      app:put(20, { dimensions = App.place { ColorId = "red", SizeId = "L" } })
      expect.ok(stock:allocate(WEB, 4, { dimensions = small }))
      expect.refused(stock:allocate(WEB, 3, { dimensions = red_small }),
        "insufficient_available", 2)
      expect.refused(app:reserve(3, { dimensions = red_small }),
        "insufficient_available", 2)
      expect.ok(stock:unallocate(WEB, 4, { dimensions = small }))
      expect.ok(stock:allocate(WEB, 6, { dimensions = red_small }))
    end)

  it("independent levels sees its own only", function()
    App.finish(app)
    app = App.start { patch = { ringfence = { hierarchyCheck = "independent" } } }
    stock = Allocations.new(app)
    app:put(10, { dimensions = RED })
    expect.ok(stock:allocate(WEB, 10))
    expect.ok(stock:allocate(WEB, 10, { dimensions = RED }))
    expect.refused(stock:allocate(WEB, 1, { dimensions = RED }),
      "insufficient_available", 0)
    assert.are.equal(20, stock:total "@allocated")
  end)

  it("a whole product needs no place where that is the partition", function()
    App.finish(app)
    app = App.start { config = "by-product.json" }
    stock = Allocations.new(app)
    app:put(10)
    expect.ok(stock:allocate(WEB, 5))
    expect.ok(stock:allocate(WEB, 5, { dimensions = json.object() }))
    expect.refused(stock:allocate(WEB, 1), "insufficient_available", 0)
    assert.are.equal(5, stock:query(WEB, { dimensions = json.object() })[1]
      .allocated)
  end)
end)

-- retail_safety_stock_spec.lua - safety stock through the year, and what is
-- left to sell.

local testing = dofile("scripts/testing.lua")

describe("retail-safety-stock", function()
  local plugin = testing.load("plugins/retail-safety-stock")

  local function keep_back(onhand, ctx)
    return plugin:evaluate("iv.safetystock", { ["iv.onhand"] = onhand }, ctx)
  end

  it("passes its examples", function()
    assert.are.equal(9, plugin:check_examples())
  end)

  it("rounds what is kept back down to whole units", function()
    local day = { date = "2026-03-02" }
    assert.are.equal(0, keep_back(19, day))
    assert.are.equal(1, keep_back(20, day))
    assert.are.equal(1, keep_back(39.999999, day))
    assert.are.equal(2, keep_back(40, day))
    assert.are.equal(0, keep_back(0, day))
    assert.are.equal(0, keep_back(-100, day))
  end)

  it("keeps more in the season and sells off at its end, in every year", function()
    local percents = {
      ["-01-01"] = 5, ["-11-15"] = 5, ["-11-16"] = 10, ["-12-19"] = 10, ["-12-20"] = 8,
      ["-12-21"] = 6, ["-12-22"] = 4, ["-12-23"] = 2, ["-12-24"] = 0, ["-12-25"] = 5,
    }
    for _, year in ipairs { "2026", "2028", "2031" } do
      for day, percent in pairs(percents) do
        assert.are.equal(percent, keep_back(100, { date = year .. day }), year .. day)
      end
    end
  end)

  it("looks at the day, not at the time of day", function()
    local date = testing.ringfence.date
    assert.are.equal(5, keep_back(100, { time = date("2026-11-15T23:59:59Z") }))
    assert.are.equal(10, keep_back(100, { time = date("2026-11-16T00:00:00Z") }))
    assert.are.equal(0, keep_back(100, { time = date("2026-12-24T23:59:59Z") }))
  end)

  it("withholds by channel and by place, and both together", function()
    local function withheld(channel, location)
      return plugin:evaluate("iv.withheld", {},
        { groups = { Channel = channel }, dimensions = { locationid = location } })
    end
    assert.are.equal(0, withheld("", ""))
    assert.are.equal(0, withheld("web", "warehouse"))
    assert.are.equal(3, withheld("marketplace", "warehouse"))
    assert.are.equal(1, withheld("partner", ""))
    assert.are.equal(4, withheld("marketplace", "store"))
  end)

  it("never sells less than nothing", function()
    local function sellable(onhand, available)
      return plugin:evaluate("iv.sellable",
        { ["iv.onhand"] = onhand, ["iv.availabletoreserve"] = available },
        { date = "2026-03-02", dimensions = { LocationId = "store" } })
    end
    assert.are.equal(94, sellable(100, 100))
    assert.are.equal(1, sellable(100, 7))
    assert.are.equal(0, sellable(100, 6))
    assert.are.equal(0, sellable(100, 5))
    assert.are.equal(0, sellable(-5, -5))
  end)
end)

-- plugin.lua - what a shop keeps back, and what is left to sell.
--
-- Change the settings below to your own; the examples further down then say
-- which numbers changed with them.

-- Percent of what is on hand that is not promised, because counts are never
-- quite right; more of it while the shelves are busy.
local SAFETY_PERCENT = 5
local SEASON_PERCENT = 10

-- The season, in every year. In its last days everything may go: what is kept
-- back shrinks by the same part each day and is nothing on the last.
local SEASON_FIRST = "-11-16"
local SEASON_LAST = "-12-24"
local SELL_OFF_DAYS = 5

-- Units that a channel never gets, because its orders reach us late; by the
-- allocation group `channel`.
local CHANNEL_UNITS = { marketplace = 3, partner = 1 }

-- Units on display, by LocationId.
local DISPLAY_UNITS = { store = 1 }

-- The part of what is on hand that is kept back at that time, in percent.
local function get_percent(ctx)
  local year = string.sub(ctx.date, 1, 4)
  local last = year .. SEASON_LAST
  if not ringfence.in_period(ctx.time, year .. SEASON_FIRST, last) then return SAFETY_PERCENT end
  local days_left = ringfence.days_between(ctx.time, last)
  if days_left >= SELL_OFF_DAYS then return SEASON_PERCENT end
  return SEASON_PERCENT * days_left / SELL_OFF_DAYS
end

return {
  name = "retail-safety-stock", version = "1.0.0",

  formulas = {
    -- Whole units, rounded down: 10 percent of 19 is 1. Stock below zero keeps
    -- nothing back.
    ["iv.safetystock"] = function(m, ctx)
      return ringfence.percent(ringfence.positive(m.iv.onhand), get_percent(ctx))
    end,

    -- Units that this channel or this place never sells.
    ["iv.withheld"] = function(_, ctx)
      local units = CHANNEL_UNITS[ctx.groups.channel] or 0
      return units + (DISPLAY_UNITS[ctx.dimensions.LocationId] or 0)
    end,

    -- What may be sold: never negative, however much is promised already.
    ["iv.sellable"] = function(m)
      return ringfence.positive(m.iv.availabletoreserve - m.iv.safetystock - m.iv.withheld)
    end,
  },

  examples = {
    -- An ordinary day: 5 percent of 59 is 2.95, rounded down.
    { formula = "iv.safetystock", given = { ["iv.onhand"] = 59 },
      ctx = { date = "2026-03-02" }, expect = 2 },
    -- In the season: 10 percent.
    { formula = "iv.safetystock", given = { ["iv.onhand"] = 59 },
      ctx = { date = "2026-11-30" }, expect = 5 },
    -- Two days before its end, two fifths of it: 4 percent.
    { formula = "iv.safetystock", given = { ["iv.onhand"] = 59 },
      ctx = { date = "2026-12-22" }, expect = 2 },
    { formula = "iv.safetystock", given = { ["iv.onhand"] = -20 },
      ctx = { date = "2026-03-02" }, expect = 0 },
    { formula = "iv.withheld", ctx = { groups = { channel = "marketplace" } }, expect = 3 },
    { formula = "iv.withheld", ctx = { dimensions = { LocationId = "store" } }, expect = 1 },
    { formula = "iv.withheld", expect = 0 },
    -- 40 on hand, 25 of them free; 2 are kept back and one is on display.
    { formula = "iv.sellable",
      given = { ["iv.onhand"] = 40, ["iv.availabletoreserve"] = 25 },
      ctx = { date = "2026-03-02", dimensions = { LocationId = "store" } }, expect = 22 },
    { formula = "iv.sellable",
      given = { ["iv.onhand"] = 40, ["iv.availabletoreserve"] = 1 },
      ctx = { date = "2026-03-02" }, expect = 0 },
  },
}

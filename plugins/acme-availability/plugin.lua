-- plugin.lua - what ACME's web shop may promise.
--
-- Both formulas are compiled to native code: nothing in them depends on
-- anything but sums, math.max and math.min.

local stock = use "stock.lua"

local WEB_MAX = 50 -- the shop shows "50 or more" above that

return {
  name = "acme-availability", version = "1.0.0",

  formulas = {
    -- What is there, whoever holds it.
    ["iv.instock"] = function(m)
      return stock.in_stores(m) + stock.in_warehouses(m)
    end,

    -- What is there and not held by anybody; never negative, and never more
    -- than the shop shows.
    ["iv.webpromise"] = function(m)
      local free = m.iv.instock - m.iv.softreserved - m["@iv"]["@allocated"]
      return math.max(0, math.min(free, WEB_MAX))
    end,
  },

  examples = {
    { formula = "iv.instock",
      given = { ["pos.inbound"] = 9, ["pos.outbound"] = 2, ["ecommerce.received"] = 40 },
      expect = 47 },
    { formula = "iv.webpromise",
      given = { ["pos.inbound"] = 9, ["iv.softreserved"] = 4, ["@iv.@allocated"] = 2 },
      expect = 3 },
    { formula = "iv.webpromise",
      given = { ["pos.inbound"] = 1, ["iv.softreserved"] = 4 }, expect = 0 },
    { formula = "iv.webpromise", given = { ["ecommerce.received"] = 500 }, expect = 50 },
  },
}

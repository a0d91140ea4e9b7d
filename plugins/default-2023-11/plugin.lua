-- plugin.lua - the default formulas of the hosted service, as of 2023-11.
--
-- All four are sums and differences, compiled to native code.

return {
  name = "default-2023-11", version = "1.0.0",

  formulas = {
    -- What may be reserved: everything there or on its way that nobody holds.
    ["iv.availabletoreserve"] = function(m)
      return m.fno.physicalinvent + m.fno.ordered + m.fno.arrived + m.pos.inbound + m.iv.ordered
        - m.fno.reservphysical - m.iv.softreserved - m.pos.outbound - m.fno.softreserved
    end,

    -- The ERP's own available quantity, less what is promised here.
    ["iv.totalavailable"] = function(m)
      return m.fno.availordered - m.iv.softreserved - m["@iv"]["@allocated"]
    end,

    ["iv.totalonhand"] = function(m) return m.fno.physicalinvent end,

    -- The ERP's stock and what the tills have moved since.
    ["pos.availquantity"] = function(m)
      return m.fno.availphysical + m.pos.inbound - m.pos.outbound
    end,
  },

  examples = {
    { formula = "iv.availabletoreserve",
      given = { ["fno.physicalinvent"] = 100, ["fno.ordered"] = 20, ["fno.arrived"] = 5,
        ["pos.inbound"] = 4, ["iv.ordered"] = 1, ["fno.reservphysical"] = 10,
        ["iv.softreserved"] = 8, ["pos.outbound"] = 6, ["fno.softreserved"] = 2 },
      expect = 104 },
    { formula = "iv.totalavailable",
      given = { ["fno.availordered"] = 50, ["iv.softreserved"] = 8, ["@iv.@allocated"] = 12 },
      expect = 30 },
    { formula = "iv.totalonhand", given = { ["fno.physicalinvent"] = 100 }, expect = 100 },
    { formula = "pos.availquantity",
      given = { ["fno.availphysical"] = 90, ["pos.inbound"] = 4, ["pos.outbound"] = 6 },
      expect = 88 },
  },
}

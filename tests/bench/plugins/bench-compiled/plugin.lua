-- plugin.lua - the reservation formula of environment.json as a sum, which is
-- compiled.
return {
  name = "bench-compiled", version = "1.0.0",
  formulas = {
    ["iv.availabletoreserve"] = function(m)
      return m.pos.inbound - m.pos.outbound - m.iv.softreserved
        - m["@iv"]["@allocated"]
    end,
  },
  examples = {
    { formula = "iv.availabletoreserve",
      given = { ["pos.inbound"] = 9, ["pos.outbound"] = 2,
        ["iv.softreserved"] = 3 },
      expect = 4 },
  },
}

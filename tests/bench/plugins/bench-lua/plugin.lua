-- plugin.lua - the reservation formula of environment.json with a comparison,
-- which keeps it in Lua.
return {
  name = "bench-lua", version = "1.0.0",
  formulas = {
    ["iv.availabletoreserve"] = function(m, ctx)
      local free = m.pos.inbound - m.pos.outbound - m.iv.softreserved
        - m["@iv"]["@allocated"]
      if free < 0 and ctx.product == "" then return 0 end
      return free
    end,
  },
  examples = {
    { formula = "iv.availabletoreserve",
      given = { ["pos.inbound"] = 9, ["pos.outbound"] = 2,
        ["iv.softreserved"] = 3 },
      expect = 4 },
  },
}

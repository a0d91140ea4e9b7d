-- default_2023_11_spec.lua - the hosted service's default formulas, term by
-- term.

local testing = dofile("scripts/testing.lua")

-- What one unit of each measure adds to each formula.
local TERMS = {
  ["iv.availabletoreserve"] = {
    ["fno.physicalinvent"] = 1, ["fno.ordered"] = 1, ["fno.arrived"] = 1, ["pos.inbound"] = 1,
    ["iv.ordered"] = 1, ["fno.reservphysical"] = -1, ["iv.softreserved"] = -1,
    ["pos.outbound"] = -1, ["fno.softreserved"] = -1,
  },
  ["iv.totalavailable"] = {
    ["fno.availordered"] = 1, ["iv.softreserved"] = -1, ["@iv.@allocated"] = -1,
  },
  ["iv.totalonhand"] = { ["fno.physicalinvent"] = 1 },
  ["pos.availquantity"] = {
    ["fno.availphysical"] = 1, ["pos.inbound"] = 1, ["pos.outbound"] = -1,
  },
}

describe("default-2023-11", function()
  local plugin = testing.load("plugins/default-2023-11")

  it("passes its examples", function()
    assert.are.equal(4, plugin:check_examples())
  end)

  it("has these formulas and no others", function()
    for name in pairs(plugin.plugin.formulas) do assert.is_table(TERMS[name], name) end
    for name in pairs(TERMS) do assert.is_function(plugin.plugin.formulas[name], name) end
  end)

  it("has every term of every formula", function()
    local measures = {}
    for _, terms in pairs(TERMS) do
      for measure in pairs(terms) do measures[measure] = true end
    end
    for formula, terms in pairs(TERMS) do
      for measure in pairs(measures) do
        assert.are.equal(7 * (terms[measure] or 0), plugin:evaluate(formula, { [measure] = 7 }),
          formula .. " of " .. measure)
      end
    end
  end)
end)

-- plugins_shipped_spec.lua - what every plugin of plugins/ has, and that its
-- README says what its formulas read.

local folder = require "tests.support.folder"
local json = require "tests.support.json"

local testing = dofile("scripts/testing.lua")

local function list_plugins()
  local names = {}
  for _, name in ipairs(folder.list("plugins")) do
    if folder.exists("plugins/" .. name .. "/plugin.lua") then names[#names + 1] = name end
  end
  return names
end

-- The measures that the formulas of a plugin read, in lower case, which are
-- read whatever their values are: a formula of a shipped plugin has no branch
-- on a measure.
local function list_reads(plugin)
  local reads = {}
  local m = setmetatable({}, { __index = function(_, source)
    return setmetatable({}, { __index = function(_, measure)
      reads[(source .. "." .. measure):lower()] = true
      return 0.0
    end })
  end })
  local ctx = { organization = "", product = "", time = 0, date = "1970-01-01",
    dimensions = setmetatable({}, { __index = function() return "" end }),
    groups = setmetatable({}, { __index = function() return "" end }) }
  for _, formula in pairs(plugin.formulas) do formula(m, ctx) end
  for name in pairs(plugin.formulas) do reads[name:lower()] = nil end
  return reads
end

-- What an environment's document defines: "source.measure" to "physical" or
-- "calculated".
local function list_defined(document)
  local defined = {}
  for source, system in pairs(document.inventorySystemConfigurations) do
    for _, measure in ipairs(system.physicalMeasures) do
      defined[(source .. "." .. measure):lower()] = "physical"
    end
    for measure in pairs(system.calculatedMeasures) do
      defined[(source .. "." .. measure):lower()] = "calculated"
    end
  end
  return defined
end

local DEMO = list_defined(json.decode(folder.read("config/environments/demo.json")))

describe("the shipped plugins", function()
  it("are there", function()
    local names = list_plugins()
    assert.is_true(#names >= 3)
    for _, name in ipairs { "acme-availability", "default-2023-11", "retail-safety-stock" } do
      assert.is_true(folder.exists("plugins/" .. name .. "/plugin.lua"), name)
    end
  end)

  for _, name in ipairs(list_plugins()) do
    describe(name, function()
      local loaded = testing.load("plugins/" .. name)
      local plugin = loaded.plugin
      local readme = folder.read("plugins/" .. name .. "/README.md") or ""

      it("is called what its folder is, and has a version", function()
        assert.are.equal(name, plugin.name)
        assert.is_truthy(plugin.version:find("^%d+%.%d+%.%d+$"))
      end)

      it("has an example of every formula, and all pass", function()
        local shown = {}
        for _, example in ipairs(plugin.examples) do shown[example.formula] = true end
        for formula in pairs(plugin.formulas) do assert.is_true(shown[formula], formula) end
        assert.are.equal(#plugin.examples, loaded:check_examples())
      end)

      it("is described with its formulas and what they read", function()
        assert.is_truthy(readme:find("^# " .. name:gsub("%-", "%%-") .. "\n"))
        assert.is_truthy(readme:find('"plugins": ["' .. name .. '"]', 1, true))
        for formula in pairs(plugin.formulas) do
          assert.is_truthy(readme:find("`" .. formula .. "`", 1, true), formula)
        end
        for measure in pairs(list_reads(plugin)) do
          assert.is_truthy(readme:find("`" .. measure .. "`", 1, true), measure)
        end
      end)

      it("fits the demo environment where its README says so", function()
        if not readme:find("The demo environment has them", 1, true) then return end
        for measure in pairs(list_reads(plugin)) do
          assert.is_truthy(DEMO[measure], "the demo lacks " .. measure)
        end
        for formula in pairs(plugin.formulas) do
          assert.is_nil(DEMO[formula:lower()], "the demo defines " .. formula)
        end
      end)
    end)
  end

  it("can be enabled together", function()
    local owner = {}
    for _, name in ipairs(list_plugins()) do
      for formula in pairs(testing.load("plugins/" .. name).plugin.formulas) do
        assert.is_nil(owner[formula:lower()], formula)
        owner[formula:lower()] = name
      end
    end
  end)

  it("stand in the list of the folder's README", function()
    local readme = folder.read("plugins/README.md")
    for _, name in ipairs(list_plugins()) do
      assert.is_truthy(readme:find("[" .. name .. "](" .. name .. "/)", 1, true), name)
    end
  end)

  it("find every function of the prelude described", function()
    local readme = folder.read("plugins/README.md")
    for name in pairs(dofile("scripts/prelude.lua")) do
      assert.is_truthy(readme:find("`ringfence." .. name .. "(", 1, true), name)
    end
  end)
end)

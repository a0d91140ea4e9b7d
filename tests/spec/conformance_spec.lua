-- conformance_spec.lua - every scenario of tests/conformance, one test each.

local pending_reasons = require "tests.conformance.pending"
local runner = require "tests.conformance.runner"

local RUN_PENDING = os.getenv("RINGFENCE_RUN_PENDING") == "1"

-- A pending scenario that passes is a mistake in the list, so it fails.
local function run_pending(file, scenario, reason)
  if RUN_PENDING and pcall(runner.run, file, scenario) then
    error(scenario.id .. " passes: remove it from pending.lua", 0)
  end
  return scenario.id .. ": " .. reason
end

for _, file in ipairs(runner.files()) do
  describe("conformance " .. file.name, function()
    for _, scenario in ipairs(file.scenarios) do
      it(scenario.id .. ": " .. scenario.title, function()
        local can_run, why = runner.can_run(scenario)
        if not can_run then pending(scenario.id .. ": " .. why) end
        local reason = pending_reasons[scenario.id]
          or pending_reasons[file.name]
        if reason then pending(run_pending(file, scenario, reason)) end
        runner.run(file, scenario)
      end)
    end
  end)
end

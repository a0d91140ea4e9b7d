-- bad_input_spec.lua - no malformed or hostile request gets through, changes
-- anything, or hurts the server.

local App = require "tests.support.app"
local bad_input = require "tests.hostile.bad_input"
local expect = require "tests.support.expect"
local keys = require "tests.support.keys"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local TOKENS = {
  TOKEN = "rf-test-writer-of-demo", TOKEN_CUT = "rf-test-writer-of-dem",
  TOKEN_RO = "rf-test-reader-of-demo", TOKEN_OTHER = "rf-test-writer-of-prod",
}

-- Sanitized builds keep freed memory for a while, hence so much.
local MEMORY_MAX_BYTES = 384 * 1024 * 1024

local GROUPS = {
  "channel", "customerGroup", "region", "orderType", "g5", "g6", "g7", "g8",
}

local AVAILABLE = {
  additionModifiers = { "pos.inbound" },
  subtractionModifiers = {
    "pos.outbound", "iv.softreserved", "@iv.@allocated",
  },
}

-- In place of the groups that the document comes with.
local function groups_order()
  local order = { segment = json.null, country = json.null }
  for index, name in ipairs(GROUPS) do order[name] = "g" .. index - 1 end
  return order
end

-- What the cases expect to find, see tests/README.md.
local PATCH = {
  inventorySystemConfigurations = {
    wms = json.null, till = json.null, shop = json.null, report = json.null,
    pos = {
      dataSourceName = "pos", dimensionMappings = {},
      physicalMeasures = { "inbound", "outbound" }, calculatedMeasures = {},
      reservMappings = {},
    },
    iv = {
      physicalMeasures = { "softreserved" },
      calculatedMeasures = {
        availabletoreserve = AVAILABLE, onhand = json.null,
      },
    },
    ["@iv"] = {
      calculatedMeasures = { ["@available_to_allocate"] = AVAILABLE },
    },
  },
  allocationConfiguration = {
    groups = GROUPS, groupsOrder = groups_order(),
    availableToAllocateCalculation = {
      ["wms.unrestricted"] = json.null, ["till.returned"] = json.null,
      ["till.sold"] = json.null, ["pos.inbound"] = "addition",
      ["pos.outbound"] = "subtraction",
    },
  },
  scheduleConfiguration = json.null,
}

local AUTH = {
  keys = {
    keys.entry("writer", TOKENS.TOKEN, { "writer", "planner" }, { "demo" }),
    keys.entry("reader", TOKENS.TOKEN_RO, { "reader" }, { "demo" }),
    keys.entry("other", TOKENS.TOKEN_OTHER, { "writer" }, { "prod" }),
  },
}

local BIKE = { productId = "Bike" }

local OPTIONS = {
  id = "demo", patch = PATCH, server = { auth = AUTH },
  others = { prod = PATCH },
}

local STOCK = {
  organizationId = "usmf", productId = "Bike",
  dimensions = { siteId = "1", locationId = "11", colorId = "red" },
  quantities = { pos = { inbound = 100 } },
}

local function split_cases()
  local active, waiting = {}, {}
  for _, case in ipairs(bad_input.cases()) do
    table.insert(case.pending and waiting or active, case)
  end
  return active, waiting
end

local function all_rows(app)
  return app:rows {
    filters = {
      organizationId = { "usmf" }, siteId = { "1" }, locationId = { "11" },
    },
  }
end

local function product_total(app, measure)
  return rows.sum(rows.select(all_rows(app), BIKE), measure)
end

local function between(range, value)
  return value >= range.least and value <= range.most
end

describe("bad input", function()
  local active, waiting = split_cases()
  local app, results

  setup(function()
    app = App.start(OPTIONS)
    app.auth = "Bearer " .. TOKENS.TOKEN
    app:put(nil, STOCK)
    -- By the time all cases are through, it would have idled too long.
    app:disconnect()
    results = bad_input.run(active, app.server.port, TOKENS)
  end)

  teardown(function() App.finish(app) end)

  for _, case in ipairs(active) do
    it(case.id .. ": " .. case.reason, function()
      local wrong = bad_input.judge(case, results[case.id])
      if wrong then error(wrong, 0) end
    end)
  end

  for _, case in ipairs(waiting) do
    it(case.id .. ": " .. case.reason, function()
      pending(case.id .. ": " .. case.pending)
    end)
  end

  it("hides whether an environment out of reach exists", function()
    local hidden, missing = results.H051, results.H052
    assert.are.same(hidden.statuses, missing.statuses)
    local word = '"code"%s*:%s*"([^"]*)"'
    assert.are.equal(hidden.bytes:match(word), missing.bytes:match(word))
  end)

  it("counts a request whose sender went away once or not at all", function()
    local before = product_total(app, "iv.softreserved")
    local case
    for _, candidate in ipairs(active) do
      if candidate.id == "H138" then case = candidate end
    end
    case.send = "raw"
    local again = bad_input.send(case, app.server.port, TOKENS)
    assert.are.same({ 200 }, again.statuses)
    local added = product_total(app, "iv.softreserved") - before
    assert.is_true(added == 0 or added == 1, "added " .. added)
  end)

  it("changed nothing but what the controls did", function()
    local ranges = bad_input.effects(active)
    local reserved = product_total(app, "iv.softreserved")
    assert.is_true(between(ranges.reserved, reserved), "reserved " .. reserved)
    assert.are.equal(100 + ranges.inbound.least,
      product_total(app, "pos.inbound"))
    assert.is_true(between(ranges.allocated,
      product_total(app, "@iv.@allocated")))
    local others = #all_rows(app) - #rows.select(all_rows(app), BIKE)
    assert.are.equal(ranges["other product"].least, others)
  end)

  it("left a journal that adds up to the totals", function()
    local events = app:events()
    local reserved = 0
    for index, event in ipairs(events) do
      assert.are.equal(index, event.number)
      if event.productId == "Bike" then
        reserved = reserved + (event.deltas["iv.softreserved"] or 0)
      end
    end
    assert.are.equal(product_total(app, "iv.softreserved"), reserved)
  end)

  it("did not let the server grow", function()
    local _, highest = app.server.process:memory()
    assert.is_true(highest < MEMORY_MAX_BYTES, "grew to " .. highest)
  end)

  it("left a server that is alive, clean and consistent", function()
    assert.is_true(app.server:is_alive())
    expect.ok(app:get("host:/health/ready"))
    app:verify()
    app.server:check_sanitizers()
  end)
end)

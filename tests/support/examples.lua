-- examples.lua - the configuration that the documented examples stand on.
--
-- It is small on purpose: an example adds the formulas that it is about as a
-- patch, so that its numbers can be followed without looking anywhere else.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local examples = {}

-- A formula of the document: what is added, what is subtracted.
function examples.formula(added, subtracted)
  return json.object {
    additionModifiers = json.array(added),
    subtractionModifiers = json.array(subtracted or {}),
  }
end

local formula = examples.formula

local function sources()
  local pool = formula({ "pos.inbound", "iv.onhand" },
    { "pos.outbound", "iv.softreserved", "@iv.@allocated" })
  return json.object {
    fno = { physicalMeasures = { "availphysical", "onordered",
      "orderedintotal", "orderedreserved" } },
    pos = {
      dimensionMappings = { posmachineid = "extendeddimension1",
        poscolor = "colorid" },
      physicalMeasures = { "inbound", "outbound" },
      calculatedMeasures = {
        availquantity = formula({ "pos.inbound" }, { "pos.outbound" }) },
    },
    ecommerce = { physicalMeasures = { "received", "scheduled", "issued",
      "reserved" } },
    iv = {
      physicalMeasures = { "ordered", "softreserved", "onhand" },
      calculatedMeasures = { availabletoreserve = pool },
      reservMappings = { softreserved = "iv.availabletoreserve" },
    },
    ["@iv"] = { calculatedMeasures = { ["@available_to_allocate"] = pool } },
  }
end

local PARTITIONS = {
  location = { useProductId = false, useDimensions = true },
  product = { useProductId = true, useDimensions = false },
}

-- The document for stock kept by "location" or by "product".
function examples.document(by)
  return json.object {
    partitionConfiguration = PARTITIONS[by],
    indexConfiguration = { indexAttributeSets = {
      { setNumber = 1, keys = { "colorid", "sizeid", "styleid" } } } },
    inventorySystemConfigurations = sources(),
    reservConfiguration = { isReservEnabled = true, version = 0,
      keys = { "siteid", "locationid", "colorid", "sizeid" } },
    allocationConfiguration = { isEnabled = true,
      groups = { "channel", "customerGroup", "region", "orderType" } },
    ringfence = { allowFnoWrites = true },
  }
end

-- A document as the hosted service exports one, with every section, for the
-- stock of one source.
function examples.exported()
  local pool = formula({ "pos.inbound" }, { "@iv.@softreserved",
    "@iv.@allocated" })
  return json.object {
    configurationVersion = 1, entityVersion = 2,
    partitionConfiguration = PARTITIONS.product,
    cachePartitionIdVersion = "ByProductId",
    indexConfiguration = {
      version = 0,
      partitionKeyAttributes = { setNumber = 0,
        keys = { "siteid", "locationid" } },
      indexAttributeSets = {
        { setNumber = 1, keys = { "colorid", "sizeid", "styleid" } } },
    },
    inventorySystemConfigurations = {
      pos = {
        dataSourceName = "pos",
        dimensionMappings = { posmachineid = "extendeddimension1",
          poscolor = "colorid" },
        physicalMeasures = { "inbound", "outbound" },
        calculatedMeasures = {
          availquantity = formula({ "pos.inbound" }, { "pos.outbound" }) },
        reservMappings = json.object(),
      },
      ["@iv"] = {
        dataSourceName = "@iv", dimensionMappings = json.object(),
        physicalMeasures = { "@softreserved", "@allocated", "@consumed",
          "@cumulative_allocated", "@cumulative_consumed" },
        calculatedMeasures = { ["@available_to_reserve"] = pool,
          ["@available_to_allocate"] = pool },
        reservMappings = {
          ["@softreserved"] = "@iv.@available_to_reserve" },
      },
    },
    reservConfiguration = { isReservEnabled = true, isEnabled = true,
      isSetup = true, version = 1,
      keys = { "siteid", "locationid", "colorid", "sizeid" } },
    allocationConfiguration = {
      isEnabled = true, isSetup = true,
      groups = { "channel", "customerGroup", "region", "orderType" },
      groupsOrder = { channel = "g0", customerGroup = "g1", region = "g2",
        orderType = "g3" },
      availableToAllocateCalculation = { ["pos.inbound"] = "addition",
        ["@iv.@softreserved"] = "subtraction",
        ["@iv.@allocated"] = "subtraction" },
    },
    scheduleConfiguration = {
      isScheduleEnabled = true, isEnabled = true, isSetup = true,
      isScheduleV2 = true, version = 1, schedulePeriodInDays = 30,
      indexAttributeSets = { { setNumber = 1,
        keys = { "colorid", "sizeid" } } },
      atpCalculatedMeasures = { pos = { availquantity = 7 } },
    },
    onHandIndexQueryPreloadStorageConfiguration = {
      isOnHandIndexQueryPreloadStorageEnabled = false,
      groupByValues = { "colorid" }, version = 0, isEnabled = false,
      isSetup = true,
    },
    storageConfiguration = { isOnHandMostSpecificStorageEnabled = false,
      ohmsBackgroundServiceFreq = 15, version = 0, isEnabled = false,
      isSetup = false },
    whsConfiguration = { isEnabled = false, isSetup = true,
      isTruncatedWHSHierarchyEnabled = true,
      isTruncatedWHSHierarchySetup = true },
    finOpsConfiguration = { isEnabled = true, isSetup = true },
    isWHSEnabled = false, isIndexUpgradeInProgress = false,
    isUninstalled = false, defaultDimensions = json.object(),
  }
end

-- Start an app on a document of examples.document. Options: by (default
-- "location"), and those of App.start.
function examples.start(options)
  options = options or {}
  options.config = options.config
    or examples.document(options.by or "location")
  return App.start(options)
end

-- Post quantities at the usual place with more coordinates, or at exactly
-- these dimensions when `exactly` is given.
function examples.post(app, quantities, more, exactly)
  return expect.ok(app:post("/onhand", app:event(quantities,
    { dimensions = exactly or App.place(more) })))
end

-- The rows of a query as a table: the values of the dimensions in `names`,
-- joined by "/", to the measure.
function examples.by(list, names, measure)
  local result = {}
  for _, row in ipairs(list) do
    local key = {}
    for index, name in ipairs(names) do key[index] = row.dimensions[name] end
    result[table.concat(key, "/")] = rows.measure(row, measure)
  end
  return result
end

return examples

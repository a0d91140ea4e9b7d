-- configuration_spec.lua - GET /configuration, POST /configuration/hardupdate.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local match = require "tests.support.match"
local rows = require "tests.support.rows"

local BY_PRODUCT = {
  partitionConfiguration = { useProductId = true, useDimensions = false },
  cachePartitionIdVersion = "ByProductId",
}

describe("the configuration", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function update(patch, name)
    return app:post("/configuration/hardupdate",
      App.document(name or "standard.json", patch, app.id))
  end

  -- Refused for what stands at this place of the document, or below it.
  local function refuse(patch, place)
    local reply = update(patch)
    expect.invalid(reply, "bad_configuration")
    expect.body(reply, { field = { ["$prefix"] = place } })
  end

  it("is returned as it was put, unknown members too", function()
    local document = App.document("standard.json", {
      vendorExtra = { keep = { 1, "two", json.null } },
      ringfence = { unknownToo = { deep = true } },
    }, app:unique())
    document.environmentId = app.id
    expect.ok(app:post("/configuration/hardupdate", document))
    local returned = expect.ok(app:get("/configuration"))
    assert.is_true(match.contains(returned, document))
  end)

  it("gets a new generation with every update", function()
    local first = expect.ok(update()).generation
    local second = expect.ok(update {
      ringfence = { levels = { { "SiteId" } } } })
    assert.are.equal("number", type(first))
    assert.is_true(second.generation > first)
    expect.body({ status = 200, body = "", json = second }, {
      processingStatus = "success", statusCode = 200, message = "",
    })
  end)

  it("survives stop and kill", function()
    expect.ok(update { vendorExtra = "kept" })
    for _, how in ipairs { "stop", "kill" } do
      app:restart(how)
      assert.are.equal("kept", expect.ok(app:get("/configuration")).vendorExtra)
    end
  end)

  it("names all faults of a bad document by their places", function()
    local reply = update {
      reservConfiguration = { keys = { "siteid", "shade" } },
      ringfence = { levels = { { "SiteId" }, { "ColorId", "flavour" } } },
    }
    expect.invalid(reply, "bad_configuration")
    expect.body(reply, { message = { ["$contains"] = {
      "$.reservConfiguration.keys[1]", "shade",
      "$.ringfence.levels[1][1]", "flavour",
    } } })
  end)

  it("refuses unknown names wherever they stand", function()
    refuse({ inventorySystemConfigurations = { iv = { calculatedMeasures = {
      onhand = { additionModifiers = { "wms.unrestricted", "wms.nothing" } },
    } } } }, "$.inventorySystemConfigurations.iv.calculatedMeasures.onhand"
      .. ".additionModifiers[1]")
    refuse({ inventorySystemConfigurations = {
      iv = { reservMappings = { softreserved = "iv.nowhere" } } } },
      "$.inventorySystemConfigurations.iv.reservMappings.softreserved")
    refuse({ inventorySystemConfigurations = {
      till = { dimensionMappings = { tillid = "shade" } } } },
      "$.inventorySystemConfigurations.till.dimensionMappings.tillid")
    refuse({ indexConfiguration = { indexAttributeSets = {
      { setNumber = 1, keys = { "flavourid" } } } } },
      "$.indexConfiguration.indexAttributeSets[0].keys[0]")
    refuse({ ringfence = { aliases = { ["iv.other"] = "iv.nowhere" } } },
      "$.ringfence.aliases")
  end)

  it("refuses settings of our own that mean nothing", function()
    refuse({ ringfence = { hierarchyCheck = "lax" } },
      "$.ringfence.hierarchyCheck")
    refuse({ ringfence = { refusalHttpStatus = 999 } },
      "$.ringfence.refusalHttpStatus")
    refuse({ ringfence = { levels = 7 } }, "$.ringfence.levels")
    refuse({ ringfence = { allowFnoWrites = "yes" } },
      "$.ringfence.allowFnoWrites")
    refuse({ partitionConfiguration = { useProductId = false,
      useDimensions = false } }, "$.partitionConfiguration")
  end)

  it("refuses documents that are none", function()
    expect.status(app:post("/configuration/hardupdate", json.array()), 400)
    expect.status(app:post("/configuration/hardupdate", "text"), 400)
    expect.invalid(app:post("/configuration/hardupdate", nil, { raw = "{" }),
      "bad_json")
  end)

  it("changes nothing when a document is bad", function()
    expect.ok(update { vendorExtra = "kept" })
    app:put(5)
    refuse({ ringfence = { hierarchyCheck = "lax" }, vendorExtra = "lost" },
      "$.ringfence")
    assert.are.equal("kept", expect.ok(app:get("/configuration")).vendorExtra)
    assert.are.equal(5, app:total("iv.onhand"))
    app:restart("stop")
    assert.are.equal("kept", expect.ok(app:get("/configuration")).vendorExtra)
  end)

  it("takes effect at once for reads and checks", function()
    app:put(20)
    expect.ok(update { inventorySystemConfigurations = { iv = {
      calculatedMeasures = { availabletoreserve = {
        additionModifiers = { "wms.unrestricted" },
        subtractionModifiers = { "iv.softreserved", "wms.blocked" },
      } } } } })
    app:put(nil, { quantities = { wms = { blocked = 15 } } })
    assert.are.equal(5, app:total("iv.availabletoreserve"))
    expect.refused(app:reserve(6), "insufficient_available", 5)
    expect.ok(update())
    expect.ok(app:reserve(6))
  end)

  it("knows aliases of measures, in writing and in letter case", function()
    expect.ok(update { ringfence = { aliases = {
      ["iv.SoftReservOrdered"] = "iv.softreserved",
      ["wms.old_name"] = "wms.unrestricted",
    } } })
    app:put(nil, { quantities = { WMS = { Old_Name = 9 } } })
    expect.ok(app:reserve(2, { modifier = "softreservordered" }))
    rows.check_quantities(app:rows()[1], {
      ["wms.unrestricted"] = 9, ["iv.softreserved"] = 2,
      ["iv.softreservordered"] = json.null, ["wms.old_name"] = json.null,
    })
  end)

  it("decides the HTTP status of refusals", function()
    for setting, status in pairs { mirror = 500, [422] = 422, [409] = 409 } do
      expect.ok(update { ringfence = { refusalHttpStatus = setting } })
      local reply = app:reserve(1)
      expect.status(reply, status)
      expect.body(reply, { statusCode = 500, code = "insufficient_available" })
    end
  end)

  it("opens the ERP's source only when told to", function()
    local event = { fno = { onordered = 3 } }
    expect.invalid(app:post("/onhand", app:event(event)), "read_only_source")
    expect.ok(update { ringfence = { allowFnoWrites = true } })
    expect.ok(app:post("/onhand", app:event(event)))
    assert.are.equal(3, app:total("fno.onordered"))
  end)

  it("keeps the partition rule while there is data", function()
    app:put(1)
    expect.conflict(update(BY_PRODUCT), "data_present")
    local ids = expect.ok(app:get("/allpartitionids"))
    expect.ok(app:call("DELETE", "/partitions/cleanupalldata", ids))
    expect.ok(update(BY_PRODUCT))
    expect.refused(app:reserve(1, { dimensions = json.object() }),
      "insufficient_available", 0)
  end)

  it("makes an environment that shares nothing with the others", function()
    local id = App.guid()
    local base = "host:/api/environment/" .. id
    expect.not_found(app:get(base .. "/configuration"), "unknown_environment")
    expect.ok(app:post(base .. "/configuration/hardupdate",
      App.document("by-product.json", nil, id)))
    app:put(5)
    assert.are.same(json.array(),
      expect.ok(app:get(base .. "/allpartitionids")))
    app:restart("kill")
    expect.ok(app:get(base .. "/configuration"))
    for _, event in ipairs(expect.ok(app:get(base .. "/events")).events) do
      assert.are_not.equal("post", event.operation)
    end
  end)

  it("refuses a bad document for a new environment, and makes none", function()
    local base = "host:/api/environment/" .. App.guid()
    expect.invalid(app:post(base .. "/configuration/hardupdate",
      App.document("standard.json", { ringfence = { levels = 7 } }, "x")),
      "bad_configuration")
    expect.not_found(app:get(base .. "/configuration"), "unknown_environment")
  end)
end)

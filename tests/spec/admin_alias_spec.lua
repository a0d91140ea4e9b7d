-- admin_alias_spec.lua - the older names of administration: /cleanupalldata,
-- /updatePartitionSchema, /updateEnvIdInConfig; and orders, of which there are
-- none.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local match = require "tests.support.match"

local OLD = "00000000-0000-4000-8000-00000000AB1E"

local function document(app) return expect.ok(app:get("/configuration")) end

local function generation(app)
  return expect.ok(app:get("/plugins")).generation
end

-- Raise unless the reply reads as that of an update.
local function expect_update(reply, number)
  expect.ok(reply)
  return expect.body(reply, {
    id = "", processingStatus = "success", statusCode = 200, message = "",
    generation = number,
  })
end

local function erase_all(app)
  local ids = expect.ok(app:get("/allpartitionids"))
  expect.ok(app:call("DELETE", "/cleanupalldata", ids))
end

describe("/cleanupalldata", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  it("erases the partitions that are named, and no others", function()
    app:put(1)
    app:put(2, { dimensions = { siteId = "10", locationId = "B2" } })
    local ids = expect.ok(app:get("/allpartitionids"))
    expect.ok(app:call("DELETE", "/cleanupalldata", json.array { ids[1] }))
    assert.are.same(json.array { ids[2] },
      expect.ok(app:get("/allpartitionids")))
  end)

  it("erases nothing that is not named", function()
    app:put(1)
    expect.ok(app:call("DELETE", "/cleanupalldata", json.array {}))
    expect.invalid(app:call("DELETE", "/cleanupalldata"), "bad_json")
    expect.status(app:call("DELETE", "/cleanupalldata", json.object {}), 400)
    assert.are.equal(1, app:total("iv.onhand"))
  end)
end)

describe("/updatePartitionSchema", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function update(query)
    return app:post("/updatePartitionSchema" .. query)
  end

  local function expect_schema(use_product_id, word)
    assert.is_true(match.contains(document(app), {
      partitionConfiguration = {
        useDimensions = true, useProductId = use_product_id },
      cachePartitionIdVersion = word,
    }))
  end

  it("writes the version into the document, and only that", function()
    local before = document(app)
    local number = generation(app)
    expect_update(update("?newversion=2"), number + 1)
    expect_schema(true, "ByLocationAndProductIdMod64")
    app:restart("kill")
    expect_schema(true, "ByLocationAndProductIdMod64")
    expect_update(update("?NewVersion=1"), number + 2)
    expect_schema(false, "ByLocation")
    assert.is_true(match.equals(document(app), before))
    local events = app:events()
    assert.are.same({ "configure", "configure" },
      { events[1].operation, events[2].operation })
  end)

  it("leaves the rule by product", function()
    app:finish()
    app = App.start { config = "by-product.json" }
    app:put(1)
    expect.conflict(update("?newversion=1"), "data_present")
    erase_all(app)
    expect.ok(update("?newversion=1"))
    expect_schema(false, "ByLocation")
    expect.refused(app:reserve(1, { dimensions = json.object() }),
      "missing_partition")
  end)

  it("is refused while there is data, and changes nothing", function()
    app:put(1)
    local number = generation(app)
    expect.body(update("?newversion=2"), { field = "partitionConfiguration" })
    expect.conflict(update("?newversion=2"), "data_present")
    expect.conflict(update("?newversion=2&dryRun=true"), "data_present")
    assert.are.equal(number, generation(app))
    expect_schema(false, "ByLocation")
    erase_all(app)
    expect_update(update("?newversion=2"), number + 1)
  end)

  it("succeeds where the version is in force already", function()
    app:put(1)
    local number = generation(app)
    expect_update(update("?newversion=1"), number)
    assert.is_true(expect.ok(update("?newversion=1&dryRun=true")).dryRun)
    assert.are.equal(number, generation(app))
  end)

  it("can be tried", function()
    local number = generation(app)
    assert.is_true(expect_update(update("?newversion=2&dryRun=true"),
      number).dryRun)
    assert.are.equal(number, generation(app))
    expect_schema(false, "ByLocation")
    expect.invalid(update("?newversion=1&dryRun=7"), "invalid_field", "dryRun")
  end)

  it("knows two versions", function()
    expect.invalid(update(""), "missing_field", "newversion")
    for _, version in ipairs { "", "0", "3", "-1", "1.5", "two" } do
      expect.invalid(update("?newversion=" .. version), "invalid_field",
        "newversion")
    end
  end)

  -- Whoever comes second either sees what the first one did or is refused.
  it("never undoes an update that comes between", function()
    for round = 1, 10 do
      local wanted = "round " .. round
      local current = document(app)
      current.vendorExtra = wanted
      local replies = app:together {
        app:build("POST", "/configuration/hardupdate", current),
        app:build("POST", "/updatePartitionSchema?newversion=" .. round % 2 + 1),
      }
      expect.ok(replies[1])
      if replies[2].status ~= 200 then expect.conflict(replies[2], "changed") end
      assert.are.equal(wanted, document(app).vendorExtra)
    end
  end)
end)

describe("/updateEnvIdInConfig", function()
  local app

  -- An environment whose file is a copy of another one's.
  before_each(function()
    local id = App.guid()
    app = App.start { id = id, stopped = true }
    local copied = App.document("standard.json", { vendorExtra = "kept" }, OLD)
    folder.write(("%s/environments/%s.json"):format(app.server.root, id),
      json.encode(copied))
    app.server:start()
  end)

  after_each(function() App.finish(app) end)

  local function update(old, more)
    return app:post("/updateEnvIdInConfig?oldEnvironmentId=" .. old
      .. (more or ""))
  end

  it("makes a copied document that of the environment", function()
    assert.are.equal(OLD, document(app).environmentId)
    local number = generation(app)
    app:put(3)
    expect_update(update(OLD:lower()), number + 1)
    local now = document(app)
    assert.are.equal(app.id, now.environmentId)
    assert.are.equal("kept", now.vendorExtra)
    assert.are.equal(3, app:total("iv.onhand"))
    app:restart("kill")
    assert.are.equal(app.id, document(app).environmentId)
  end)

  it("succeeds where that was done already", function()
    expect.ok(update(OLD))
    local number = generation(app)
    expect_update(update(OLD), number)
    expect_update(update("something-else"), number)
  end)

  it("refuses the document of an environment that was not meant", function()
    local number = generation(app)
    expect.invalid(update(App.guid()), "conflicting_fields", "oldEnvironmentId")
    expect.invalid(app:post("/updateEnvIdInConfig"), "missing_field",
      "oldEnvironmentId")
    assert.are.equal(OLD, document(app).environmentId)
    assert.are.equal(number, generation(app))
  end)

  it("can be tried", function()
    local number = generation(app)
    assert.is_true(expect_update(update(OLD, "&dryRun=true"), number).dryRun)
    assert.are.equal(OLD, document(app).environmentId)
  end)
end)

describe("administration by its older names", function()
  local app

  before_each(function()
    app = App.start { server = { auth = { keys = {
      keys.entry("planner", "key-planner", { "writer", "planner", "erp" }),
      keys.entry("admin", "key-admin", { "admin" }),
    } } } }
    app.auth = "Bearer key-planner"
  end)

  after_each(function() App.finish(app) end)

  it("is for administrators", function()
    for _, path in ipairs {
      "/updatePartitionSchema?newversion=2",
      "/updateEnvIdInConfig?oldEnvironmentId=x",
    } do
      expect.forbidden(app:post(path))
      assert.are.equal(401, app:post(path, nil, { auth = "none" }).status)
    end
    expect.forbidden(app:call("DELETE", "/cleanupalldata", json.array {}))
    expect.ok(app:post("/updatePartitionSchema?newversion=2", nil,
      { auth = "Bearer key-admin" }))
  end)
end)

describe("orders", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  it("are none, as no orders are kept yet", function()
    expect.not_found(app:get("/orders/shop/none"), "unknown_order")
    expect.not_found(app:get("/Orders/shop/1/"), "unknown_order")
    expect.status(app:post("/orders/shop/none"), 405)
  end)
end)

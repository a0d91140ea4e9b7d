-- rollback_spec.lua - POST /plugins/rollback: generations put back.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local plugins = require "tests.support.plugins"

local safety = plugins.safety

describe("POST /plugins/rollback", function()
  local app

  before_each(function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
  end)

  after_each(function() App.finish(app) end)

  local function roll_back(number)
    return app:post("/plugins/rollback", { generation = number })
  end

  local function available() return app:total("iv.availabletoreserve") end

  it("puts texts and document back under a new number", function()
    local first = plugins.list(app).generation
    expect.ok(plugins.put(app, "safety", safety(25)))
    local document = App.document("formulas.json", {
      vendorExtra = "new", ringfence = { plugins = { "safety" } } }, app.id)
    local third = expect.ok(app:post("/configuration/hardupdate", document))
      .generation
    assert.are.equal(75, available())
    local body = expect.ok(roll_back(first))
    assert.are.equal(first, body.restored)
    assert.are.equal(third + 1, body.generation)
    assert.are.equal(90, available())
    assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
    for _, how in ipairs { "stop", "kill" } do
      app:restart(how)
      assert.are.equal(90, available())
      assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
    end
    expect.ok(roll_back(third))
    assert.are.equal(75, available())
    assert.are.equal("new", expect.ok(app:get("/configuration")).vendorExtra)
  end)

  it("brings back shared files that have changed on disk since", function()
    local first = plugins.list(app).generation
    plugins.install(app.server, "safety", safety(40))
    expect.ok(app:post("host:/api/admin/reload"))
    assert.are.equal(60, available())
    expect.ok(roll_back(first))
    assert.are.equal(90, available())
    app:restart("stop")
    assert.are.equal(90, available())
  end)

  it("keeps the last ten", function()
    local first = plugins.list(app).generation
    for share = 1, 12 do
      expect.ok(plugins.put(app, "safety", safety(share)))
    end
    local list = plugins.list(app)
    assert.are.equal(10, #list.generations)
    for index, generation in ipairs(list.generations) do
      assert.are.equal(list.generation + 1 - index, generation.number)
      assert.are.equal(index == 1, generation.active)
    end
    expect.not_found(roll_back(first), "unknown_generation")
    expect.ok(roll_back(list.generations[10].number))
    assert.are.equal(97, available())
  end)

  it("refuses what is no generation", function()
    expect.invalid(app:post("/plugins/rollback", json.object()),
      "missing_field", "generation")
    for _, value in ipairs { "x", 0, -1, 1.5, true, json.array() } do
      expect.invalid(roll_back(value), "invalid_field", "generation")
    end
    expect.invalid(app:post("/plugins/rollback", json.array { 1 }),
      "invalid_field")
    expect.not_found(roll_back(4711), "unknown_generation")
    assert.are.equal(90, available())
  end)
end)

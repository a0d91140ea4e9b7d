-- reload_spec.lua - POST {host}/api/admin/reload: files changed on disk.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local plugins = require "tests.support.plugins"

local safety = plugins.safety

describe("POST {host}/api/admin/reload", function()
  local app

  after_each(function() App.finish(app) end)

  local function reload(options)
    return app:post("host:/api/admin/reload", nil, options)
  end

  local function outcome(reply, id)
    for _, environment in ipairs(reply.json.environments) do
      if environment.environmentId == id then return environment end
    end
  end

  it("publishes what has changed on disk, and only that", function()
    app = plugins.start({ safety = safety(10) },
      { others = { second = { ringfence = { plugins = json.array() },
        inventorySystemConfigurations = { iv = {
          reservMappings = json.null } } } } })
    app:put(40)
    local body = expect.ok(reload())
    assert.are.equal(2, #body.environments)
    for _, environment in ipairs(body.environments) do
      assert.is_false(environment.changed)
    end
    plugins.install(app.server, "safety", safety(25))
    local reply = reload()
    expect.ok(reply)
    assert.is_true(outcome(reply, app.id).changed)
    assert.is_false(outcome(reply, "second").changed)
    assert.are.equal(plugins.list(app).generation,
      outcome(reply, app.id).generation)
    assert.are.equal(30, app:total("iv.availabletoreserve"))
  end)

  it("takes up changed documents as well", function()
    app = plugins.start { safety = safety(10) }
    local path = ("%s/environments/%s.json"):format(app.server.root, app.id)
    folder.write(path, json.encode(App.document("formulas.json",
      { vendorExtra = "seen", ringfence = { plugins = { "safety" } } },
      app.id)))
    assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
    expect.ok(reload())
    assert.are.equal("seen", expect.ok(app:get("/configuration")).vendorExtra)
  end)

  it("keeps the old where something is wrong, and goes on", function()
    app = plugins.start({ safety = safety(10), extra = plugins.text("extra", {}) },
      { patch = { ringfence = { plugins = { "safety" } } },
        others = { second = { ringfence = {
          plugins = { "safety", "extra" } } } } })
    app:put(40)
    local before = plugins.list(app).generation
    plugins.install(app.server, "safety", safety(25))
    plugins.install(app.server, "extra", "\nreturn {\n")
    local reply = reload()
    expect.status(reply, 400)
    expect.body(reply, { processingStatus = "failure", code = "plugin_syntax" })
    expect.body({ status = 400, body = reply.body,
      json = outcome(reply, "second") }, {
      processingStatus = "failure", changed = false, code = "plugin_syntax",
      plugin = "extra", file = "plugin.lua", line = { ["$type"] = "number" },
      message = { ["$not"] = "" },
    })
    expect.body({ status = 400, body = reply.body, json = outcome(reply, app.id) },
      { processingStatus = "success", changed = true, code = "" })
    assert.are.equal(before + 1, plugins.list(app).generation)
    assert.are.equal(30, app:total("iv.availabletoreserve"))
    plugins.install(app.server, "extra", plugins.text("extra", {}))
    reply = reload()
    expect.ok(reply)
    assert.is_true(outcome(reply, "second").changed)
  end)

  it("reaches as far as the caller's key", function()
    local id = App.guid()
    app = plugins.start({ safety = safety(10) }, { id = id,
      others = { second = { ringfence = { plugins = { "safety" } } } },
      server = { auth = { keys = {
        keys.entry("all", "key-all", { "admin" }),
        keys.entry("one", "key-one", { "admin" }, { id, "absent" }),
        keys.entry("reader", "key-reader", { "reader" }),
      } } } })
    plugins.install(app.server, "safety", safety(25))
    expect.forbidden(reload { auth = "Bearer key-reader" })
    assert.are.equal(401, reload().status)
    local reply = reload { auth = "Bearer key-one" }
    expect.ok(reply)
    assert.are.equal(1, #reply.json.environments)
    assert.is_true(outcome(reply, id).changed)
    reply = reload { auth = "Bearer key-all" }
    expect.ok(reply)
    assert.is_false(outcome(reply, id).changed)
    assert.is_true(outcome(reply, "second").changed)
  end)
end)

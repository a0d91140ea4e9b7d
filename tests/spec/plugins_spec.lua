-- plugins_spec.lua - what runs, and changing it through the API.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local metrics = require "tests.support.metrics"
local plugins = require "tests.support.plugins"
local process = require "tests.support.process"

local ONHAND = plugins.ONHAND
local safety = plugins.safety

local function sha256(text)
  local path = os.tmpname()
  folder.write(path, text)
  local _, output = process.run({ "sha256sum", path })
  os.remove(path)
  return output:match("^%x+")
end

describe("GET /plugins", function()
  local app

  after_each(function() App.finish(app) end)

  it("tells what runs, how, and what it cost", function()
    local text = safety(10, { version = "1.2.3", tail = plugins.EXAMPLES:format(90) })
    app = plugins.start { safety = text }
    local list = plugins.list(app)
    local plugin = list.plugins[1]
    expect.body({ status = 200, body = "", json = list }, {
      generation = { ["$type"] = "number" },
      plugins = { {
        name = "safety", version = "1.2.3", own = false,
        files = { { name = "plugin.lua", sha256 = sha256(text), bytes = #text } },
        hash = sha256(sha256(text) .. "  plugin.lua\n"),
        modifiers = json.array(), rules = json.array(),
        examples = { passed = 2, failed = 0 },
      } },
    })
    local kinds = {}
    for _, formula in ipairs(plugin.formulas) do
      kinds[formula.measure] = formula.kind
      assert.are.equal(formula.kind == "lua", formula.reason ~= "")
      assert.are.equal(0, formula.failures)
      assert.is_false(formula.off)
      assert.is_true(formula.nanosecondsPerCall > 0)
    end
    assert.are.same({ ["iv.onhand"] = "linear",
      ["iv.availabletoreserve"] = "lua" }, kinds)
    assert.is_true(plugin.loadMicroseconds > 0)
  end)

  it("works where nothing runs", function()
    app = App.start()
    local list = plugins.list(app)
    assert.are.same(json.array(), list.plugins)
    assert.are.equal(1, #list.generations)
    expect.body({ status = 200, body = "", json = list.generations[1] }, {
      number = list.generation, active = true, actor = "system",
      publishedAt = { ["$type"] = "string" },
    })
  end)

  it("lists plugins in the order in which they run", function()
    local function report(name, measure)
      return plugins.text(name, { ["report." .. measure] = "return m.wms.picked" })
    end
    app = plugins.start({ safety = safety(10), zebra = report("zebra", "z"),
      ant = report("ant", "a") }, {
      patch = { ringfence = { plugins = { "zebra", "safety", "ant" } } } })
    local names = {}
    for _, plugin in ipairs(plugins.list(app).plugins) do
      names[#names + 1] = plugin.name
    end
    assert.are.same({ "zebra", "safety", "ant" }, names)
  end)

  it("gives the texts in force", function()
    local text = safety(10, { head = "-- é" })
    app = plugins.start { safety = text }
    local reply = app:get("/plugins/safety/plugin.lua")
    assert.are.equal(200, reply.status)
    assert.are.equal(text, reply.body)
    assert.is_truthy(reply.headers["content-type"]:find("text/x-lua", 1, true))
    plugins.install(app.server, "safety", safety(99))
    assert.are.equal(text, app:get("/plugins/safety/plugin.lua").body)
    for _, path in ipairs { "/plugins/safety/other.lua",
      "/plugins/other/plugin.lua", "/plugins/Safety/plugin.lua" } do
      expect.not_found(app:get(path), "unknown_plugin")
    end
  end)
end)

describe("a plugin's file", function()
  local app

  before_each(function()
    app = plugins.start({ safety = safety(10) },
      { others = { second = { ringfence = { plugins = { "safety" } } } } })
    app:put(80)
  end)

  after_each(function() App.finish(app) end)

  local function available() return app:total("iv.availabletoreserve") end

  local function remove(name)
    return app:call("DELETE", "/plugins/" .. name)
  end

  it("takes effect at once when it is put", function()
    local before = plugins.list(app)
    assert.are.equal(72, available())
    local text = safety(25, { version = "2.0.0" })
    local body = expect.ok(plugins.put(app, "safety", text))
    assert.are.equal(before.generation + 1, body.generation)
    expect.body({ status = 200, body = "", json = body }, {
      plugin = "safety", file = "plugin.lua", sha256 = sha256(text),
      changed = true,
    })
    assert.are.equal(60, available())
    expect.refused(app:reserve(61), "insufficient_available", 60)
    local list = plugins.list(app)
    assert.are.equal(body.generation, list.generation)
    assert.are.equal("2.0.0", list.plugins[1].version)
    assert.is_true(list.plugins[1].own)
    assert.are.equal(text, app:get("/plugins/safety/plugin.lua").body)
  end)

  it("is the environment's own, and hides the shared one until removed",
    function()
      expect.ok(plugins.put(app, "safety", safety(25)))
      local second = plugins.list(app, nil)
      local path = "host:/api/environment/second/plugins"
      second = expect.ok(app:get(path))
      assert.is_false(second.plugins[1].own)
      assert.are_not.equal(plugins.list(app).plugins[1].hash,
        second.plugins[1].hash)
      for _, how in ipairs { "stop", "kill" } do
        app:restart(how)
        assert.are.equal(60, available())
      end
      local body = expect.ok(remove("safety"))
      assert.are.equal(plugins.list(app).generation, body.generation)
      assert.are.equal(72, available())
      assert.is_false(plugins.list(app).plugins[1].own)
      expect.not_found(remove("safety"), "unknown_plugin")
      expect.not_found(remove("never"), "unknown_plugin")
      app:restart("stop")
      assert.are.equal(72, available())
    end)

  it("may be one of several", function()
    local main = plugins.text("safety", {
      ["iv.onhand"] = ONHAND,
      ["iv.availabletoreserve"] = "return keep.back(m.iv.onhand)",
    }, { head = 'local keep = use "keep.lua"' })
    local function keep(share)
      return ("return { back = function(x) return x - x * %d / 100 end }\n")
        :format(share)
    end
    expect.invalid(plugins.put(app, "safety", main), "plugin_failed")
    expect.ok(plugins.put(app, "safety", keep(50), { file = "keep.lua" }))
    expect.ok(plugins.put(app, "safety", main))
    assert.are.equal(40, available())
    expect.ok(plugins.put(app, "safety", keep(75), { file = "keep.lua" }))
    assert.are.equal(20, available())
    expect.invalid(plugins.put(app, "safety", "return }",
      { file = "keep.lua" }), "plugin_syntax")
    assert.are.equal(20, available())
    local files = plugins.list(app).plugins[1].files
    assert.are.equal("keep.lua", files[1].name)
    assert.are.equal("plugin.lua", files[2].name)
  end)

  it("waits for the document to name its plugin", function()
    local text = plugins.text("extra", { ["report.twice"] =
      "return 2 * m.wms.unrestricted" })
    local before = plugins.list(app).generation
    local body = expect.ok(plugins.put(app, "extra", text))
    assert.is_false(body.changed)
    assert.are.equal(before, body.generation)
    assert.is_nil(plugins.find(plugins.list(app), "extra"))
    expect.ok(app:post("/configuration/hardupdate", App.document(
      "formulas.json", { ringfence = { plugins = { "safety", "extra" } } },
      app.id)))
    assert.are.equal(160, app:total("report.twice"))
  end)

  it("may take another plugin's place", function()
    local other = plugins.text("other", { ["iv.onhand"] = ONHAND,
      ["iv.availabletoreserve"] = "return m.iv.onhand - 1" })
    expect.invalid(plugins.put(app, "other", "return {"), "plugin_syntax")
    expect.invalid(plugins.put(app, "other", "error 'no'"), "plugin_failed")
    assert.is_false(expect.ok(plugins.put(app, "other", other)).changed)
    assert.are.equal(72, available())
    expect.ok(app:post("/configuration/hardupdate", App.document(
      "formulas.json", { ringfence = { plugins = { "other" } } }, app.id)))
    assert.are.equal(79, available())
  end)

  it("comes in the media types of text", function()
    for index, kind in ipairs { "text/plain", "text/x-lua; charset=utf-8",
      "application/octet-stream", "Text/Plain" } do
      expect.ok(plugins.put(app, "safety", safety(index),
        { headers = { ["Content-Type"] = kind } }))
    end
    for _, kind in ipairs { "application/json", "text/html",
      "application/x-www-form-urlencoded", "text/plain; charset=utf-16" } do
      local reply = plugins.put(app, "safety", safety(50),
        { headers = { ["Content-Type"] = kind } })
      expect.status(reply, 415)
      expect.body(reply, { code = "unsupported_media_type" })
    end
    assert.are.equal(77, available())
  end)

  it("has a name that is safe as one", function()
    local fifty = ("n"):rep(50)
    for _, name in ipairs { "a%20b", "a.b", fifty .. "n", "%C3%A4", "a$b" } do
      expect.invalid(plugins.put(app, name, safety(1)), "invalid_field", "name")
      expect.invalid(remove(name), "invalid_field", "name")
    end
    for _, file in ipairs { "plugin", ".lua", "plugin.LUA", "plugin.lua.txt",
      fifty .. "n.lua", "a%20.lua", "x_spec.lua" } do
      expect.invalid(plugins.put(app, "safety", safety(1), { file = file }),
        "invalid_field", "file")
    end
    for _, path in ipairs { "/plugins/../plugin.lua", "/plugins/%2e%2e/p.lua",
      "/plugins/safety/..%2Fx.lua", "/plugins//plugin.lua" } do
      local reply = app:call("PUT", path, nil, { raw = safety(1),
        headers = { ["Content-Type"] = "text/x-lua" } })
      assert.is_true(reply.status == 400 or reply.status == 404, path)
    end
    expect.ok(plugins.put(app, fifty, plugins.text(fifty, {})))
  end)

  it("answers other methods with those there are", function()
    local reply = app:call("POST", "/plugins/safety/plugin.lua", {})
    expect.status(reply, 405)
    assert.are.equal("GET, HEAD, PUT", reply.headers.allow)
    expect.status(app:call("PUT", "/plugins/safety/plugin.lua/more", nil,
      { raw = "x" }), 404)
  end)
end)

describe("a plugin that is wrong", function()
  local app

  before_each(function()
    app = plugins.start { safety = safety(10) }
    app:put(80)
  end)

  after_each(function() App.finish(app) end)

  -- What must be as it was: numbers, the list, the text.
  local function state()
    local list = plugins.list(app)
    return { list.generation, list.plugins[1].hash, #list.generations,
      app:total("iv.availabletoreserve"),
      app:get("/plugins/safety/plugin.lua").body }
  end

  it("is told with code, file and line, and changes nothing", function()
    expect.ok(plugins.put(app, "safety", safety(25)))
    local before = state()
    for index, case in ipairs(plugins.BROKEN) do
      local reply = plugins.put(app, "safety", case[2])
      local label = index .. ": " .. reply.body
      assert.are.equal(case[1], reply.json.code, label)
      expect.invalid(reply, case[1])
      expect.body(reply, { plugin = "safety", file = "plugin.lua",
        line = case[3] or { ["$type"] = "number" } })
      assert.is_nil(reply.json.message:find("[\0-\31]"), label)
      assert.is_nil(reply.json.message:find(app.server.root, 1, true), label)
      assert.are.same(before, state(), label)
    end
    app:restart("stop")
    assert.are.same(before, (function()
      local now = state()
      now[1], now[3] = before[1], before[3]
      return now
    end)())
    assert.are.equal(60, app:total("iv.availabletoreserve"))
  end)

  it("is kept out of reservations under way", function()
    for _, case in ipairs(plugins.BROKEN) do
      plugins.put(app, "safety", case[2])
      expect.ok(app:reserve(1))
    end
    assert.are.equal(72 - #plugins.BROKEN, app:total("iv.availabletoreserve"))
  end)

  it("is too large beyond 32768 bytes", function()
    local text = safety(25)
    local filler = "--" .. ("x"):rep(32768 - #text - 3) .. "\n"
    expect.ok(plugins.put(app, "safety", filler .. text))
    local reply = plugins.put(app, "safety", "-" .. filler .. text)
    assert.are.equal(400, reply.status)
    expect.body(reply, { plugin = "safety", file = "plugin.lua",
      message = { ["$contains"] = { "32768" } } })
    assert.are.equal(60, app:total("iv.availabletoreserve"))
  end)

  it("is not text when it is not UTF-8", function()
    local reply = plugins.put(app, "safety", "-- \xff\n" .. safety(25))
    expect.invalid(reply, "plugin_syntax")
    assert.are.equal(72, app:total("iv.availabletoreserve"))
  end)

  it("clashes with another plugin over a formula", function()
    local other = plugins.text("other", { ["iv.onhand"] = ONHAND })
    plugins.install(app.server, "other", other)
    local reply = app:post("/configuration/hardupdate", App.document(
      "formulas.json", { ringfence = { plugins = { "safety", "other" } } },
      app.id))
    expect.invalid(reply, "duplicate_definition")
    expect.body(reply, { plugin = "other", file = "plugin.lua", line = 4 })
    assert.are.equal(72, app:total("iv.availabletoreserve"))
  end)

  it("is missing when a document names it in vain", function()
    local before = expect.ok(app:get("/configuration"))
    local reply = app:post("/configuration/hardupdate", App.document(
      "formulas.json", { ringfence = { plugins = { "safety", "gone" } } },
      app.id))
    assert.are.equal(400, reply.status)
    expect.body(reply, { processingStatus = "failure",
      message = { ["$contains"] = { "gone" } } })
    assert.are.same(before, expect.ok(app:get("/configuration")))
  end)

  it("leaves the document alone when the document is fine", function()
    plugins.install(app.server, "late", "return {")
    local reply = app:post("/configuration/hardupdate", App.document(
      "formulas.json", { ringfence = { plugins = { "safety", "late" } },
        vendorExtra = "lost" }, app.id))
    expect.invalid(reply, "plugin_syntax")
    expect.body(reply, { plugin = "late", file = "plugin.lua" })
    assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
  end)

  it("is counted and logged", function()
    expect.ok(plugins.put(app, "safety", safety(25)))
    plugins.put(app, "safety", "return {")
    local page = metrics.parse(app:get("host:/metrics").body)
    for result, count in pairs { success = 1, failure = 1 } do
      assert.are.equal(count, metrics.sum(page, "ringfence_reloads_total",
        { environment = app.id, result = result }))
    end
    assert.is_truthy(app.server:stderr():find("plugin=safety file=plugin.lua",
      1, true))
  end)
end)

describe("roles", function()
  local app

  before_each(function()
    local list = {}
    for _, role in ipairs { "reader", "writer", "planner", "erp", "admin" } do
      list[#list + 1] = keys.entry(role, "key-" .. role, { role })
    end
    app = plugins.start({ safety = safety(10) },
      { server = { auth = { keys = list } } })
  end)

  after_each(function() App.finish(app) end)

  it("let everyone with a key look, and admins change", function()
    local generation = plugins.list(app, { auth = "Bearer key-admin" })
      .generation
    for _, role in ipairs { "reader", "writer", "planner", "erp" } do
      local as = { auth = "Bearer key-" .. role }
      plugins.list(app, as)
      assert.are.equal(200, app:get("/plugins/safety/plugin.lua", as).status)
      expect.forbidden(plugins.put(app, "safety", safety(1), as))
      expect.forbidden(app:call("DELETE", "/plugins/safety", nil, as))
      expect.forbidden(app:post("/plugins/rollback",
        { generation = generation }, as))
      expect.forbidden(app:post("/plugins/preview", { files = json.object() },
        as))
    end
    local as = { auth = "Bearer key-admin" }
    expect.ok(plugins.put(app, "safety", safety(1), as))
    expect.ok(app:post("/plugins/preview", { files = json.object() }, as))
    expect.ok(app:call("DELETE", "/plugins/safety", nil, as))
    expect.ok(app:post("/plugins/rollback", { generation = generation }, as))
    local list = plugins.list(app, as)
    assert.are.equal("admin", list.generations[1].actor)
    assert.are.equal(401, app:get("/plugins").status)
  end)
end)

-- plugin_folders_spec.lua - what lies in the folders and what is in force:
-- signals, the watcher, own copies and generations over restarts and crashes.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local json = require "tests.support.json"
local plugins = require "tests.support.plugins"
local process = require "tests.support.process"

local safety = plugins.safety

local PATIENCE_SECONDS = 20

describe("the folders of plugins", function()
  local app

  after_each(function() App.finish(app) end)

  local function available()
    return app:total("iv.availabletoreserve")
  end

  local function await_available(expected)
    local found
    process.await(PATIENCE_SECONDS, function()
      found = available()
      return found == expected
    end)
    assert.are.equal(expected, found)
  end

  local function await_log(pattern)
    assert.is_truthy(process.await(PATIENCE_SECONDS, function()
      return app.server:stderr():find(pattern)
    end), pattern .. " not in: " .. app.server:stderr())
  end

  local function count_log(pattern)
    return select(2, app.server:stderr():gsub(pattern, ""))
  end

  -- A path beside the environment's document.
  local function beside(suffix)
    return ("%s/environments/%s"):format(app.server.root, app.id .. suffix)
  end

  local function hidden(suffix)
    return ("%s/environments/.%s"):format(app.server.root, app.id .. suffix)
  end

  local function document(patch)
    return App.document("formulas.json",
      json.merge(json.object { ringfence = { plugins = { "safety" } } },
        json.object(patch)), app.id)
  end

  local function update(patch)
    return app:post("/configuration/hardupdate", document(patch))
  end

  local function numbers()
    local list = {}
    for index, note in ipairs(plugins.list(app).generations) do
      list[index] = note.number
    end
    return list
  end

  -- Put a version; the generation it became.
  local function put(share)
    return expect.ok(plugins.put(app, "safety", safety(share))).generation
  end

  describe("and SIGHUP", function()
    it("publishes what has changed", function()
      app = plugins.start { safety = safety(10) }
      app:put(100)
      plugins.install(app.server, "safety", safety(25))
      assert.are.equal(90, available())
      app.server:signal("HUP")
      await_available(75)
    end)

    it("keeps the old when something is wrong, and says what", function()
      app = plugins.start { safety = safety(10) }
      app:put(100)
      plugins.install(app.server, "safety", "return {\n  oops oops\n}\n")
      app.server:signal("HUP")
      await_log("code=plugin_syntax")
      local line = app.server:stderr():match("[^\n]*code=plugin_syntax[^\n]*")
      for _, part in ipairs { "environment=" .. app.id, "plugin=safety",
        "file=plugin.lua", "line=2" } do
        assert.is_truthy(line:find(part, 1, true), part .. " not in " .. line)
      end
      assert.are.equal(90, available())
      plugins.install(app.server, "safety", safety(50))
      app.server:signal("HUP")
      await_available(50)
    end)
  end)

  describe("when they are watched", function()
    local function start(texts)
      app = plugins.start(texts, { server = { plugins = { watch = true } } })
      app:put(100)
    end

    it("a save is in force at once", function()
      start { safety = safety(10) }
      plugins.install(app.server, "safety", safety(20))
      await_available(80)
      plugins.install(app.server, "safety", safety(30))
      await_available(70)
      assert.are.equal(3, plugins.list(app).generation)
    end)

    it("a broken save is logged and changes nothing", function()
      start { safety = safety(10) }
      plugins.install(app.server, "safety", "return {")
      await_log("code=plugin_syntax")
      assert.are.equal(90, available())
      plugins.install(app.server, "safety", safety(20))
      await_available(80)
    end)

    it("what the server writes itself is not told again", function()
      start { safety = safety(10) }
      local generation = put(20)
      assert.are.equal(80, available())
      -- An own copy, so the next save is of that.
      folder.write(beside(".plugins/safety/plugin.lua"), safety(30))
      await_available(70)
      assert.are.equal(generation + 1, plugins.list(app).generation)
      -- It is in force before it is told.
      assert.is_truthy(process.await(PATIENCE_SECONDS, function()
        return count_log("generation published") >= 2
      end))
      assert.are.equal(2, count_log("generation published"))
      assert.are.equal(0, count_log(" warn "))
    end)
  end)

  it("are not watched unless told to", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    plugins.install(app.server, "safety", safety(20))
    put(30)
    assert.are.equal(70, available())
    assert.are.equal(1, count_log("generation published"))
  end)

  it("keep own copies and generations over stop and kill", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    put(20)
    put(30)
    local before = plugins.list(app).generations
    assert.are.equal(3, #before)
    for _, how in ipairs { "stop", "kill" } do
      app:restart(how)
      assert.are.equal(70, available())
      assert.are.same(before, plugins.list(app).generations)
    end
    expect.ok(app:post("/plugins/rollback", { generation = before[2].number }))
    assert.are.equal(80, available())
    app:restart("kill")
    assert.are.equal(80, available())
    assert.are.equal(4, #numbers())
  end)

  it("keep the last ten generations", function()
    app = plugins.start { safety = safety(1) }
    local first = plugins.list(app).generation
    for share = 2, 12 do put(share) end
    local list = numbers()
    assert.are.equal(10, #list)
    assert.are.equal(first + 11, list[1])
    assert.are.equal(10, #folder.list(beside(".generations")))
    expect.not_found(app:post("/plugins/rollback", { generation = first }),
      "unknown_generation")
    expect.ok(app:post("/plugins/rollback", { generation = list[10] }))
    assert.are.equal(10, #numbers())
  end)

  it("give a generation back whatever has become of its files", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    local first = plugins.list(app).generation
    expect.ok(update { vendorExtra = "new" })
    plugins.install(app.server, "safety", "broken")
    expect.ok(app:post("/plugins/rollback", { generation = first }))
    assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
    assert.are.equal(90, available())
    app:restart("stop")
    assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
    assert.are.equal(90, available())
    assert.are.equal(safety(10),
      folder.read(beside(".plugins/safety/plugin.lua")))
  end)

  it("need no copy of what is shared all the same", function()
    app = plugins.start { safety = safety(10) }
    local first = plugins.list(app).generation
    put(20)
    assert.is_true(folder.exists(beside(".plugins/safety")))
    expect.ok(app:post("/plugins/rollback", { generation = first }))
    assert.is_false(folder.exists(beside(".plugins")))
  end)

  it("are loaded again as they are to bring back what was switched off",
    function()
      app = plugins.start { safety = safety(10), slow = plugins.text("slow", {
        ["report.slow"] = "if m.wms.unrestricted == 501.125 then while true do end "
          .. "end return 1" }) }
      app:put(501.125)
      assert.is_truthy(process.await(PATIENCE_SECONDS, function()
        assert.are.equal("script_error", app:query().json.code)
        return plugins.find(plugins.list(app), "slow").formulas[1].off
      end))
      local first = plugins.list(app).generation
      expect.ok(app:post("host:/api/admin/reload"))
      local list = plugins.list(app)
      assert.are.equal(first + 1, list.generation)
      assert.is_false(plugins.find(list, "slow").formulas[1].off)
      expect.ok(app:post("host:/api/admin/reload"))
      assert.are.equal(first + 1, plugins.list(app).generation)
    end)

  it("are cleared of what a crash has left", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    put(20)
    app:disconnect()
    app.server:kill()
    folder.make(hidden(".plugins.new"))
    folder.make(hidden(".plugins.new/safety"))
    folder.write(hidden(".plugins.new/safety/plugin.lua"), "half a fi")
    folder.write(hidden(".json.new"), "{ \"environ")
    folder.write(beside(".generations/99.json"), "{ \"num")
    folder.write(hidden(".mine"), "somebody's")
    app.server:start()
    assert.are.equal(80, available())
    assert.are.same({ "." .. app.id .. ".mine", app.id .. ".generations",
      app.id .. ".json", app.id .. ".plugins" },
      folder.list(app.server.root .. "/environments"))
    assert.are.same({ "1.json", "2.json" },
      folder.list(beside(".generations")))
  end)

  it("are finished when a crash came between document and copies", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    put(20)
    local second = plugins.list(app).generation
    expect.ok(update { vendorExtra = "third" })
    put(30)
    app:disconnect()
    app.server:kill()
    -- The second was being put back, and neither file had been exchanged.
    folder.write(hidden(".restore"), second .. "\n")
    app.server:start()
    assert.are.equal(80, available())
    assert.is_nil(expect.ok(app:get("/configuration")).vendorExtra)
    assert.is_false(folder.exists(hidden(".restore")))
  end)

  it("leave an environment in force whose document has gone", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    os.rename(beside(".json"), beside(".away"))
    local body = expect.ok(app:post("host:/api/admin/reload"))
    expect.body({ status = 200, body = "", json = body.environments[1] }, {
      environmentId = app.id, changed = false, processingStatus = "success" })
    await_log("document has gone")
    assert.are.equal(90, available())
    put(20)
    os.rename(beside(".away"), beside(".json"))
    expect.ok(app:post("host:/api/admin/reload"))
    assert.are.equal(80, available())
  end)

  it("bring a new environment with its document", function()
    app = plugins.start { safety = safety(10) }
    local id = App.guid()
    folder.write(("%s/environments/%s.json"):format(app.server.root, id),
      json.encode(App.document("by-product.json", nil, id)))
    expect.ok(app:post("host:/api/admin/reload"))
    expect.ok(app:get("host:/api/environment/" .. id .. "/configuration"))
  end)

  it("refuse a change that cannot be kept, on disk too", function()
    app = plugins.start { safety = safety(10) }
    app:put(100)
    app:disconnect()
    app.server:stop()
    local before = folder.read(beside(".json"))
    folder.copy(beside(".generations"), app.server.root .. "/kept")
    folder.empty(beside(".generations"))
    os.remove(beside(".generations"))
    folder.write(beside(".generations"), "in the way")
    app.server:start()
    local reply = plugins.put(app, "safety", safety(20))
    assert.are.equal(503, reply.status, reply.body)
    assert.are.equal("storage_unavailable", reply.json.code)
    reply = update { inventorySystemConfigurations = { wms = {
      physicalMeasures = { "unrestricted", "blocked", "picked", "first" } } } }
    assert.are.equal(503, reply.status, reply.body)
    assert.are.equal(90, available())
    assert.is_false(folder.exists(beside(".plugins")))
    assert.are.equal(before, folder.read(beside(".json")))

    -- What is on disk already loads all the same.
    plugins.install(app.server, "safety", safety(30))
    expect.ok(app:post("host:/api/admin/reload"))
    assert.are.equal(70, available())

    -- Names that came with what was refused keep the numbers they were given.
    os.remove(beside(".generations"))
    expect.ok(update { inventorySystemConfigurations = { wms = {
      physicalMeasures = { "unrestricted", "blocked", "picked", "second" } } } })
    app:put(nil, { quantities = { wms = { second = 5 } } })
    app:restart("kill")
    assert.are.equal(5, app:total("wms.second"))
    assert.are.equal(70, available())
  end)

  it("stop a start that names what is not there", function()
    app = App.start { stopped = true, config = "formulas.json",
      patch = { ringfence = { plugins = { "nowhere" } } } }
    local status, _, errors = app.server:tool("serve", "--listen",
      "127.0.0.1:0")
    assert.are.equal(2, status, errors)
    for _, part in ipairs { "$.ringfence.plugins[0]", "nowhere",
      app.id .. ".json" } do
      assert.is_truthy(errors:find(part, 1, true), errors)
    end
  end)

  it("stop a start with a broken plugin, and say where", function()
    app = App.start { stopped = true, config = "formulas.json",
      patch = { ringfence = { plugins = { "safety" } } } }
    plugins.install(app.server, "safety", "return {\n  oops oops\n}\n")
    local status, _, errors = app.server:tool("serve", "--listen",
      "127.0.0.1:0")
    assert.are.equal(2, status, errors)
    assert.is_truthy(errors:find("safety/plugin.lua:2: ", 1, true), errors)
  end)

  it("take files of a plugin in any order before it is run", function()
    app = plugins.start { safety = safety(10) }
    local function put_file(file, text)
      return plugins.put(app, "later", text, { file = file })
    end
    expect.ok(put_file("helper.lua", "return { factor = use 'more' }\n"))
    local reply = put_file("more.lua", "return return\n")
    expect.invalid(reply, "plugin_syntax")
    expect.body(reply, { plugin = "later", file = "more.lua", line = 1 })
    expect.ok(put_file("more.lua", "return 3\n"))
    reply = put_file("plugin.lua", "return { name = 'later' }\n")
    expect.invalid(reply, "plugin_failed")
    expect.ok(put_file("plugin.lua", plugins.text("later", {
      ["report.thrice"] = "return m.wms.unrestricted * FACTOR" },
      { head = "local FACTOR = use('helper').factor" })))
    expect.ok(update { ringfence = { plugins = { "safety", "later" } } })
    app:put(7)
    assert.are.equal(21, app:total("report.thrice"))
  end)
end)

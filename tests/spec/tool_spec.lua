-- tool_spec.lua - the subcommands beside serve.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local http = require "tests.support.http"
local json = require "tests.support.json"
local plugins = require "tests.support.plugins"
local process = require "tests.support.process"
local Server = require "tests.support.server"
local tasks = require "tests.support.tasks"

local WRONG_USAGE = 2

local SUBCOMMANDS = {
  "serve", "check", "verify", "backup", "restore", "token", "version",
}

describe("ringfence", function()
  local app

  after_each(function()
    if app then App.finish(app) end
    app = nil
  end)

  local function run(...)
    return process.run { Server.binary(), ... }
  end

  -- Run a subcommand on the app's files; it must succeed.
  local function succeed(name, ...)
    local status, output, errors = app.server:tool(name, ...)
    assert.are.equal(0, status, output .. errors)
    return output .. errors
  end

  -- A server with some stock and a reservation, stopped again.
  local function fill()
    app = App.start()
    app:put(10, { dimensions = App.place { ColorId = "red" } })
    expect.ok(app:reserve(4, { id = "r" }))
    app:disconnect()
    app.server:stop()
  end

  it("says its version", function()
    local status, output = run "version"
    assert.are.equal(0, status)
    assert.is_truthy(output:match("%d+%.%d+%.%d+"), output)
  end)

  it("says how it is used", function()
    local status, output = run "--help"
    assert.are.equal(0, status)
    for _, name in ipairs(SUBCOMMANDS) do
      assert.is_truthy(output:find(name, 1, true), name .. " not in " .. output)
    end
  end)

  it("refuses what it does not know", function()
    for _, words in ipairs {
      { "frobnicate" }, {}, { "verify", "--no-such-option" },
      { "--no-such-option" }, { "check", "--config" },
      { "check", "--listen", "127.0.0.1:0" },
    } do
      local status, _, errors = run(table.unpack(words))
      assert.are.equal(WRONG_USAGE, status, errors)
      assert.is_true(#errors > 0)
    end
  end)

  it("check finds a good configuration good, and touches no data", function()
    app = App.start { stopped = true }
    succeed "check"
    assert.are.same({}, folder.list(app.server.root .. "/data"))
  end)

  it("check works while the server runs", function()
    app = App.start()
    succeed "check"
  end)

  it("check finds nothing good about a folder without environments", function()
    local status, output, errors =
      run("check", "--environments", "/no/such/folder")
    assert.are.equal(WRONG_USAGE, status)
    assert.are.equal("", output)
    assert.is_truthy(errors:find("no environment in /no/such/folder", 1, true))
  end)

  it("check names what is wrong and where", function()
    app = App.start { stopped = true, patch = {
      reservConfiguration = { keys = { "siteid", "shade" } } } }
    local status, output, errors = app.server:tool "check"
    assert.are.equal(WRONG_USAGE, status, output .. errors)
    local text = output .. errors
    assert.is_truthy(text:find("$.reservConfiguration.keys[1]", 1, true), text)
    assert.is_truthy(text:find(app.id .. ".json", 1, true), text)
  end)

  it("check names what is wrong in the server's own file", function()
    app = App.start { stopped = true, server = { nonsense = 1 } }
    local status, output, errors = app.server:tool "check"
    assert.are.equal(WRONG_USAGE, status, output .. errors)
    assert.is_truthy((output .. errors):find("nonsense", 1, true))
  end)

  -- Check what runs these plugins; exit status, and all it said.
  local function check(texts, names)
    app = App.start { stopped = true, config = "formulas.json",
      patch = { ringfence = { plugins = names } } }
    for name, text in pairs(texts) do
      plugins.install(app.server, name, text)
    end
    local status, output, errors = app.server:tool "check"
    return status, output .. errors
  end

  it("check counts what it has tried, and writes nothing", function()
    local status, text = check({ safety = plugins.safety(10,
      { tail = plugins.EXAMPLES:format(90) }) }, { "safety" })
    assert.are.equal(0, status, text)
    assert.is_truthy(text:find("1 environments are good, 0 are not", 1, true),
      text)
    assert.is_truthy(text:find(
      "1 plugins are run, with 2 formulas (1 native, 1 in Lua) and 2 examples",
      1, true), text)
    assert.are.same({ app.id .. ".json" },
      folder.list(app.server.root .. "/environments"))
    assert.are.same({}, folder.list(app.server.root .. "/data"))
  end)

  it("check names plugin, file and line of every kind of mistake", function()
    for _, case in ipairs(plugins.BROKEN) do
      local status, text = check({ safety = case[2] }, { "safety" })
      assert.are.equal(WRONG_USAGE, status, case[1] .. ": " .. text)
      local place = case[3] and ("safety/plugin.lua:%d: "):format(case[3])
        or "safety/plugin.lua:"
      assert.is_truthy(text:find(place, 1, true), place .. " not in " .. text)
      App.finish(app)
    end
  end)

  it("check tells every environment's mistakes", function()
    local status, text = check({ safety = plugins.safety(10), bad = "return {" },
      { "safety" })
    assert.are.equal(0, status, text)
    folder.write(app.server.root .. "/environments/second.json",
      '{ "ringfence": { "plugins": [ "bad" ] } }')
    folder.write(app.server.root .. "/environments/third.json",
      '{ "ringfence": { "plugins": [ "nowhere", "../safety" ] } }')
    local output, errors
    status, output, errors = app.server:tool "check"
    text = output .. errors
    assert.are.equal(WRONG_USAGE, status, text)
    for _, part in ipairs { "second.json: bad/plugin.lua:1: ",
      "third.json: $.ringfence.plugins[0]: ",
      "third.json: $.ringfence.plugins[1]: ",
      "1 environments are good, 2 are not" } do
      assert.is_truthy(text:find(part, 1, true), part .. " not in " .. text)
    end
  end)

  it("check takes an environment's own copy before the shared one", function()
    local status, text = check({ safety = plugins.safety(10) }, { "safety" })
    assert.are.equal(0, status, text)
    local own = ("%s/environments/%s.plugins"):format(app.server.root, app.id)
    folder.make(own)
    folder.make(own .. "/safety")
    folder.write(own .. "/safety/plugin.lua", "return {")
    assert.are.equal(WRONG_USAGE, (app.server:tool "check"))
  end)

  it("verify finds every total equal to its leaves", function()
    fill()
    succeed "verify"
    app.server:start()
    assert.are.equal(4, app:total("iv.softreserved"))
  end)

  it("verify looks at a running server under load", function()
    app = App.start()
    local state = { done = false, count = 0 }
    local function post_until_done()
      local connection = http.connect(app.server.port)
      while not state.done do
        local event = app:event({ wms = { unrestricted = 1 } }, {
          dimensions = App.place { ColorId = "c" .. state.count % 5 } })
        assert(connection:request(app:build("POST", "/onhand", event)).status
          == 200)
        state.count = state.count + 1
      end
      connection:close()
    end
    local function verify_thrice()
      for _ = 1, 3 do succeed "verify" end
      state.done = true
    end
    tasks.run { post_until_done, post_until_done, verify_thrice }
    assert.are.equal(state.count, app:total("wms.unrestricted"))
  end)

  it("verify prints the journal when asked to", function()
    fill()
    local lines = {}
    for line in succeed("verify", "--journal"):gmatch("[^\n]+") do
      local environment, rest = line:match("^(%S+)\t(.*)$")
      if environment == app.id then lines[#lines + 1] = rest end
    end
    assert.are.equal(2, #lines)
    assert.are.equal("2\treserve\tr\tsuccess", lines[2])
  end)

  local function damage(path)
    local file = assert(io.open(path, "r+b"))
    local size = file:seek("end")
    for offset = 0, size - 1, 64 do
      file:seek("set", offset)
      file:write("\255\0\255")
    end
    file:close()
  end

  it("verify does not trust a damaged file", function()
    fill()
    for _, name in ipairs(folder.list(app.server.root .. "/data")) do
      damage(app.server.root .. "/data/" .. name)
    end
    local status, output, errors = app.server:tool "verify"
    assert.are.equal(1, status, output .. errors)
  end)

  it("backup and restore bring everything back", function()
    fill()
    local copy = app.server.root .. "/copy"
    succeed("backup", "--to", copy)
    assert.is_true(folder.exists(copy))
    app.server:start()
    app:put(90)
    assert.are.equal(100, app:total("wms.unrestricted"))
    app:disconnect()
    app.server:stop()
    app.server:wipe_data()
    succeed("restore", "--from", copy)
    succeed "verify"
    app.server:start()
    assert.are.equal(10, app:total("wms.unrestricted"))
    assert.are.equal(4, app:total("iv.softreserved"))
    expect.ok(app:reserve(4, { id = "r" }))
    expect.refused(app:reserve(7), "insufficient_available", 6)
  end)

  it("backup of a running server is one moment of it", function()
    app = App.start()
    app:put(10)
    local copy = app.server.root .. "/copy"
    succeed("backup", "--to", copy)
    app:put(5)
    app:disconnect()
    app.server:stop()
    app.server:wipe_data()
    succeed("restore", "--from", copy)
    app.server:start()
    assert.are.equal(10, app:total("wms.unrestricted"))
    assert.are.equal(1, #app:events())
  end)

  it("backup does not write over a file that is there", function()
    fill()
    local copy = app.server.root .. "/copy"
    folder.write(copy, "precious")
    local status = app.server:tool("backup", "--to", copy)
    assert.are_not.equal(0, status)
    assert.are.equal("precious", folder.read(copy))
  end)

  it("restore does not write over data that is there", function()
    fill()
    local copy = app.server.root .. "/copy"
    succeed("backup", "--to", copy)
    local status = app.server:tool("restore", "--from", copy)
    assert.are_not.equal(0, status)
    app.server:start()
    assert.are.equal(4, app:total("iv.softreserved"))
  end)

  it("restore refuses what is no backup", function()
    app = App.start { stopped = true }
    local copy = app.server.root .. "/copy"
    folder.write(copy, ("no store at all"):rep(1000))
    local status, _, errors = app.server:tool("restore", "--from", copy)
    assert.are.equal(1, status, errors)
    assert.is_nil(folder.read(app.server.root .. "/data/ringfence.mdb"))
  end)

  it("backup and restore say what they need", function()
    app = App.start { stopped = true }
    for _, name in ipairs { "backup", "restore" } do
      local status, output, errors = app.server:tool(name)
      assert.are.equal(WRONG_USAGE, status, output .. errors)
    end
  end)

  it("token makes a key that works", function()
    local status, output = run "token"
    assert.are.equal(0, status)
    local key, digest = output:match("(rf_%S+)"), output:match('"(%x+)"')
    app = App.start { server = { auth = { keys = {
      { name = "made", sha256 = digest, roles = { "reader" },
        environments = { "*" } } } } } }
    app.auth = "Bearer " .. key
    expect.ok(app:get("/configuration"))
    assert.are_not.equal(output, select(2, run "token"))
  end)

  -- What token prints: the key, the list its entry belongs to, the entry.
  local function make_entry(...)
    local status, output, errors = run("token", ...)
    assert.are.equal(0, status, output .. errors)
    local key, list, entry = output:match(
      "only now:\n(rf_%S+)\n\nentry for auth%.(%a+) .-:\n(%b{})\n$")
    return key, list, json.decode(entry)
  end

  it("token makes whole entries of keys", function()
    local key, list, entry = make_entry("--name", "till \"1\"", "--role",
      "reader,Planner", "--environment", "demo,other-1")
    assert.are.equal("keys", list)
    assert.are.equal('till "1"', entry.name)
    assert.are.same({ "reader", "Planner" }, entry.roles)
    assert.are.same({ "demo", "other-1" }, entry.environments)
    entry.environments = { "*" }
    app = App.start { server = { auth = { keys = { entry } } } }
    app.auth = "Bearer " .. key
    expect.ok(app:get("/configuration"))
    expect.forbidden(app:post("/onhand",
      app:event { wms = { unrestricted = 1 } }))
  end)

  it("token makes clients, too", function()
    local secret, list, entry = make_entry("--client", "app", "--role",
      "writer")
    assert.are.equal("clients", list)
    assert.are.equal("app", entry.clientId)
    assert.are.same({ "*" }, entry.environments)
    app = App.start { server = { auth = { clients = { entry } } } }
    local reply = app:post("host:/tenant/oauth2/v2.0/token", {
      grant_type = "client_credentials", client_id = "app",
      client_secret = secret })
    reply = app:post("host:/token", { grant_type = "client_credentials",
      client_assertion = expect.ok(reply).access_token })
    app.auth = "Bearer " .. expect.ok(reply).access_token
    app:put(1)
  end)

  it("token refuses what the configuration would not take", function()
    for _, case in ipairs {
      { "auth.keys[0].roles[1]", "--role", "reader,emperor" },
      { "auth.keys[0].roles[0]", "--role", "" },
      { "auth.clients[0].roles[0]", "--client", "app", "--role", "emperor" },
      { "auth.keys[0].name", "--name", "" },
      { "auth.keys[0].name", "--name", ("n"):rep(65) },
      { "auth.keys[0].name", "--name", "a\tb" },
      { "--environment", "--environment", "demo,../other" },
      { "--client", "--client", "app", "--name", "till" },
      { "twice", "--role", "reader", "--role", "writer" },
      { "missing", "--role" },
    } do
      local status, output, errors = run("token", table.unpack(case, 2))
      assert.are.equal(WRONG_USAGE, status, errors)
      assert.are.equal("", output)
      assert.is_truthy(errors:find(case[1], 1, true), errors)
    end
  end)

  it("explains every subcommand", function()
    for _, name in ipairs(SUBCOMMANDS) do
      if name ~= "version" then
        local status, output = run(name, "--help")
        assert.are.equal(0, status)
        assert.is_truthy(output:find("ringfence " .. name, 1, true), output)
      end
    end
  end)
end)

-- startup_spec.lua - what the server says when it cannot or must not start.

local App = require "tests.support.app"
local folder = require "tests.support.folder"
local keys = require "tests.support.keys"
local Server = require "tests.support.server"

local WRONG_USAGE = 2

describe("starting", function()
  local server

  after_each(function()
    if server then server:destroy() end
    server = nil
  end)

  local function prepare(options)
    local id = App.guid()
    options = options or {}
    options.environments = options.environments
      or { [id] = App.document("standard.json", options.patch, id) }
    server = Server.new(options)
    return server
  end

  -- Run serve to its end: status and standard error.
  local function serve(...)
    local status, _, errors = server:tool("serve", ...)
    return status, errors
  end

  local function refuse(...)
    local status, errors = serve("--listen", "127.0.0.1:0")
    assert.are.equal(WRONG_USAGE, status, errors)
    for _, text in ipairs { ... } do
      assert.is_truthy(errors:find(text, 1, true),
        text .. " not in: " .. errors)
    end
    assert.is_nil(errors:find("listening on", 1, true))
  end

  it("says where it listens, in one line", function()
    prepare():start()
    local count = select(2, server:stderr():gsub("listening on http://", ""))
    assert.are.equal(1, count)
    server:stop()
  end)

  it("names an option that does not exist", function()
    prepare { config = { limits = { bodyBites = 5 } } }
    refuse("limits.bodyBites")
  end)

  it("names an option out of its bounds", function()
    prepare { config = { limits = { bulkItems = 513 } } }
    refuse("limits.bulkItems", "512")
  end)

  it("names an option of the wrong type", function()
    prepare { config = { listen = 8080 } }
    refuse("listen")
  end)

  it("names all mistakes at once", function()
    prepare { config = { nonsense = 1, limits = { headers = "many" } } }
    refuse("nonsense", "limits.headers")
  end)

  it("names a key without a proper hash", function()
    prepare { config = { auth = { keys = {
      { name = "a", sha256 = "abc", roles = { "reader" } } } } } }
    refuse("auth.keys[0].sha256")
  end)

  it("names a role that does not exist", function()
    prepare { config = { auth = { keys = {
      keys.entry("a", "b", { "emperor" }) } } } }
    refuse("auth.keys[0].roles")
  end)

  it("refuses a configuration that is no JSON", function()
    prepare { config_text = "{" }
    refuse("ringfence.json")
  end)

  it("refuses a configuration that is not there", function()
    prepare()
    os.remove(server.root .. "/ringfence.json")
    refuse("ringfence.json")
  end)

  it("names the faults of an environment's document", function()
    prepare { patch = {
      reservConfiguration = { keys = { "siteid", "shade" } } } }
    refuse("$.reservConfiguration.keys[1]", ".json")
  end)

  it("refuses an environment's document that is no JSON", function()
    prepare { environments = { broken = "{" } }
    refuse("broken.json")
  end)

  it("refuses a data folder that another server uses", function()
    local id = App.guid()
    prepare { environments = { [id] = App.document("standard.json", nil, id) } }
    server:start()
    local status, errors = serve("--listen", "127.0.0.1:0")
    assert.is_true(status == 1 or status == 2, "status " .. status)
    assert.is_truthy(errors:find(server.root .. "/data", 1, true), errors)
    assert.is_true(server:is_alive())
    server:stop()
    server:start()
    server:stop()
  end)

  it("refuses a port that another program uses", function()
    local other = App.start()
    prepare()
    local status, errors = serve("--listen",
      "127.0.0.1:" .. other.server.port)
    App.finish(other)
    assert.is_true(status == 1 or status == 2, "status " .. status)
    assert.is_truthy(errors:find("127.0.0.1:", 1, true), errors)
  end)

  it("listens beyond this machine only with keys", function()
    prepare()
    local status, errors = serve("--listen", "0.0.0.0:0")
    assert.are.equal(WRONG_USAGE, status, errors)
    assert.is_truthy(errors:find("auth.keys", 1, true), errors)
  end)

  it("listens beyond this machine only behind TLS", function()
    prepare { config = { auth = { keys = { keys.entry("a", "b",
      { "admin" }) } } } }
    local status, errors = serve("--listen", "0.0.0.0:0")
    assert.are.equal(WRONG_USAGE, status, errors)
    assert.is_truthy(errors:find("behindTlsProxy", 1, true), errors)
  end)

  it("refuses arguments it does not know", function()
    prepare()
    for _, words in ipairs {
      { "--no-such-option" }, { "--listen" }, { "--listen", "nowhere" },
      { "stray" },
    } do
      local status, errors = serve(table.unpack(words))
      assert.are.equal(WRONG_USAGE, status, errors)
      assert.is_true(#errors > 0)
    end
  end)

  it("makes a data folder that only its user can read", function()
    prepare():start()
    server:stop()
    local pipe = io.popen(("stat -c '%%a' %s/data/* | sort -u"):format(
      folder.quote(server.root)))
    for mode in pipe:lines() do
      assert.is_truthy(mode:match("^%d?%d00$"), "mode " .. mode)
    end
    pipe:close()
  end)
end)

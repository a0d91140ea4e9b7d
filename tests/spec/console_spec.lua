-- console_spec.lua - GET {host}/: the page for people.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local plugins = require "tests.support.plugins"

-- What the page shows after each of these forms, by node; the first is what it
-- shows to begin with.
local function run(app, actions)
  local input = folder.create()
  folder.write(input .. "/actions", json.encode(json.array(actions)))
  local pipe = io.popen(("node tests/support/console_page.js %s <%s 2>&1")
    :format(folder.quote("http://127.0.0.1:" .. app.server.port .. "/"),
      folder.quote(input .. "/actions")))
  local text = pipe:read("a")
  local ok = pipe:close()
  folder.remove(input)
  assert(ok, text)
  return json.decode(text)
end

-- The SHA-256 of a text in base64.
local function hash(text)
  local place = folder.create()
  folder.write(place .. "/text", text)
  local pipe = io.popen("openssl dgst -sha256 -binary "
    .. folder.quote(place .. "/text") .. " | base64")
  local digest = pipe:read("l")
  pipe:close()
  folder.remove(place)
  return digest
end

local function contains(text, wanted)
  if not text:find(wanted, 1, true) then
    error(("%q is not in:\n%s"):format(wanted, text), 2)
  end
end

describe("the console", function()
  local app

  after_each(function() App.finish(app) end)

  describe("as a page", function()
    local page

    before_each(function()
      app = App.start()
      page = app:get("host:/")
    end)

    it("is HTML and needs no key", function()
      app:finish()
      app = App.start { server = { auth = { keys = {
        keys.entry("reader", "key-reader", { "reader" }) } } } }
      local reply = app:get("host:/")
      assert.are.equal(200, reply.status)
      assert.are.equal("text/html; charset=utf-8",
        reply.headers["content-type"])
      assert.are.equal("<!DOCTYPE html>", reply.body:match("^[^\n]*"))
      assert.are.equal(200, app:call("HEAD", "host:/").status)
    end)

    it("takes nothing from elsewhere", function()
      assert.is_nil(page.body:find("//", 1, true))
      for _, name in ipairs { "src", "href", "action", "@import", "url(",
        "import(", "innerHTML", "outerHTML", "insertAdjacentHTML",
        "document.write", "eval(", "localStorage", "document.cookie" } do
        assert.is_nil(page.body:find(name, 1, true), name)
      end
    end)

    it("may run its own script and style, and nothing else", function()
      local policy = page.headers["content-security-policy"]
      local _, scripts = page.body:gsub("<script", "")
      assert.are.equal(1, scripts)
      contains(policy, "default-src 'none'")
      contains(policy, "connect-src 'self'")
      contains(policy, "frame-ancestors 'none'")
      contains(policy, "script-src 'sha256-"
        .. hash(page.body:match("<script>(.-)</script>")) .. "';")
      contains(policy, "style-src 'sha256-"
        .. hash(page.body:match("<style>(.-)</style>")) .. "';")
      assert.is_nil(policy:find("unsafe", 1, true))
      assert.is_nil(page.body:find("style=", 1, true))
      assert.is_nil(page.body:find(" on%l+="))
    end)

    it("calls nothing that the contract does not have", function()
      local contract = expect.ok(app:get("host:/openapi.json"))
      local calls = 0
      for method, path in page.body:gmatch('"(%u+) (/[^"]*)"') do
        local item = contract.paths[path]
        assert.is_truthy(item and item[method:lower()], method .. " " .. path)
        calls = calls + 1
      end
      assert.are.equal(7, calls)
    end)

    it("names every field that is to be filled in", function()
      for field in page.body:gmatch("<input[^>]*>") do
        local before = page.body:sub(1, page.body:find(field, 1, true) - 1)
        assert.is_truthy(before:match("<label[^<]*$"), field)
      end
    end)
  end)

  describe("in use", function()
    it("shows the server and finds its only environment", function()
      app = App.start()
      app:put(5)
      local result = run(app, {})
      assert.are.equal(app.id, result.environment)
      assert.is_truthy(result.version:match("^version %d"))
      contains(result.shown[1], app.id .. "|1|1\n")
      contains(result.shown[1], "Takes writes|yes\n")
    end)

    it("explains what is available", function()
      app = App.start()
      app:put(5)
      app:reserve(2)
      local shown = run(app, { { form = "availability", fields = {
        organizationId = App.ORGANIZATION, productId = App.PRODUCT,
        dimensions = "siteId=10, locationId = A1", quantity = "4" } } }).shown[2]
      contains(shown, "3\nThat is not enough.")
      contains(shown, "siteid, locationid|siteid 10 locationid A1|3\n")
      contains(shown, "iv.softreserved|-1|2\n")
    end)

    it("finds stock, reservations and events", function()
      app = App.start()
      local evil = "<img onerror=alert(1)>"
      app:put(5, { productId = evil })
      app:put(7, { dimensions = App.place { ColorId = "red" } })
      app:reserve(2, { dimensions = App.place { ColorId = "red" },
        orderTag = "o-1" })
      local result = run(app, {
        { form = "stock", fields = { organizationId = App.ORGANIZATION,
          products = App.PRODUCT .. "," .. evil, groups = "ColorId" } },
        { form = "stock", fields = { organizationId = App.ORGANIZATION,
          products = "", dimensions = "siteId=10, siteId=11, ColorId=red" } },
        { form = "reservations", fields = { orderTag = "o-1" } },
        { form = "events", fields = { count = "2" } },
      })
      contains(result.shown[2], evil .. "|")
      contains(result.shown[2], "wms.unrestricted 7")
      contains(result.shown[3], "wms.unrestricted 7")
      assert.is_nil(result.shown[3]:find(evil, 1, true))
      contains(result.shown[4], "|" .. App.PRODUCT .. "|")
      contains(result.shown[4], "|2|o-1|")
      contains(result.shown[5], "Events\nNumber|")
      contains(result.shown[5], "\n3|")
      assert.is_nil(result.shown[5]:find("\n1|", 1, true))
    end)

    it("shows what runs", function()
      app = plugins.start { safety = plugins.text("safety", {
        ["iv.availabletoreserve"] = "return m.wms.unrestricted" }) }
      local shown = run(app, { { form = "plugins" } }).shown[2]
      contains(shown, "safety|1.0.0|no|0|")
      contains(shown, "safety|iv.availabletoreserve|linear|")
      contains(shown, "|in force\n")
    end)

    it("says what is wrong", function()
      app = App.start()
      local result = run(app, {
        { form = "availability", fields = { organizationId = "", productId = "" } },
        { form = "stock", fields = { organizationId = "acme",
          dimensions = "siteId" } },
        { form = "access", fields = { environment = "nowhere" } },
        { form = "events" },
      })
      contains(result.shown[2], "missing_field: organizationId: ")
      contains(result.shown[3], "siteId: name=value is expected")
      contains(result.shown[5], "unknown_environment: ")
    end)

    it("asks with the key that it was given", function()
      app = App.start { server = { auth = { keys = {
        keys.entry("reader", "key-reader", { "reader" }) } } } }
      local result = run(app, {
        { form = "access", fields = { key = "key-reader",
          environment = app.id } },
        { form = "events" },
      })
      contains(result.shown[1], "The server wants a key")
      contains(result.shown[2], app.id .. "|")
      contains(result.shown[3], "Events: none")
    end)
  end)
end)

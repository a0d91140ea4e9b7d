-- openapi_spec.lua - GET {host}/openapi.json. What it says of each call is held
-- against real replies by tests/openapi.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local keys = require "tests.support.keys"
local metrics = require "tests.support.metrics"

describe("the contract", function()
  local app

  before_each(function()
    app = App.start { server = { auth = { keys = {
      keys.entry("reader", "key-reader", { "reader" }) } } } }
  end)

  after_each(function() App.finish(app) end)

  it("is the file of the sources, and needs no key", function()
    local reply = app:get("host:/openapi.json")
    assert.are.equal(200, reply.status)
    assert.are.equal("application/json; charset=utf-8",
      reply.headers["content-type"])
    assert.are.equal(folder.read("server/openapi.json"), reply.body)
    assert.is_truthy(reply.json.openapi:find("^3%.1%."))
  end)

  it("is found in any letter case, and tells no body to HEAD", function()
    expect.ok(app:get("host:/OpenAPI.json/"))
    local reply = app:call("HEAD", "host:/openapi.json")
    assert.are.equal(200, reply.status)
    assert.are.equal("", reply.body)
    assert.are.equal(#folder.read("server/openapi.json"),
      tonumber(reply.headers["content-length"]))
  end)

  it("is not for writing", function()
    local options = { auth = "Bearer key-reader" }
    for _, method in ipairs { "POST", "PUT", "DELETE" } do
      local reply = app:call(method, "host:/openapi.json", nil, options)
      expect.status(reply, 405)
      assert.are.equal("GET, HEAD", reply.headers.allow)
    end
  end)

  it("is of the version that runs", function()
    local page = metrics.parse(app:get("host:/metrics",
      { auth = "Bearer key-reader" }).body)
    local version = expect.ok(app:get("host:/openapi.json")).info.version
    assert.are.equal(1, metrics.sum(page, "ringfence_build_info",
      { version = version }))
  end)
end)

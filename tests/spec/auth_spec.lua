-- auth_spec.lua - keys, roles and environments.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"

local OTHER = "00000000-dead-4bad-8bad-000000000000"

local ROLES = { "reader", "writer", "planner", "erp", "admin" }

local function server_options()
  local list = {}
  for _, role in ipairs(ROLES) do
    list[#list + 1] = keys.entry(role, "key-" .. role, { role })
  end
  list[#list + 1] = keys.entry("elsewhere", "key-elsewhere", { "admin" },
    { OTHER })
  return { auth = { keys = list } }
end

describe("keys", function()
  local app

  before_each(function()
    app = App.start { server = server_options() }
    app.auth = "Bearer key-admin"
  end)

  after_each(function() App.finish(app) end)

  local function as(role) return { auth = "Bearer key-" .. role } end

  local function post(role, quantities)
    return app:post("/onhand",
      app:event(quantities or { wms = { unrestricted = 1 } }), as(role))
  end

  it("are needed, and nothing else will do", function()
    for _, auth in ipairs {
      "none", "Bearer not-a-key", "Bearer", "Bearer ", "Basic key-admin",
      "key-admin", "Bearer key-admin x", "Bearer key-admi",
      "Bearer KEY-ADMIN", "Bearer key-admin,key-admin",
    } do
      local reply = app:get("/configuration", { auth = auth })
      assert.are.equal(401, reply.status, auth)
      assert.are.equal("", reply.body)
      assert.is_truthy(reply.headers["x-ms-correlation-id"])
    end
    expect.ok(app:get("/configuration", { auth = "bearer key-admin" }))
    expect.ok(app:get("/configuration", { auth = "BEARER key-reader" }))
  end)

  it("are not taken from the query", function()
    for _, name in ipairs { "access_token", "token", "authorization" } do
      local reply = app:get("/configuration?" .. name .. "=key-admin",
        { auth = "none" })
      assert.are.equal(401, reply.status)
    end
  end)

  it("are not needed for health, but for metrics", function()
    assert.are.equal(200, app:get("host:/health/ping",
      { auth = "none" }).status)
    assert.are.equal(200, app:get("host:/health/ready",
      { auth = "none" }).status)
    assert.are.equal(401, app:get("host:/metrics", { auth = "none" }).status)
    assert.are.equal(200, app:get("host:/metrics", as "reader").status)
  end)

  it("let every role read", function()
    for _, role in ipairs(ROLES) do
      for _, path in ipairs {
        "/configuration", "/events", "/reservations", "/allpartitionids",
      } do
        expect.ok(app:get(path, as(role)))
      end
      expect.ok(app:query(nil, as(role)))
    end
  end)

  it("let writer, erp and admin change stock", function()
    local paths = {
      ["/onhand"] = app:event { wms = { unrestricted = 1 } },
      ["/onhand/bulk"] = { app:event { wms = { unrestricted = 1 } } },
      ["/onhand/reserve"] = app:reservation(1, { id = "r" }),
      ["/onhand/reserve/bulk"] = { app:reservation(1, { id = "r2" }) },
      ["/onhand/unreserve"] = app:reversal("none", 1),
      ["/onhand/unreserve/bulk"] = { app:reversal("none", 1) },
    }
    for path, body in pairs(paths) do
      for _, role in ipairs { "reader", "planner" } do
        expect.forbidden(app:post(path, body, as(role)))
      end
      for _, role in ipairs { "writer", "erp", "admin" } do
        assert.is_true(app:post(path, body, as(role)).status ~= 403, path)
      end
    end
  end)

  it("let only erp write the ERP's measures", function()
    local quantities = { fno = { onordered = 3 } }
    for _, role in ipairs { "writer", "admin" } do
      expect.invalid(post(role, quantities), "read_only_source")
    end
    expect.forbidden(post("reader", quantities))
    expect.ok(post("erp", quantities))
    expect.ok(post("erp"))
    assert.are.equal(3, app:total("fno.onordered"))
  end)

  it("let only admin configure and erase", function()
    local document = App.document("standard.json", nil, app.id)
    for _, role in ipairs { "reader", "writer", "planner", "erp" } do
      expect.forbidden(app:post("/configuration/hardupdate", document,
        as(role)))
      expect.forbidden(app:call("DELETE", "/partitions/cleanupalldata",
        json.array(), as(role)))
    end
    expect.ok(app:post("/configuration/hardupdate", document, as "admin"))
  end)

  it("are asked before the body is read", function()
    local reply = app:post("/onhand", nil, { raw = "{", auth = "none" })
    assert.are.equal(401, reply.status)
    expect.forbidden(app:post("/onhand", nil,
      { raw = "{", auth = "Bearer key-reader" }))
  end)

  it("reach their environments only, and hide the others", function()
    local own = app:get("/configuration", as "elsewhere")
    local none = app:get("host:/api/environment/" .. App.guid()
      .. "/configuration", as "elsewhere")
    assert.is_true(own.status == 403 or own.status == 404)
    assert.are.equal(own.status, none.status)
    assert.are.equal(own.json.code, none.json.code)
    local base = "host:/api/environment/" .. OTHER
    expect.ok(app:post(base .. "/configuration/hardupdate",
      App.document("standard.json", nil, OTHER), as "elsewhere"))
    expect.ok(app:get(base .. "/configuration", as "elsewhere"))
  end)

  it("sign the journal", function()
    expect.ok(post "writer")
    expect.ok(post "erp")
    local events = app:events()
    assert.are.equal("writer", events[1].actor)
    assert.are.equal("erp", events[2].actor)
  end)

  it("never show up in the log", function()
    app:get("/configuration", { auth = "Bearer secret-that-is-wrong" })
    app:get("/configuration?token=secret-in-the-query", { auth = "none" })
    post "writer"
    app:disconnect()
    app.server:stop()
    local text = app.server:stderr()
    assert.is_nil(text:find("secret", 1, true))
    assert.is_nil(text:find("key-writer", 1, true))
  end)
end)

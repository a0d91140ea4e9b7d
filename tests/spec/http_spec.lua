-- http_spec.lua - the wire: connections, framing, methods, paths, types.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"

local GUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-"
  .. "%x%x%x%x%x%x%x%x%x%x%x%x$"

local MEBIBYTE = 1024 * 1024

describe("HTTP", function()
  local app, connection

  before_each(function()
    app = App.start()
    connection = http.connect(app.server.port)
  end)

  after_each(function()
    if connection then connection:close() end
    App.finish(app)
  end)

  local function event(id)
    return app:build("POST", "/onhand",
      app:event({ wms = { unrestricted = 1 } }, { id = id }))
  end

  local function total() return app:total("wms.unrestricted") end

  -- An event whose body has exactly this many bytes.
  local function padded_event(size)
    local request = event(("pad-%d"):format(size))
    request.body = request.body .. (" "):rep(size - #request.body)
    return request
  end

  it("keeps a connection for many requests", function()
    for index = 1, 200 do
      assert.are.equal(200, connection:request(event("k" .. index)).status)
    end
    assert.are.equal(200, total())
  end)

  it("closes when asked to", function()
    local request = event("c")
    request.headers.Connection = "close"
    local reply = connection:request(request)
    assert.are.equal(200, reply.status)
    assert.are.equal("close", reply.headers.connection)
    local bytes, reason = connection:read_all(os.time() + 10)
    assert.are.same({ "", "closed" }, { bytes, reason })
  end)

  it("speaks 1.0 and closes after it", function()
    assert(connection:send("GET /health/ping HTTP/1.0\r\n\r\n"))
    assert.are.equal(200, connection:read_reply("GET").status)
    assert.are.equal("", (connection:read_all(os.time() + 10)))
    assert.is_true(connection.closed)
  end)

  it("answers pipelined requests in their order", function()
    local bytes = {}
    for index = 1, 50 do bytes[index] = http.format(event("p" .. index)) end
    assert(connection:send(table.concat(bytes)))
    for index = 1, 50 do
      local reply = App.decode(assert(connection:read_reply("POST")))
      assert.are.equal("ohce~p" .. index, reply.json.id)
    end
    assert.are.equal(50, total())
  end)

  it("mixes reads and writes in a pipeline without changing places", function()
    local query = app:build("POST", "/onhand/indexquery",
      { filters = App.filters() })
    for index = 1, 20 do
      assert(connection:start(event("m" .. index)))
      assert(connection:start(query))
    end
    for index = 1, 20 do
      assert.are.equal(200, assert(connection:finish()).status)
      local reply = App.decode(assert(connection:finish()))
      assert.are.equal(index, reply.json[1].quantities.wms.unrestricted)
    end
  end)

  it("takes a request byte by byte", function()
    local bytes = http.format(event("slow"))
    for index = 1, #bytes do
      assert(connection:send(bytes:sub(index, index)))
    end
    assert.are.equal(200, connection:read_reply("POST").status)
    assert.are.equal(1, total())
  end)

  it("takes chunked bodies, however they are cut", function()
    for _, size in ipairs { 1, 7, 1000 } do
      local request = event("chunk-" .. size)
      request.headers["Transfer-Encoding"] = "chunked"
      request.body = http.chunked(request.body, size)
      assert.are.equal(200, connection:request(request).status)
    end
    assert.are.equal(3, total())
  end)

  it("takes chunk extensions and trailers without believing them", function()
    local request = event("ext")
    local body = request.body
    request.headers["Transfer-Encoding"] = "chunked"
    request.body = ("%x;name=value\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n"):format(
      #body, body)
    local reply = connection:request(request)
    assert.is_true(reply.status == 200 or reply.status == 400)
    assert.are.equal(reply.status == 200 and 1 or 0, total())
  end)

  it("takes a body of 1 MiB and refuses one byte more", function()
    assert.are.equal(200,
      connection:request(padded_event(MEBIBYTE - 1)).status)
    assert.are.equal(200, connection:request(padded_event(MEBIBYTE)).status)
    assert.are.equal(2, total())
    local other = http.connect(app.server.port)
    other:start(padded_event(MEBIBYTE + 1))
    local reply = App.decode(assert(other:finish()))
    expect.status(reply, 413)
    expect.body(reply, { code = "body_too_large", statusCode = 413,
      message = { ["$contains"] = "1048576" } })
    other:close()
    assert.are.equal(2, total())
  end)

  it("refuses a chunked body that grows beyond the limit", function()
    local request = padded_event(MEBIBYTE + 1)
    request.headers["Transfer-Encoding"] = "chunked"
    request.body = http.chunked(request.body, 65536)
    connection:start(request)
    assert.are.equal(413, assert(connection:finish()).status)
    assert.are.equal(0, total())
  end)

  it("asks for the body when the client waits for that", function()
    local request = event("expect")
    local body = request.body
    request.headers.Expect = "100-continue"
    local head = http.format(request):match("^(.-\r\n\r\n)")
    assert(connection:send(head))
    assert(connection:fill(os.time() + 10))
    assert.is_truthy(connection.buffer:find("^HTTP/1.1 100 "))
    assert(connection:send(body))
    assert.are.equal(200, connection:read_reply("POST").status)
    assert.are.equal(1, total())
  end)

  it("gives every reply a correlation id of its own", function()
    local seen = {}
    local calls = {
      { "GET", "/configuration" }, { "GET", "/no/such/path" },
      { "POST", "/onhand" }, { "GET", "host:/health/ping" },
      { "DELETE", "/onhand" },
    }
    for _, call in ipairs(calls) do
      local id = app:call(call[1], call[2]).headers["x-ms-correlation-id"]
      assert.is_truthy(id and id:match(GUID), call[2])
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("says what it sends", function()
    local reply = app:get("/configuration")
    assert.is_truthy(reply.headers["content-type"]:find("^application/json"))
    assert.are.equal("nosniff", reply.headers["x-content-type-options"])
  end)

  it("does not know other paths", function()
    for _, path in ipairs {
      "/no/such/path", "/onhand/reserve/bulk/more", "/onhandx", "/onhan",
      "host:/api", "host:/api/nothing", "host:/api/environment",
      "host:/health", "host:/health/pinged",
    } do
      expect.not_found(app:get(path), "unknown_path")
    end
  end)

  it("does not know other environments", function()
    for _, name in ipairs { App.guid(), "other", "%61bc" } do
      local base = "host:/api/environment/" .. name
      expect.not_found(app:get(base .. "/configuration"), "unknown_environment")
      expect.not_found(app:post(base .. "/onhand",
        app:event { wms = { unrestricted = 1 } }), "unknown_environment")
    end
  end)

  it("names the methods a path has", function()
    local methods = {
      ["/onhand/bulk"] = "POST", ["/onhand/reserve"] = "POST",
      ["/onhand/reserve/bulk"] = "POST", ["/onhand/unreserve"] = "POST",
      ["/onhand/unreserve/bulk"] = "POST", ["/onhand/indexquery"] = "POST",
      ["/configuration/hardupdate"] = "POST", ["/configuration"] = "GET",
      ["/allpartitionids"] = "GET", ["/events"] = "GET",
      ["/reservations"] = "GET", ["/partitions/cleanupalldata"] = "DELETE",
      ["host:/health/ping"] = "GET", ["host:/health/ready"] = "GET",
      ["host:/metrics"] = "GET",
    }
    for path, method in pairs(methods) do
      for _, wrong in ipairs { "GET", "POST", "DELETE", "PUT" } do
        if wrong ~= method then
          local reply = app:call(wrong, path)
          expect.status(reply, 405)
          expect.body(reply, { code = "method_not_allowed", statusCode = 405 })
          assert.is_truthy((reply.headers.allow or ""):find(method, 1, true),
            path .. " allows " .. tostring(reply.headers.allow))
        end
      end
    end
  end)

  it("answers HEAD without a body, or not at all", function()
    for _, path in ipairs {
      "host:/health/ping", "/configuration", "/onhand/bulk",
    } do
      local reply = connection:request(app:build("HEAD", path))
      assert.is_true(reply.status == 200 or reply.status == 405)
      assert.are.equal("", connection.buffer)
    end
    assert.are.equal(200,
      connection:request(app:build("GET", "host:/health/ping")).status)
  end)

  it("takes JSON only", function()
    for _, kind in ipairs {
      "text/plain", "application/x-www-form-urlencoded", "application/jsonx",
      "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    } do
      local reply = app:post("/onhand",
        app:event { wms = { unrestricted = 1 } },
        { headers = { ["Content-Type"] = kind } })
      expect.status(reply, 415)
      expect.body(reply, { code = "unsupported_media_type", statusCode = 415 })
    end
    assert.are.equal(0, total())
  end)

  it("ends a connection that stays silent", function()
    app:finish()
    connection:close()
    app = App.start {
      server = { timeouts = { idleMs = 300, requestMs = 300 } } }
    connection = http.connect(app.server.port)
    local half = http.connect(app.server.port)
    assert(half:send("POST /x HTTP/1.1\r\nHost: a\r\n"))
    local bytes, reason = connection:read_all(os.time() + 10)
    assert.are.same({ "", "closed" }, { bytes, reason })
    bytes, reason = half:read_all(os.time() + 10)
    assert.are.equal("closed", reason)
    assert.is_true(bytes == "" or bytes:find("^HTTP/1.1 408 ") ~= nil)
    half:close()
  end)

  it("goes on when clients go away", function()
    local requests = {}
    for index = 1, 30 do
      local gone = http.connect(app.server.port)
      requests[index] = event("gone-" .. index)
      assert(gone:start(requests[index]))
      if index % 2 == 0 then gone:reset() else gone:close() end
    end
    for _, request in ipairs(requests) do
      assert.are.equal(200, connection:request(request).status)
    end
    assert.are.equal(30, total())
  end)

  it("serves many connections at once", function()
    local requests = {}
    for index = 1, 300 do requests[index] = event("many-" .. index) end
    for _, reply in ipairs(app:together(requests)) do expect.ok(reply) end
    assert.are.equal(300, total())
  end)

  it("keeps a body of another language whole", function()
    local id = "größe-尺寸-📦"
    local reply = app:post("/onhand",
      app:event({ wms = { unrestricted = 1 } }, { id = id }))
    assert.are.equal("ohce~" .. id, expect.ok(reply).id)
    assert.are.equal(id, app:events()[1].id)
    assert.is_truthy(json.is_object(reply.json))
  end)
end)

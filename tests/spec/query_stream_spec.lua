-- query_stream_spec.lua - answers of queries that are longer than one piece.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local http_reply = require "tests.support.http_reply"
local json = require "tests.support.json"
local metrics = require "tests.support.metrics"
local process = require "tests.support.process"
local tasks = require "tests.support.tasks"

local SECONDS = 30

-- More than sockets and one piece hold: two megabytes. And ten.
local PRODUCTS = 4096
local MANY_PRODUCTS = 20480

-- One piece for a client, and what is over it when the last row does not fit.
local PIECE_BYTES_MAX = 96 * 1024

local PLACE = "?organizationId=acme&siteId=10&locationId=A1"

local function product(number)
  return ("P%05d%s"):format(number, ("x"):rep(90))
end

describe("a long answer", function()
  local app

  after_each(function() App.finish(app) end)

  local function load_products(count)
    for first = 1, count, 512 do
      local lines = {}
      for number = first, math.min(first + 511, count) do
        lines[#lines + 1] = app:event({ wms = { unrestricted = 1 } },
          { productId = product(number) })
      end
      expect.buckets(app:post("/onhand/bulk", lines), { success = #lines })
    end
  end

  local function start(options, count)
    app = App.start(options)
    load_products(count or PRODUCTS)
  end

  -- A connection of its own with a request on its way, the only one.
  local function open(method, path, body, headers)
    local connection = http.connect(app.server.port)
    headers = json.merge(json.object { Connection = "close" },
      json.object(headers))
    assert(connection:start(app:build(method, path, body,
      { headers = headers })))
    return connection
  end

  local function open_all() return open("GET", "/onhand" .. PLACE) end

  -- Read to the end: the reply, nil when it was cut off. Nothing is decoded,
  -- and nothing copied again and again.
  local function finish(client)
    local parts = {}
    repeat
      parts[#parts + 1], client.buffer = client.buffer, ""
      local ok, reason = client:fill(tasks.now() + SECONDS)
      assert(ok or reason == "closed", reason)
    until not ok
    client:close()
    return http_reply.parse(table.concat(parts), "GET", true)
  end

  local function fetch(...)
    return assert(finish(open(...)), "the reply was cut off")
  end

  -- Every product once and in order, and nothing torn.
  local function check_whole(text, count)
    local last = 0
    for number in text:gmatch('"productId":"P(%d+)x+"') do
      assert.are.equal(last + 1, tonumber(number))
      last = last + 1
    end
    assert.are.equal(count or PRODUCTS, last)
    assert.is_truthy(text:match("^%b[]$") or text:match("^%b{}$"))
  end

  local function metric(name)
    return metrics.sum(metrics.parse(app:get("host:/metrics").body), name)
  end

  local function await_metric(name, fits)
    assert(process.await(SECONDS, function() return fits(metric(name)) end),
      name .. " is " .. metric(name))
  end

  local function is_none(value) return value == 0 end

  it("comes in pieces and is whole, however it is asked for", function()
    start(nil, MANY_PRODUCTS)
    local place = { organizationId = { "acme" }, siteId = { "10" },
      locationId = { "A1" } }
    local reply = fetch("GET", "/onhand" .. PLACE)
    assert.are.equal("chunked", reply.headers["transfer-encoding"])
    assert.is_nil(reply.headers["content-length"])
    check_whole(reply.body, MANY_PRODUCTS)
    assert.are.equal(MANY_PRODUCTS, #json.decode(reply.body))
    local same = fetch("POST", "/onhand/indexquery", { filters = place })
    assert.is_true(reply.body == same.body)
    same = fetch("POST", "/onhand/exactquery", { filters = {
      organizationId = { "acme" }, dimensions = { "siteId", "locationId" },
      values = { { "10", "A1" }, { "10", "B2" } } } })
    assert.is_true(reply.body == same.body)
    local paged = fetch("POST", "/onhand/indexquery?pageSize=1",
      { filters = place }, { ["Api-Version"] = "2.0" })
    check_whole(paged.body, MANY_PRODUCTS)
    assert.is_truthy(paged.body:match('%],"nextLink":""}$'))
  end)

  it("says its length when it is short", function()
    start(nil, 20)
    local reply = app:get("/onhand" .. PLACE)
    assert.are.equal(tostring(#reply.body), reply.headers["content-length"])
    check_whole(reply.body, 20)
  end)

  -- Clients that read nothing at all: the server keeps a piece for each of
  -- them and answers everybody else; then they find everything.
  it("costs one piece for a client that does not read", function()
    start()
    local clients = {}
    for index = 1, 8 do clients[index] = open_all() end
    await_metric("ringfence_held_bytes", function(held) return held > 0 end)
    for _ = 1, 100 do
      expect.ok(app:reserve(0.001, { productId = product(1) }))
      assert.are.equal(1, #app:rows {
        filters = App.filters { productId = { product(2) } } })
      assert.is_true(metric("ringfence_held_bytes")
        <= #clients * PIECE_BYTES_MAX)
    end
    tasks.times(#clients, function(index)
      check_whole(assert(finish(clients[index])).body)
    end)
    app:disconnect() -- with the buffer of its last body
    await_metric("ringfence_held_bytes", is_none)
  end)

  it("ends when its reader leaves, however it does", function()
    start()
    for _, how in ipairs { "close", "reset" } do
      local client = open_all()
      assert(client:fill(tasks.now() + SECONDS))
      await_metric("ringfence_held_bytes", function(held) return held > 0 end)
      client[how](client)
      await_metric("ringfence_connections", function(count)
        return count == 1
      end)
      await_metric("ringfence_held_bytes", is_none)
    end
  end)

  it("has a head for HEAD, and the connection is free again", function()
    start()
    for _ = 1, 2 do
      local reply = app:call("HEAD", "/onhand" .. PLACE)
      assert.are.equal(200, reply.status)
      assert.are.equal("", reply.body)
    end
    assert.is_truthy(app.connection)
  end)

  it("ends with the connection for HTTP/1.0", function()
    start()
    local connection = http.connect(app.server.port)
    local request = http.format(app:build("GET", "/onhand" .. PLACE))
    assert(connection:send((request:gsub("HTTP/1%.1\r\n", "HTTP/1.0\r\n", 1))))
    local reply = assert(finish(connection))
    assert.is_nil(reply.headers["transfer-encoding"])
    assert.are.equal("close", reply.headers.connection)
    check_whole(reply.body)
  end)

  it("is told to its end when the server stops", function()
    start()
    local client = open_all()
    assert(client:fill(tasks.now() + SECONDS))
    app:disconnect()
    app.server:signal("TERM")
    check_whole(assert(finish(client)).body)
    assert.are.equal(0, app.server.process:wait(SECONDS))
  end)

  it("does not hold up a stop when nobody reads it", function()
    start { server = { timeouts = { drainMs = 600000 } } }
    local client = open_all()
    await_metric("ringfence_held_bytes", function(held) return held > 0 end)
    app:disconnect()
    app.server:signal("TERM")
    assert.are.equal(0, app.server.process:wait(SECONDS))
    client:close()
  end)

  it("is given up when a stop has lasted too long", function()
    start { server = { timeouts = { drainMs = 100 } } }
    local client = open_all()
    await_metric("ringfence_held_bytes", function(held) return held > 0 end)
    app:disconnect()
    app.server:signal("TERM")
    assert.are.equal(0, app.server.process:wait(SECONDS))
    client:close()
  end)

  -- The values of the last product do not fit a sum: with no row in front of
  -- it that is an answer, behind what has been sent it is the end.
  it("is cut off where it fails, and the log says why", function()
    start()
    local lines = {}
    for index = 1, 200 do
      local name = index % 2 == 0 and "wms" or "till"
      local measure = index % 2 == 0 and "unrestricted" or "returned"
      lines[index] = app:event({ [name] = { [measure] = 92000000000 } },
        { productId = "Z" .. ("z"):rep(95) })
    end
    expect.buckets(app:post("/onhand/bulk", lines), { success = 200 })
    local alone = app:query { filters = App.filters {
      productId = { "Z" .. ("z"):rep(95) } } }
    expect.refused(alone, "quantity_overflow")
    assert.is_nil(finish(open_all()))
    assert.is_truthy(app.server:stderr():find(
      "a reply was cut off.*quantity_overflow"))
  end)

  -- Another formula, and a level less.
  local function replace_configuration()
    local document = expect.ok(app:get("/configuration"))
    document.inventorySystemConfigurations.wms.calculatedMeasures =
      json.object { doubtful = json.object {
        additionModifiers = json.array { "wms.blocked", "wms.unrestricted" },
        subtractionModifiers = json.array() } }
    document.indexConfiguration.indexAttributeSets[2] = nil
    expect.ok(app:post("/configuration/hardupdate", document))
  end

  it("is of one configuration, whatever is published meanwhile", function()
    start()
    local client = open_all()
    await_metric("ringfence_held_bytes", function(held) return held > 0 end)
    replace_configuration()
    assert.is_truthy(app:get("/onhand" .. PLACE .. "&productId=" .. product(1))
      .body:find("doubtful", 1, true))
    local body = assert(finish(client)).body
    check_whole(body)
    assert.is_nil(body:find("doubtful", 1, true))
  end)

  -- The pauses are the slow reader: together they are far longer than the
  -- server may wait for it.
  it("does not keep a replaced configuration for a slow reader", function()
    start { server = { timeouts = { replacedMs = 100 } } }
    local client = open_all()
    await_metric("ringfence_held_bytes", function(held) return held > 0 end)
    replace_configuration()
    for _ = 1, 100 do
      if not client:fill(tasks.now() + SECONDS) then break end
      tasks.pause(0.02)
    end
    assert.is_nil(finish(client))
    assert.is_truthy(app.server:stderr():find("a reply was cut off.*changed"))
  end)

  it("shares its thread with others like it", function()
    start { server = { ioThreads = 1 } }
    tasks.times(6, function()
      check_whole(fetch("GET", "/onhand" .. PLACE).body)
    end)
  end)
end)

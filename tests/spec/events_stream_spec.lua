-- events_stream_spec.lua - GET /events as server-sent events.

local App = require "tests.support.app"
local EventStream = require "tests.support.event_stream"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"
local metrics = require "tests.support.metrics"
local process = require "tests.support.process"
local tasks = require "tests.support.tasks"

local SECONDS = 30

-- One piece, and what is over it when the last event does not fit: far less
-- than what the stalled reader below is behind.
local HELD_BYTES_MAX = 256 * 1024

describe("GET /events as a stream", function()
  local app, streams

  before_each(function() app, streams = App.start(), {} end)
  after_each(function()
    for _, stream in ipairs(streams) do stream:close() end
    App.finish(app)
  end)

  local function open(query, headers, version)
    local request = app:build("GET", "/events" .. (query or ""), nil,
      { headers = headers })
    local stream = EventStream.open(app.server.port, request, version)
    streams[#streams + 1] = stream
    return stream
  end

  local function restart_with(options)
    App.finish(app)
    app = App.start(options)
  end

  local function check_numbers(events, first)
    for index, event in ipairs(events) do
      assert.are.equal(first + index - 1, event.id)
    end
  end

  local function put_many(count)
    for _ = 1, count do app:put(1) end
  end

  local function lines(count, id)
    local result = {}
    for index = 1, count do
      result[index] = app:event({ wms = { unrestricted = 1 } },
        { id = ("%s-%d"):format(id, index) })
    end
    return result
  end

  local function metric(name)
    return metrics.sum(metrics.parse(app:get("host:/metrics").body), name)
  end

  local function await_metric(name, wanted)
    assert(process.await(SECONDS, function()
      return metric(name) == wanted
    end), name .. " is not " .. wanted)
  end

  it("tells what has happened, then what happens", function()
    put_many(2)
    local stream = open("?after=0")
    check_numbers(stream:take(2), 1)
    for number = 3, 6 do
      put_many(1)
      check_numbers(stream:take(1), number)
    end
  end)

  it("tells the same as the pages do", function()
    app:put(9, { dimensions = App.place { ColorId = "red\n\"\226\128\168" } })
    app:reserve(4)
    app:reserve(6)
    app:post("/onhand/bulk?atomic=true", lines(2, "basket"))
    local told = open():take(5)
    for index, event in ipairs(app:events()) do
      assert.are.equal(json.encode(event), json.encode(told[index].data))
    end
  end)

  it("says what it is and that it is for nobody else", function()
    local head = open():await_head()
    assert.are.equal(200, head.status)
    assert.are.equal("text/event-stream", head["content-type"])
    assert.are.equal("chunked", head["transfer-encoding"])
    assert.are.equal("no-store", head["cache-control"])
    assert.is_nil(head["content-length"])
    assert.is_truthy(head["x-ms-correlation-id"])
  end)

  it("leaves out nothing while many write", function()
    local writers, each = 8, 60
    local followers = { open("?after=0"), open("?after=0"), open("?after=0") }
    local bodies = {}
    for writer = 1, writers do
      bodies[writer] = function()
        local connection = http.connect(app.server.port)
        for turn = 1, each do
          local body = app:event({ wms = { unrestricted = 1 } },
            { id = ("w%d-%d"):format(writer, turn) })
          App.decode(connection:request(app:build("POST", "/onhand", body)))
        end
        connection:close()
      end
    end
    for _, follower in ipairs(followers) do
      bodies[#bodies + 1] = function()
        local events = follower:take(writers * each)
        check_numbers(events, 1)
        assert.are.equal(writers * each,
          events[#events].data.totals["wms.unrestricted"])
      end
    end
    tasks.run(bodies)
  end)

  it("goes on where a client that comes again has been", function()
    put_many(3)
    local stream = open("?after=0")
    check_numbers(stream:take(3), 1)
    stream:reset()
    put_many(2)
    local again = open("?after=0", { ["Last-Event-ID"] = "3" })
    check_numbers(again:take(2), 4)
    put_many(1)
    check_numbers(again:take(1), 6)
  end)

  it("goes on after a kill and a stop without a gap", function()
    put_many(3)
    local seen = open("?after=0"):take(3)
    for _, how in ipairs { "kill", "stop" } do
      app:restart(how)
      put_many(1)
      local stream = open("", { ["Last-Event-ID"] = tostring(#seen) })
      seen[#seen + 1] = stream:take(1)[1]
      put_many(1)
      seen[#seen + 1] = stream:take(1)[1]
    end
    check_numbers(seen, 1)
    assert.are.equal(7, #seen)
  end)

  it("waits for a number that is still to come", function()
    local stream = open("?after=2")
    stream:await_head()
    put_many(4)
    check_numbers(stream:take(2), 3)
  end)

  it("tells each environment its own events", function()
    local other = App.guid()
    restart_with { others = { [other] = json.object() } }
    local stream = open()
    stream:await_head()
    local body = app:event { wms = { unrestricted = 1 } }
    for _ = 1, 3 do
      body.id = app:unique()
      expect.ok(app:post("host:/api/environment/" .. other .. "/onhand", body))
    end
    put_many(1)
    local event = stream:take(1)[1]
    assert.are.equal(1, event.id)
  end)

  it("goes on under a new configuration", function()
    local stream = open()
    stream:await_head()
    local document = expect.ok(app:get("/configuration"))
    document.ringfence = json.merge(document.ringfence or json.object(),
      json.object { levels = { { "ColorId" } } })
    expect.ok(app:post("/configuration/hardupdate", document))
    put_many(1)
    local events = stream:take(2)
    assert.are.equal("configure", events[1].event)
    assert.are.equal("post", events[2].event)
  end)

  -- The reader reads nothing at all while megabytes are written: every
  -- command is answered, the server keeps one piece for the reader, and then
  -- the reader finds everything.
  it("costs one piece of memory for a client that does not read", function()
    local stream = open("?after=0")
    stream:await_head()
    local bulks = 24
    for bulk = 1, bulks do
      local reply = app:post("/onhand/bulk",
        lines(512, ("%s-%d"):format(("x"):rep(90), bulk)))
      assert.are.equal(512, #expect.ok(reply).success)
      assert.is_true(metric("ringfence_held_bytes") <= HELD_BYTES_MAX)
    end
    assert.is_true(process.await(SECONDS, function()
      return metric("ringfence_held_bytes") > 0
    end), "the reader is not behind")
    assert.is_true(metric("ringfence_held_bytes") <= HELD_BYTES_MAX)
    check_numbers(stream:take(bulks * 512), 1)
    await_metric("ringfence_held_bytes", 0)
    put_many(1)
    check_numbers(stream:take(1), bulks * 512 + 1)
  end)

  it("is open so many times and no more", function()
    restart_with { server = { limits = { streams = 2 } } }
    open():await_head()
    open():await_head()
    local refused = app:get("/events",
      { headers = { Accept = "text/event-stream" } })
    expect.status(refused, 503)
    expect.body(refused, { code = "overloaded",
      message = { ["$contains"] = { "2" } } })
    assert.are.equal("1", refused.headers["retry-after"])
    expect.ok(app:get("/events"))
    streams[1]:close()
    await_metric("ringfence_streams", 1)
    put_many(1)
    check_numbers(open():take(1), 1)
  end)

  it("notices clients that go away, however they do", function()
    local endings = { "close", "reset" }
    for _, how in ipairs(endings) do
      local stream = open()
      stream:await_head()
      await_metric("ringfence_streams", 1)
      stream[how](stream)
      await_metric("ringfence_streams", 0)
    end
    local half = open()
    half:await_head()
    half.connection:half_close()
    half:await_end()
    await_metric("ringfence_streams", 0)
  end)

  it("shows that it lives, and no idle time-out ends it", function()
    restart_with {
      server = { timeouts = { heartbeatMs = 100, idleMs = 100 } },
    }
    local stream = open()
    stream:await_comments(5)
    put_many(1)
    check_numbers(stream:take(1), 1)
    stream:await_comments(7)
  end)

  it("ends whole when the server stops, with all that was done", function()
    put_many(2)
    local stream, quiet = open("?after=0"), open("?after=2")
    stream:take(2)
    quiet:await_head()
    put_many(3)
    app.server:signal("TERM")
    stream:await_end()
    quiet:await_end()
    check_numbers(stream.events, 1)
    assert.are.equal(5, #stream.events)
    assert.are.equal(3, #quiet.events)
    assert.are.equal(0, app.server.process:wait(SECONDS))
  end)

  it("does not hold up a stop when nobody reads it", function()
    restart_with { server = { timeouts = { drainMs = 600000 } } }
    local stream = open("?after=0")
    stream:await_head()
    for bulk = 1, 8 do
      app:post("/onhand/bulk", lines(512, ("%s-%d"):format(("x"):rep(90),
        bulk)))
    end
    app:disconnect()
    app.server:signal("TERM")
    assert.are.equal(0, app.server.process:wait(SECONDS))
  end)

  it("has a head for HEAD, and the connection is free again", function()
    put_many(1)
    local accept = { headers = { Accept = "text/event-stream" } }
    for _ = 1, 2 do
      local reply = app:call("HEAD", "/events", nil, accept)
      assert.are.equal(200, reply.status)
      assert.are.equal("text/event-stream", reply.headers["content-type"])
      assert.are.equal("", reply.body)
    end
    assert.is_truthy(app.connection)
    await_metric("ringfence_streams", 0)
  end)

  it("ends with the connection for HTTP/1.0", function()
    put_many(2)
    local stream = open("?after=0", {}, "1.0")
    check_numbers(stream:take(2), 1)
    assert.is_nil(stream.head["transfer-encoding"])
    assert.are.equal("close", stream.head.connection)
    app.server:signal("TERM")
    stream:await_end()
  end)

  it("is what those get who ask for it", function()
    put_many(1)
    local pages = {
      "*/*", "text/*", "text/html", "application/json", "text/event-streams",
      "text/event-stream;q=0", "text/event-stream; q=0.4, application/json",
      "text/event-stream;q=x", "text/event-stream;q=1.5",
    }
    for _, accept in ipairs(pages) do
      local page = expect.ok(app:get("/events",
        { headers = { Accept = accept } }))
      assert.are.equal(1, #page.events, accept)
    end
    local wanted = {
      "TEXT/Event-Stream", "text/html, text/event-stream;q=0.5",
      "application/json;q=0.9, text/event-stream",
      "text/event-stream;charset=utf-8",
    }
    for _, accept in ipairs(wanted) do
      check_numbers(open("", { Accept = accept }):take(1), 1)
    end
  end)

  it("refuses starts that cannot be, as a page does", function()
    local function refuse(query, headers, field)
      headers.Accept = "text/event-stream"
      expect.invalid(app:get("/events" .. query, { headers = headers }),
        "invalid_field", field)
    end
    refuse("?after=x", {}, "after")
    refuse("?limit=0", {}, "limit")
    refuse("", { ["Last-Event-ID"] = "seven" }, "Last-Event-ID")
    refuse("", { ["Last-Event-ID"] = "-1" }, "Last-Event-ID")
    refuse("", { ["Last-Event-ID"] = ("9"):rep(30) }, "Last-Event-ID")
    await_metric("ringfence_streams", 0)
  end)
end)

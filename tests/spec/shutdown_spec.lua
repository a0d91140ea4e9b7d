-- shutdown_spec.lua - SIGTERM drains, kill loses nothing acknowledged.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local tasks = require "tests.support.tasks"

local WORKERS = 16
-- The load must run before the end is asked for.
local WARM_UP_REPLIES = 200

describe("the end of a server", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  -- What a worker knows of its requests: answered, or gone without a word.
  local function note(state, id, reply)
    if reply and reply.status == 200 then
      state.answered[#state.answered + 1] = id
    elseif reply and reply.status ~= 503 then
      error("unexpected reply: " .. reply.status .. " " .. reply.body)
    elseif not reply then
      state.unknown[#state.unknown + 1] = id
    end
    return reply ~= nil and reply.headers.connection ~= "close"
  end

  local function request(id)
    return app:build("POST", "/onhand",
      app:event({ wms = { unrestricted = 1 } }, { id = id }))
  end

  local function work(state, worker)
    local connection = http.try_connect(app.server.port)
    local turn, open = 0, connection ~= nil
    while open do
      turn = turn + 1
      local id = ("w%d-%d"):format(worker, turn)
      local reply, reason = connection:try_request(request(id))
      if reason and reason:find("^bad reply") then error(reason) end
      open = note(state, id, reply)
    end
    if connection then connection:close() end
  end

  local function end_when_warm(state, signal)
    while #state.answered < WARM_UP_REPLIES do
      tasks.pause(0.001)
    end
    app.server:signal(signal)
  end

  -- Load the server, send the signal in the middle of it, collect the rest.
  local function run_load(signal)
    local state = { answered = {}, unknown = {} }
    local bodies = { function() end_when_warm(state, signal) end }
    for worker = 1, WORKERS do
      bodies[worker + 1] = function() work(state, worker) end
    end
    tasks.run(bodies)
    return state
  end

  local function journal_ids()
    local ids, after = {}, 0
    while true do
      local events, page = app:events(after)
      for _, event in ipairs(events) do ids[event.id] = true end
      if page.nextLink == "" then return ids, page.last end
      after = events[#events].number
    end
  end

  -- Everything answered is there; everything else counts at most once.
  local function check_ledger(state)
    app:disconnect()
    app.server:start()
    local ids, last = journal_ids()
    for _, id in ipairs(state.answered) do
      assert.is_true(ids[id], "lost " .. id)
    end
    assert.is_true(last <= #state.answered + #state.unknown)
    for _, id in ipairs(state.unknown) do
      expect.ok(app:post("/onhand",
        app:event({ wms = { unrestricted = 1 } }, { id = id })))
    end
    assert.are.equal(#state.answered + #state.unknown,
      app:total("wms.unrestricted"))
  end

  -- A connection that is closed between two requests may swallow the next one,
  -- but then nothing of it may have been done.
  it("on SIGTERM answers all that it does, and exits 0", function()
    local state = run_load("TERM")
    assert.are.equal(0, app.server.process:wait(30))
    app:disconnect()
    app.server:start()
    local ids, last = journal_ids()
    assert.are.equal(#state.answered, last)
    for _, id in ipairs(state.unknown) do
      assert.is_nil(ids[id], "done without an answer: " .. id)
    end
    app:disconnect()
    app.server:stop()
    check_ledger(state)
  end)

  it("by kill -9 keeps every answered request", function()
    local state = run_load("KILL")
    assert.are.equal(137, app.server.process:wait(30))
    check_ledger(state)
    app:disconnect()
    app.server:stop()
    local status, output, errors = app.server:tool("verify")
    assert.are.equal(0, status, output .. errors)
  end)

  it("takes no new connections and closes idle ones", function()
    local idle = http.connect(app.server.port)
    assert.are.equal(200, idle:request(request("first")).status)
    app.server:signal("TERM")
    local bytes, reason = idle:read_all(tasks.now() + 20)
    assert.are.same({ "", "closed" }, { bytes, reason })
    assert.are.equal(0, app.server.process:wait(30))
    assert.is_nil((http.try_connect(app.server.port)))
    idle:close()
  end)

  it("is the same on SIGINT, and a second SIGTERM changes nothing", function()
    app:put(1)
    app.server:signal("INT")
    app.server:signal("TERM")
    assert.are.equal(0, app.server.process:wait(30))
  end)

  it("finishes a request whose body is still on its way", function()
    local slow = http.connect(app.server.port)
    local bytes = http.format(request("slow"))
    assert(slow:send(bytes:sub(1, -20)))
    expect.ok(app:post("/onhand", app:event { wms = { unrestricted = 1 } }))
    app.server:signal("TERM")
    assert(slow:send(bytes:sub(-19)))
    local reply = slow:read_reply("POST", tasks.now() + 20)
    assert.are.equal(0, app.server.process:wait(30))
    local expected = reply and reply.status == 200 and 2 or 1
    app:disconnect()
    app.server:start()
    assert.are.equal(expected, app:total("wms.unrestricted"))
    slow:close()
  end)
end)

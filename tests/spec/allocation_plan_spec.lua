-- allocation_plan_spec.lua - POST /allocation/plan: records to targets.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"
local match = require "tests.support.match"
local tasks = require "tests.support.tasks"

local groups = Allocations.groups
local A, B, C, D = groups "a", groups "b", groups "c", groups("a", "deep")
local RED = App.place { ColorId = "red" }

describe("a plan", function()
  local app, stock

  before_each(function()
    app = App.start()
    stock = Allocations.new(app)
    app:put(100)
  end)

  after_each(function() App.finish(app) end)

  local function targets(pairs_of)
    local list = json.array()
    for index, pair in ipairs(pairs_of) do
      list[index] = { groups = pair[1], quantity = pair[2] }
    end
    return list
  end

  local function body(pairs_of, more)
    local result = stock:body(nil, nil, more)
    if not (more and more.targets) then result.targets = targets(pairs_of) end
    return result
  end

  local function plan(pairs_of, more, query)
    return app:post("/allocation/plan" .. (query or ""), body(pairs_of, more))
  end

  local function fill(a, b, c)
    for _, pair in ipairs { { A, a }, { B, b }, { C, c } } do
      if pair[2] > 0 then expect.ok(stock:allocate(pair[1], pair[2])) end
    end
  end

  -- { { operation, source, groups, quantity } ... }
  local function expect_moves(reply, wanted)
    expect.ok(reply)
    for index, move in ipairs(wanted) do
      local members = { operation = move[1], groups = move[3],
        quantity = move[4], sourceGroups = move[2] or nil }
      local ok, why = match.contains(reply.json.moves[index], members)
      if not ok then expect.fail(reply, ("move %d: %s"):format(index, why)) end
    end
    if #reply.json.moves ~= #wanted then
      expect.fail(reply, #wanted .. " moves expected")
    end
  end

  local function expect_changes(reply, wanted)
    local found = {}
    for index, record in ipairs(reply.json.records) do
      found[index] = { record.groups.channel, record.before, record.after }
    end
    assert.are.same(wanted, found)
  end

  local function allocated(...)
    local result = {}
    for index, target in ipairs { ... } do
      result[index] = (stock:record(target) or { allocated = 0 }).allocated
    end
    return result
  end

  it("gives what is too much to where something is missing", function()
    fill(10, 2, 3)
    local reply = plan({ { A, 4 }, { B, 5 }, { C, 6 } }, { id = "p" })
    expect_moves(reply, { { "reallocate", A, B, 3 }, { "reallocate", A, C, 3 } })
    expect_changes(reply, { { "a", 10, 4 }, { "b", 2, 5 }, { "c", 3, 6 } })
    assert.are.same({ "alloc~p", "success", "p/1", "p/2" },
      { reply.json.id, reply.json.processingStatus, reply.json.moves[1].id,
        reply.json.moves[2].id })
    assert.are.same({ 4, 5, 6 }, allocated(A, B, C))
  end)

  it("allocates what is missing then", function()
    fill(3, 0, 0)
    local reply = plan { { A, 1 }, { B, 5 }, { C, 7 } }
    expect_moves(reply, { { "reallocate", A, B, 2 }, { "allocate", nil, B, 3 },
      { "allocate", nil, C, 7 } })
    expect_changes(reply, { { "a", 3, 1 }, { "b", 0, 5 }, { "c", 0, 7 } })
    assert.are.same({ 1, 5, 7 }, allocated(A, B, C))
    assert.are.equal(13, stock:total "@allocated")
  end)

  it("unallocates what is left over", function()
    fill(9, 4, 1)
    local reply = plan { { A, 0 }, { B, 2.5 }, { C, 2 } }
    expect_moves(reply, { { "reallocate", A, C, 1 },
      { "unallocate", nil, A, 8 }, { "unallocate", nil, B, 1.5 } })
    assert.are.same({ 0, 2.5, 2 }, allocated(A, B, C))
  end)

  it("moves nothing where everything is as it should be", function()
    fill(9, 0, 0)
    local reply = plan { { A, 9 }, { B, 0 } }
    expect_moves(reply, {})
    expect_changes(reply, { { "a", 9, 9 }, { "b", 0, 0 } })
  end)

  it("leaves the others alone, or empties them when told to", function()
    fill(9, 4, 0)
    expect.ok(stock:allocate(D, 3))
    expect.ok(stock:allocate(C, 6, { dimensions = RED,
      id = app:put(6, { dimensions = RED }).id }))
    expect_moves(plan { { C, 1 } }, { { "allocate", nil, C, 1 } })
    assert.are.same({ 9, 4, 1, 3 }, allocated(A, B, C, D))
    local reply = plan({ { C, 10 } }, { unallocateRest = true })
    assert.are.same({ 0, 0, 10, 0 }, allocated(A, B, C, D))
    assert.are.equal(3, #reply.json.moves)
    assert.are.equal(4, #reply.json.records)
    expect_moves(plan({}, { unallocateRest = true }),
      { { "unallocate", nil, C, 10 } })
    assert.are.equal(6, stock:total "@allocated")
  end)

  it("is one basket in the journal, under its id", function()
    fill(5, 0, 0)
    local before = #app:events()
    expect.ok(plan({ { A, 2 }, { B, 4 } }, { id = "p" }))
    local events = app:events(before)
    expect.body({ status = 200, body = "", json = events }, {
      { operation = "plan", id = "p", deltas = json.object(),
        basket = before + 1 },
      { operation = "reallocate", id = "p/1", sourceGroups = A, groups = B,
        basket = before + 1 },
      { operation = "allocate", id = "p/2", groups = B, basket = before + 1 },
    })
    assert.is_nil(events[1].groups)
  end)

  it("is refused as a whole where the pool is too small", function()
    fill(90, 0, 0)
    local wanted = { { A, 80 }, { B, 15 }, { C, 6 } }
    local reply = plan(wanted, { id = "p" })
    expect.refused(reply, "insufficient_available", 5)
    expect.body(reply, { move = { operation = "allocate", groups = C,
      quantity = 6 }, binding = { kind = "level" } })
    assert.are.same({ 90, 0, 0 }, allocated(A, B, C))
    app:put(100)
    local again = plan(wanted, { id = "p" })
    assert.are.same(reply.json, again.json)
    expect.ok(plan(wanted))
    assert.are.same({ 80, 15, 6 }, allocated(A, B, C))
  end)

  it("answers what it did when it is sent again", function()
    fill(10, 2, 0)
    local wanted = { { A, 4 }, { B, 9 } }
    local first = plan(wanted, { id = "p", unallocateRest = true })
    expect_moves(first, { { "reallocate", A, B, 6 }, { "allocate", nil, B, 1 } })
    fill(1, 1, 1)
    app:restart "kill"
    wanted = { { { CHANNEL = "a" }, "4.0" }, { B, 9 } }
    local again = plan(wanted, { id = "p", unallocateRest = true })
    assert.are.same(first.json, again.json)
    assert.are.same({ 5, 10, 1 }, allocated(A, B, C))
    expect.conflict(plan({ { A, 4 }, { B, 8 } },
      { id = "p", unallocateRest = true }))
    expect.conflict(plan(wanted, { id = "p" }))
    expect.conflict(plan(wanted, { id = "p", unallocateRest = true,
      dimensions = RED }))
    assert.are.same({ 5, 10, 1 }, allocated(A, B, C))
  end)

  it("that had nothing to do is remembered, too", function()
    fill(3, 0, 0)
    expect_moves(plan({ { A, 3 } }, { id = "p" }), {})
    fill(1, 0, 0)
    local again = plan({ { A, 3 } }, { id = "p" })
    expect_moves(again, {})
    expect_changes(again, { { "a", 3, 3 } })
    assert.are.same({ 4 }, allocated(A))
  end)

  it("tells records that were unallocated when it is sent again", function()
    fill(3, 4, 0)
    local first = plan({ { A, 5 } }, { id = "p", unallocateRest = true })
    expect_changes(first, { { "a", 3, 5 }, { "b", 4, 0 } })
    local again = plan({ { A, 5 } }, { id = "p", unallocateRest = true })
    assert.are.same(first.json, again.json)
  end)

  it("has ids that nobody else's command stands for", function()
    expect.ok(stock:allocate(A, 2, { id = "p/1" }))
    expect.conflict(plan({ { A, 4 } }, { id = "p" }))
    assert.are.same({ 2 }, allocated(A))
  end)

  it("is tried without being done", function()
    fill(10, 0, 0)
    local before = #app:events()
    local reply = plan({ { A, 4 }, { B, 9 } }, { id = "p" }, "?dryRun=true")
    expect_moves(reply, { { "reallocate", A, B, 6 }, { "allocate", nil, B, 3 } })
    expect_changes(reply, { { "a", 10, 4 }, { "b", 0, 9 } })
    assert.is_true(reply.json.dryRun)
    assert.are.equal(13, reply.json.quantities["@iv"]["@allocated"])
    expect.refused(plan({ { B, 91 } }, nil, "?dryRun=true"),
      "insufficient_available", 90)
    assert.are.same({ 10, 0 }, allocated(A, B))
    assert.are.equal(before, #app:events())
    expect_moves(plan({ { A, 1 } }, { id = "p" }),
      { { "unallocate", nil, A, 9 } })
    reply = plan({ { A, 1 } }, { id = "p" }, "?dryRun=true")
    expect_moves(reply, { { "unallocate", nil, A, 9 } })
    expect_changes(reply, { { "a", 10, 1 } })
    assert.are.equal(1, reply.json.quantities["@iv"]["@allocated"])
  end)

  it("names a fault by its word and its place", function()
    local function invalid(word, field, pairs_of, more)
      expect.invalid(plan(pairs_of, more), word, field)
    end
    invalid("missing_field", "id", { { A, 1 } }, { id = json.null })
    invalid("missing_field", "targets", {}, { targets = json.null })
    invalid("invalid_field", "targets", {}, { targets = json.object() })
    invalid("invalid_field", "targets[0]", {}, { targets = { "a" } })
    invalid("empty_batch", "targets", {})
    invalid("missing_field", "targets[0].groups", { { nil, 1 } })
    invalid("no_groups", "targets[0].groups", { { json.object(), 1 } })
    invalid("group_gap", "targets[1].groups.country",
      { { A, 1 }, { { channel = "a", country = "SE" }, 1 } })
    invalid("unknown_group", "targets[0].groups.nose",
      { { { nose = "long" }, 1 } })
    invalid("missing_field", "targets[0].quantity", { { A } })
    invalid("invalid_quantity", "targets[1].quantity", { { A, 1 }, { B, -1 } })
    invalid("invalid_quantity", "targets[0].quantity", { { A, "some" } })
    invalid("conflicting_fields", "targets[2].groups",
      { { A, 1 }, { B, 1 }, { { CHANNEL = "a" }, 1 } })
    invalid("invalid_field", "unallocateRest", { { A, 1 } },
      { unallocateRest = "yes" })
    invalid("too_long", "id", { { A, 1 } }, { id = ("p"):rep(124) })
    invalid("missing_field", "dimensions", { { A, 1 } },
      { dimensions = json.null })
    expect.invalid(app:post("/allocation/plan", json.array { 1 }),
      "invalid_field")
    expect.refused(plan({ { A, 1 } }, { dimensions = { siteId = "10" } }),
      "missing_partition")
    expect.ok(plan({ { A, 1 } }, { id = ("p"):rep(123) }))
  end)

  it("takes as many targets as a bulk has lines", function()
    local wanted = {}
    for index = 1, 512 do wanted[index] = { groups("g", "n" .. index), 0.1 } end
    expect.ok(plan(wanted))
    assert.are.equal(51.2, stock:total "@allocated")
    for index, target in ipairs(wanted) do target[2] = index % 2 * 0.2 end
    local reply = plan(wanted)
    assert.are.equal(256, #reply.json.moves)
    assert.are.equal(51.2, stock:total "@allocated")
    wanted[513] = { A, 1 }
    expect.invalid(plan(wanted), "too_many_items", "targets")
  end)

  it("looks at a bounded number of records", function()
    for first = 1, 1500, 500 do
      local lines = {}
      for index = first, first + 499 do
        lines[#lines + 1] = stock:body(groups("g", "n" .. index), 0.01)
      end
      expect.buckets(app:post("/allocation/allocate/bulk", lines),
        { success = 500 })
    end
    expect.invalid(plan({ { A, 1 } }, { unallocateRest = true }),
      "too_many_items")
    expect.ok(plan { { A, 1 } })
    assert.are.equal(16, stock:total "@allocated")
  end)

  -- What the moves of every plan in the journal led to, record by record: in
  -- millionths, by the plan's id.
  local function outcomes()
    local level, found, plan_id, after = {}, {}, nil, 0
    local function add(target, quantity)
      local name = target.channel
      level[name] = (level[name] or 0) + math.floor(quantity * 1e6 + 0.5)
    end
    local function close()
      if plan_id then found[plan_id] = { level.a, level.b, level.c } end
      plan_id = nil
    end
    repeat
      local events = app:events(after)
      for _, event in ipairs(events) do
        after = event.number
        if event.basket == nil or event.operation == "plan" then close() end
        if event.operation == "plan" then plan_id = event.id end
        if event.operation == "allocate" then
          add(event.groups, event.quantity)
        elseif event.operation == "unallocate" then
          add(event.groups, -event.quantity)
        elseif event.operation == "reallocate" then
          add(event.groups, event.quantity)
          add(event.sourceGroups, -event.quantity)
        end
      end
    until #events == 0
    close()
    return found
  end

  it("reaches its targets while others change the same records", function()
    fill(20, 20, 20)
    local wanted, applied, done = {}, 0, false
    local function call(connection, path, message)
      return App.decode(connection:request(app:build("POST", path, message)))
    end
    local function disturb(target)
      return function()
        local connection = http.connect(app.server.port)
        while not done do
          expect.ok(call(connection, "/allocation/allocate",
            stock:body(target, 0.001)))
          expect.ok(call(connection, "/allocation/unallocate",
            stock:body(target, 0.001)))
        end
        connection:close()
      end
    end
    local function pursue()
      local connection = http.connect(app.server.port)
      for round = 1, 60 do
        local a, c = 10 + round % 7, 30 - round % 5
        local message = body { { A, a }, { B, 20 }, { C, c } }
        local reply = call(connection, "/allocation/plan", message)
        if reply.status == 409 then
          expect.conflict(reply, "changed")
        else
          expect.ok(reply)
          applied = applied + 1
          wanted[message.id] = { a * 1e6, 20 * 1e6, c * 1e6 }
        end
      end
      connection:close()
      done = true
    end
    tasks.run { pursue, disturb(A), disturb(B), disturb(C) }
    assert.is_true(applied > 0)
    assert.are.same(wanted, outcomes())
  end)

  it("sent many times at once is carried out once", function()
    fill(10, 0, 0)
    local requests = {}
    for index = 1, 16 do
      requests[index] = app:build("POST", "/allocation/plan",
        body({ { A, 4 }, { B, 9 } }, { id = "p" }))
    end
    local first
    for _, reply in ipairs(app:together(requests)) do
      expect.ok(reply)
      first = first or reply.json
      assert.are.same(first, reply.json)
    end
    assert.are.same({ 4, 9 }, allocated(A, B))
    assert.are.equal(13, stock:total "@cumulative_allocated")
  end)
end)

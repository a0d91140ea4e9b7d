-- allocation_random_spec.lua - histories of chance, judged by a model.
--
-- The model is a list of rows that are added up anew for every question: slow
-- and plain, and it shares nothing with the server. Whatever the server
-- answers, the model must have come to the same; now and then all records and
-- all totals are compared, and at the end every total with its leaves.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local chance = require "tests.support.chance"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

local STEPS = 250
local CHECK_EVERY = 50

local PLACES = {
  {}, { ColorId = "red" }, { ColorId = "blue" },
  { ColorId = "red", SizeId = "S" }, { ColorId = "red", SizeId = "L" },
  { SizeId = "S" },
}

local GROUPS = {
  { "web" }, { "web", "gold" }, { "web", "gold", "SE" }, { "shop" },
}

-- Levels below site and location, and whether they are checked always.
local LEVELS = {
  { names = {}, always = true }, { names = { "ColorId" }, always = true },
  { names = { "ColorId", "SizeId" }, always = true }, { names = { "SizeId" } },
}

local MEASURES = {
  "@allocated", "@consumed", "@cumulative_allocated", "@cumulative_consumed",
}

-- ---- The model ----

local Model = {}
Model.__index = Model

function Model.new()
  return setmetatable({ rows = {}, records = {}, held = {} }, Model)
end

local function key_of(place, group)
  return table.concat({ place.ColorId or "", place.SizeId or "",
    group and table.concat(group, "/") or nil }, "|")
end

function Model:row(place)
  local key = key_of(place)
  self.rows[key] = self.rows[key] or { place = place, stock = 0, reserved = 0,
    ["@allocated"] = 0, ["@consumed"] = 0, ["@cumulative_allocated"] = 0,
    ["@cumulative_consumed"] = 0 }
  return self.rows[key]
end

function Model:record(place, group)
  local key = key_of(place, group)
  return self.records[key] or { place = place, group = group, allocated = 0,
    consumed = 0, cumulativeAllocated = 0, cumulativeConsumed = 0 }
end

function Model:touch(place, group)
  local record = self:record(place, group)
  self.records[key_of(place, group)] = record
  return record
end

local function lies_in(place, at, names)
  for _, name in ipairs(names) do
    if (place[name] or "") ~= (at[name] or "") then return false end
  end
  return true
end

-- What a function of a row comes to at a level, where a place lies.
function Model:sum(at, names, value)
  local total = 0
  for _, row in pairs(self.rows) do
    if lies_in(row.place, at, names) then total = total + value(row) end
  end
  return total
end

local function free(row) return row.stock - row.reserved - row["@allocated"] end

local function has_all(place, names)
  for _, name in ipairs(names) do
    if not place[name] then return false end
  end
  return true
end

local function size(place)
  return (place.ColorId and 1 or 0) + (place.SizeId and 1 or 0)
end

-- Whether something is reserved or allocated at exactly the level's dimensions.
function Model:is_held(names)
  local function is_of_level(place)
    return size(place) == #names and has_all(place, names)
  end
  for _, record in pairs(self.records) do
    if record.allocated > 0 and is_of_level(record.place) then return true end
  end
  for _, row in pairs(self.rows) do
    if row.reserved > 0 and is_of_level(row.place) then return true end
  end
  return false
end

-- What a checked command at a place can have.
function Model:available(place)
  local least
  for _, level in ipairs(LEVELS) do
    local is_own = #level.names == size(place)
    if has_all(place, level.names)
      and (is_own or level.always or self:is_held(level.names)) then
      local value = self:sum(place, level.names, free)
      least = least and math.min(least, value) or value
    end
  end
  return math.max(least, 0)
end

function Model:add(place, group, quantity)
  local row, record = self:row(place), self:touch(place, group)
  row["@allocated"] = row["@allocated"] + quantity
  record.allocated = record.allocated + quantity
  if quantity > 0 then
    row["@cumulative_allocated"] = row["@cumulative_allocated"] + quantity
    record.cumulativeAllocated = record.cumulativeAllocated + quantity
  end
end

function Model:move(place, from, to, quantity)
  local source, target = self:touch(place, from), self:touch(place, to)
  source.allocated = source.allocated - quantity
  target.allocated = target.allocated + quantity
  target.cumulativeAllocated = target.cumulativeAllocated + quantity
end

function Model:consume(place, group, quantity)
  local row, record = self:row(place), self:touch(place, group)
  row["@allocated"] = row["@allocated"] - quantity
  record.allocated = record.allocated - quantity
  for _, name in ipairs { "@consumed", "@cumulative_consumed" } do
    row[name] = row[name] + quantity
  end
  record.consumed = record.consumed + quantity
  record.cumulativeConsumed = record.cumulativeConsumed + quantity
end

-- ---- The history ----

describe("a history of chance", function()
  local app, stock, model, choose

  after_each(function() App.finish(app) end)

  local function dimensions(place) return App.place(json.copy(place)) end

  local function send(operation, place, group, quantity, more)
    more = more or {}
    more.dimensions = dimensions(place)
    return stock:send(operation, group and Allocations.groups(
      table.unpack(group)), quantity, more)
  end

  -- Done exactly when the model allows it.
  local function judge(reply, word, allowed, available)
    if allowed then return expect.ok(reply) end
    expect.refused(reply, word, available)
  end

  local function place() return PLACES[choose(#PLACES)] end
  local function group() return GROUPS[choose(#GROUPS)] end

  local ACTIONS = {}

  function ACTIONS.put()
    local at, quantity = place(), choose(12) - 3
    app:put(quantity, { dimensions = dimensions(at) })
    local row = model:row(at)
    row.stock = row.stock + quantity
  end

  function ACTIONS.reserve()
    local at, quantity = place(), choose(5)
    local available = model:available(at)
    local reply = app:reserve(quantity, { dimensions = dimensions(at) })
    if judge(reply, "insufficient_available", quantity <= available,
      available) then
      local row = model:row(at)
      row.reserved = row.reserved + quantity
    end
  end

  function ACTIONS.allocate()
    local at, to, quantity = place(), group(), choose(6)
    local available = model:available(at)
    if judge(send("allocate", at, to, quantity), "insufficient_available",
      quantity <= available, available) then
      model:add(at, to, quantity)
    end
  end

  function ACTIONS.share()
    local at, to = place(), group()
    local available = model:available(at)
    local percent, ceiling = choose(100), choose(8)
    local members = { { percent = percent }, { fill = true },
      { fill = true, quantity = ceiling },
      { allowPartial = true, quantity = ceiling } }
    local amounts = { available * percent // 100, available,
      math.min(available, ceiling), math.min(available, ceiling) }
    local kind = choose(4)
    local body = judge(send("allocate", at, to, nil, members[kind]),
      "insufficient_available", amounts[kind] > 0, available)
    if body then
      assert.are.equal(amounts[kind], body.quantity)
      model:add(at, to, amounts[kind])
    end
  end

  function ACTIONS.unallocate()
    local at, from, quantity = place(), group(), choose(5)
    local has = model:record(at, from).allocated
    if judge(send("unallocate", at, from, quantity), "insufficient_allocated",
      quantity <= has, has) then
      model:add(at, from, -quantity)
    end
  end

  function ACTIONS.reallocate()
    local at, from, to, quantity = place(), group(), group(), choose(5)
    local has = model:record(at, from).allocated
    local reply = send("reallocate", at, to, quantity,
      { sourceGroups = Allocations.groups(table.unpack(from)) })
    if from == to then
      expect.invalid(reply, "conflicting_fields")
    elseif judge(reply, "insufficient_allocated", quantity <= has, has) then
      model:move(at, from, to, quantity)
    end
  end

  function ACTIONS.consume()
    local at, from, quantity = place(), group(), choose(4)
    local has = model:record(at, from).allocated
    local kind = choose(3)
    local measures = { nil, { wms = { unrestricted = "Subtraction" } },
      { iv = { softreserved = "Addition" } } }
    if judge(send("consume", at, from, quantity,
      { physicalMeasures = measures[kind] }), "insufficient_allocated",
      quantity <= has, has) then
      local row = model:row(at)
      model:consume(at, from, quantity)
      if kind == 2 then row.stock = row.stock - quantity end
      if kind == 3 then row.reserved = row.reserved + quantity end
    end
  end

  function ACTIONS.plan()
    local at, targets, need = place(), {}, 0
    for index, to in ipairs(GROUPS) do
      local quantity = choose(4) - 1
      need = need + quantity - model:record(at, to).allocated
      targets[index] = { groups = Allocations.groups(table.unpack(to)),
        quantity = quantity }
    end
    local available = model:available(at)
    local reply = send("plan", at, nil, nil, { targets = targets })
    if need > available then
      expect.refused(reply, "insufficient_available")
      return
    end
    for _, move in ipairs(expect.ok(reply).moves) do
      local function named(groups)
        for _, known in ipairs(GROUPS) do
          if known[1] == groups.channel and known[2] == groups.segment
            and known[3] == groups.country then return known end
        end
      end
      if move.operation == "reallocate" then
        model:move(at, named(move.sourceGroups), named(move.groups),
          move.quantity)
      else
        local sign = move.operation == "allocate" and 1 or -1
        model:add(at, named(move.groups), sign * move.quantity)
      end
    end
    for index, to in ipairs(GROUPS) do
      assert.are.equal(targets[index].quantity,
        model:record(at, to).allocated)
    end
  end

  local NAMES = { "put", "put", "reserve", "allocate", "allocate", "share",
    "unallocate", "reallocate", "reallocate", "consume", "consume", "plan" }

  local function check_records()
    local count = 0
    for _, at in ipairs(PLACES) do
      for _, record in ipairs(stock:query(nil,
        { dimensions = dimensions(at) })) do
        local known = model:record(at, { record.groups.channel,
          record.groups.segment, record.groups.country })
        for _, name in ipairs { "allocated", "consumed", "cumulativeAllocated",
          "cumulativeConsumed" } do
          assert.are.equal(known[name], record[name], name)
        end
        assert.are.equal(model:sum(at, size(at) == 0 and {}
          or size(at) == 2 and { "ColorId", "SizeId" }
          or { at.ColorId and "ColorId" or "SizeId" }, free),
          record.available_to_allocate)
        count = count + 1
      end
    end
    local expected = 0
    for _ in pairs(model.records) do expected = expected + 1 end
    assert.are.equal(expected, count)
  end

  local function check_totals()
    for _, level in ipairs(LEVELS) do
      local list = app:rows { groupByValues = json.array(level.names) }
      for _, at in ipairs(PLACES) do
        local row = rows.select(list, { dimensions = json.object(
          #level.names == 0 and {} or { ColorId = level.names[1] == "ColorId"
            and (at.ColorId or "") or nil,
            SizeId = level.names[#level.names] == "SizeId"
            and (at.SizeId or "") or nil }) })[1] or json.object()
        for _, name in ipairs(MEASURES) do
          assert.are.equal(model:sum(at, level.names, function(of)
            return of[name] end), rows.measure(row, "@iv." .. name) or 0)
        end
      end
    end
  end

  local function run(seed)
    app = App.start()
    stock, model, choose = Allocations.new(app), Model.new(), chance.chooser(seed)
    for step = 1, STEPS do
      local name = NAMES[choose(#NAMES)]
      local ok, message = pcall(ACTIONS[name])
      if not ok then
        error(("step %d, %s: %s"):format(step, name, tostring(message)), 0)
      end
      if step % CHECK_EVERY == 0 then
        check_records()
        check_totals()
      end
    end
    app:disconnect()
    app.server:stop()
    local status, output, errors = app.server:tool("verify")
    assert.are.equal(0, status, output .. errors)
    assert.is_truthy(output:find("allocations", 1, true))
  end

  for seed = 1, 6 do
    it(("number %d comes to what the model says"):format(seed), function()
      run(seed)
    end)
  end
end)

-- concurrency_spec.lua - 64 callers at once, and no level is ever oversold.
--
-- The callers want far more than there is, at every level of the dimensions,
-- singly and in baskets. Afterwards the sum of what was granted is compared
-- with what there was, at every level, and every total with its leaves.

local App = require "tests.support.app"
local chance = require "tests.support.chance"
local http = require "tests.support.http"
local json = require "tests.support.json"
local rows = require "tests.support.rows"
local tasks = require "tests.support.tasks"

local CONNECTIONS = 64
local ROUNDS = 60

local COLORS = { "red", "blue", "green" }
local SIZES = { "S", "M", "L" }

local GROUPINGS = {
  {}, { "ColorId" }, { "SizeId" }, { "ColorId", "SizeId" },
  { "ColorId", "SizeId", "StyleId", "BatchId" },
}

describe("many callers at once", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  -- Have 64 connections send `count` requests each; build(worker, turn) makes
  -- a request, note(reply, body, worker) judges its reply.
  local function drive(count, build, note)
    tasks.times(CONNECTIONS, function(worker)
      local connection = http.connect(app.server.port)
      for turn = 1, count do
        local body, path = build(worker, turn)
        local reply = connection:request(app:build("POST", path, body))
        note(App.decode(reply), body, worker)
      end
      connection:close()
    end)
  end

  local function check_statuses(reply)
    if reply.status == 200 then return true end
    assert(reply.status == 409
      and (reply.json.code == "insufficient_available" or reply.json.atomic),
      reply.status .. " " .. reply.body)
    return false
  end

  it("get exactly what there is of one product", function()
    app:put(1000)
    local granted = 0
    drive(30, function(worker, turn)
      return app:reservation(1, { id = worker .. "-" .. turn }),
        "/onhand/reserve"
    end, function(reply)
      if check_statuses(reply) then granted = granted + 1 end
    end)
    assert.are.equal(1000, granted)
    assert.are.equal(1000, app:total("iv.softreserved"))
    assert.are.equal(0, app:total("iv.availabletoreserve"))
    local events, page = app:events(0)
    assert.are.equal(1000, #events)
    assert.are.equal(1 + CONNECTIONS * 30, page.last)
    app:verify()
  end)

  -- A place at a random level: nothing, a colour, a size, or both.
  local function random_place(choose)
    local more = {}
    local level = choose(4)
    if level % 2 == 0 then more.ColorId = COLORS[choose(#COLORS)] end
    if level > 2 then more.SizeId = SIZES[choose(#SIZES)] end
    return App.place(more)
  end

  -- The same of every colour and size, and more that has neither: so colours
  -- and sizes run out long before the place does, each for itself.
  local function stock_everything(product, quantity)
    local lines = { app:event({ wms = { unrestricted = quantity * 10 } },
      { productId = product }) }
    for _, color in ipairs(COLORS) do
      for _, size in ipairs(SIZES) do
        lines[#lines + 1] = app:event({ wms = { unrestricted = quantity } }, {
          productId = product,
          dimensions = App.place { ColorId = color, SizeId = size,
            BatchId = "b" .. #lines % 2 },
        })
      end
    end
    local reply = app:post("/onhand/bulk", lines)
    assert.are.equal(#lines, #reply.json.success)
    return (#lines - 1 + 10) * quantity
  end

  local function filters(product, more)
    more = json.object(json.copy(more or {}))
    more.productId = { product }
    return App.filters(more)
  end

  -- What was promised at each level is at most what there is, as the server's
  -- own rows tell it.
  local function check_not_oversold(product)
    for _, groups in ipairs {
      {}, { "ColorId" }, { "SizeId" }, { "ColorId", "SizeId" },
    } do
      for _, row in ipairs(app:rows {
        filters = filters(product), groupByValues = json.array(groups),
      }) do
        local left = rows.measure(row, "iv.availabletoreserve")
        local complete = true
        for _, name in ipairs(groups) do
          complete = complete and row.dimensions[name] ~= ""
        end
        assert.is_true(not complete or left == nil or left >= 0,
          json.encode(row))
      end
    end
  end

  local function check_totals(product, measure, expected)
    for _, groups in ipairs(GROUPINGS) do
      assert.are.equal(expected, app:total(measure, filters(product), groups),
        measure .. " by " .. table.concat(groups, " "))
    end
    for name, values in pairs { ColorId = COLORS, SizeId = SIZES } do
      local total = app:total(measure, filters(product, { [name] = { "" } }))
      for _, value in ipairs(values) do
        total = total + app:total(measure,
          filters(product, { [name] = { value } }))
      end
      assert.are.equal(expected, total, measure .. " over " .. name)
    end
  end

  it("never oversell any level of a product", function()
    local stock = stock_everything(App.PRODUCT, 40)
    local choosers, granted, refused = {}, 0, 0
    for worker = 1, CONNECTIONS do choosers[worker] = chance.chooser(worker) end
    drive(ROUNDS, function(worker, turn)
      local choose = choosers[worker]
      return app:reservation(choose(3), {
        id = worker .. "-" .. turn, dimensions = random_place(choose),
        allowPartial = choose(4) == 1,
      }), "/onhand/reserve"
    end, function(reply)
      if check_statuses(reply) then
        granted = granted + reply.json.quantity
      else
        refused = refused + 1
      end
    end)
    assert.is_true(granted <= stock and refused > 0)
    check_not_oversold(App.PRODUCT)
    check_totals(App.PRODUCT, "iv.softreserved", granted)
    check_totals(App.PRODUCT, "wms.unrestricted", stock)
    check_totals(App.PRODUCT, "iv.availabletoreserve", stock - granted)
    app:verify()
  end)

  it("take and give back without losing count", function()
    local stock = stock_everything(App.PRODUCT, 5)
    local held, outstanding, choosers = {}, 0, {}
    for worker = 1, CONNECTIONS do
      held[worker], choosers[worker] = {}, chance.chooser(worker + 1000)
    end
    drive(ROUNDS, function(worker, turn)
      local id = worker .. "-" .. turn
      local mine = table.remove(held[worker])
      if mine then
        return app:reversal(mine.record, mine.quantity, {
          id = id, dimensions = mine.dimensions }), "/onhand/unreserve"
      end
      local choose = choosers[worker]
      return app:reservation(choose(2), {
        id = id, dimensions = random_place(choose), orderTag = "W" .. worker,
      }), "/onhand/reserve"
    end, function(reply, body, worker)
      if not check_statuses(reply) then return end
      if body.reservationId then
        assert(reply.json.totalInvalidOffsetQtyByReservId == 0, reply.body)
        outstanding = outstanding - body.OffsetQty
      else
        outstanding = outstanding + body.quantity
        table.insert(held[worker], { record = reply.json.reservationId,
          quantity = body.quantity, dimensions = body.dimensions })
      end
    end)
    check_not_oversold(App.PRODUCT)
    check_totals(App.PRODUCT, "iv.softreserved", outstanding)
    check_totals(App.PRODUCT, "wms.unrestricted", stock)
    app:verify()
  end)

  local PRODUCTS = { "CUP", "BOWL", "PLATE", "SPOON", "FORK" }

  -- A basket of two to four lines for different products, in random order.
  local function random_basket(choose, id)
    local lines, start = {}, choose(#PRODUCTS)
    for index = 1, choose(3) + 1 do
      lines[index] = app:reservation(choose(3), {
        id = id .. "-" .. index, dimensions = random_place(choose),
        productId = PRODUCTS[(start + index * 2) % #PRODUCTS + 1],
      })
    end
    return lines
  end

  it("get whole baskets or nothing", function()
    local stock, granted, choosers = {}, {}, {}
    for _, product in ipairs(PRODUCTS) do
      stock[product], granted[product] = stock_everything(product, 20), 0
    end
    for worker = 1, CONNECTIONS do choosers[worker] = chance.chooser(worker + 9) end
    local whole, none = 0, 0
    drive(ROUNDS // 2, function(worker, turn)
      return random_basket(choosers[worker], worker .. "-" .. turn),
        "/onhand/reserve/bulk?atomic=true"
    end, function(reply, lines)
      if not check_statuses(reply) then
        assert(#reply.json.success == 0, reply.body)
        none = none + 1
        return
      end
      assert(#reply.json.success == #lines, reply.body)
      whole = whole + 1
      for _, line in ipairs(lines) do
        granted[line.productId] = granted[line.productId] + line.quantity
      end
    end)
    assert.is_true(whole > 0 and none > 0)
    for _, product in ipairs(PRODUCTS) do
      assert.is_true(granted[product] <= stock[product])
      check_not_oversold(product)
      check_totals(product, "iv.softreserved", granted[product])
      check_totals(product, "wms.unrestricted", stock[product])
    end
    app:verify()
  end)
end)

-- basket_spec.lua - ?atomic=true: all lines or none.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("a basket", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function basket(path, lines)
    return app:post(path .. "/bulk?atomic=true", json.array(lines))
  end

  local function line(id, product, quantity, more)
    more = more or {}
    more.id, more.productId = id, product
    return app:reservation(quantity, more)
  end

  local function reserved(product)
    return app:total("iv.softreserved", App.filters { productId = { product } })
  end

  local function put(product, quantity)
    app:put(quantity, { productId = product })
  end

  -- All lines and the code each must have, "" for the good ones.
  local function expect_codes(reply, codes)
    local found = {}
    for _, bucket in pairs(reply.json) do
      if json.is_array(bucket) then
        for _, result in ipairs(bucket) do
          found[result.id:match("~(.*)$") or ""] = result.code or ""
        end
      end
    end
    assert.are.same(codes, found)
  end

  it("of reservations is taken whole", function()
    put("CUP", 10)
    put("BOWL", 3)
    local reply = basket("/onhand/reserve",
      { line("a", "CUP", 6), line("b", "BOWL", 3), line("c", "CUP", 4) })
    expect.status(reply, 200)
    expect.body(reply, { atomic = true })
    expect.buckets(reply, { success = { "a", "b", "c" }, failure = {} })
    assert.are.equal(10, reserved("CUP"))
    assert.are.equal(3, reserved("BOWL"))
  end)

  it("of reservations is refused whole, and says which line it was", function()
    put("CUP", 10)
    put("BOWL", 3)
    local reply = basket("/onhand/reserve",
      { line("a", "CUP", 6), line("b", "BOWL", 4), line("c", "CUP", 50) })
    expect.status(reply, 409)
    expect.buckets(reply, { success = {}, failure = { "a", "b", "c" } })
    expect_codes(reply, { a = "basket_refused", b = "insufficient_available",
      c = "basket_refused" })
    assert.are.equal(3, reply.json.failure[2].available)
    assert.are.equal(0, reserved("CUP"))
  end)

  it("lets later lines see earlier ones", function()
    put("CUP", 10)
    local reply = basket("/onhand/reserve",
      { line("a", "CUP", 6), line("b", "CUP", 5) })
    expect.status(reply, 409)
    expect_codes(reply, { a = "basket_refused", b = "insufficient_available" })
    assert.are.equal(4, reply.json.failure[2].available)
  end)

  it("with an invalid line is an invalid request", function()
    put("CUP", 10)
    local reply = basket("/onhand/reserve",
      { line("a", "CUP", 6), line("b", "CUP", "many"), line("c", "CUP", 1) })
    expect.status(reply, 400)
    expect_codes(reply, { a = "basket_refused", b = "invalid_quantity",
      c = "basket_refused" })
    expect.ok(app:post("/onhand/reserve", line("a", "CUP", 6)))
    expect.ok(app:post("/onhand/reserve", line("b", "CUP", 1)))
  end)

  it("with a conflict names it", function()
    put("CUP", 10)
    expect.ok(app:post("/onhand/reserve", line("b", "CUP", 1)))
    local reply = basket("/onhand/reserve",
      { line("a", "CUP", 2), line("b", "CUP", 3) })
    expect.status(reply, 409)
    expect.buckets(reply, { failure = { "a" }, conflict = { "b" } })
    assert.are.equal(1, reserved("CUP"))
  end)

  it("takes a part where its line allows that", function()
    put("CUP", 10)
    local reply = basket("/onhand/reserve",
      { line("a", "CUP", 12, { allowPartial = true }),
        line("b", "CUP", 1, { ifCheckAvailForReserv = false }) })
    expect.status(reply, 200)
    expect.buckets(reply, { success = { "b" }, partialSuccess = { "a" } })
    assert.are.equal(11, reserved("CUP"))
  end)

  it("is answered the same when it is sent again", function()
    put("CUP", 10)
    local lines = { line("a", "CUP", 6), line("b", "CUP", 4) }
    expect.status(basket("/onhand/reserve", lines), 200)
    expect.buckets(basket("/onhand/reserve", lines), { success = 2 })
    assert.are.equal(10, reserved("CUP"))
  end)

  it("that was refused stays refused, line by line too", function()
    put("CUP", 5)
    local lines = { line("a", "CUP", 3), line("b", "CUP", 4) }
    expect.status(basket("/onhand/reserve", lines), 409)
    put("CUP", 100)
    local reply = basket("/onhand/reserve", lines)
    expect.status(reply, 409)
    expect.buckets(reply, { success = {} })
    expect.refused(app:post("/onhand/reserve", lines[1]), "basket_refused")
    assert.are.equal(0, reserved("CUP"))
  end)

  it("of events changes nothing when one is wrong", function()
    local function event(id, measure)
      return app:event({ wms = { [measure] = 9 } }, { id = id })
    end
    local reply = basket("/onhand",
      { event("a", "unrestricted"), event("b", "gone") })
    expect.status(reply, 400)
    expect_codes(reply, { a = "basket_refused", b = "unknown_measure" })
    assert.are.same(json.array(), app:rows())
    reply = basket("/onhand",
      { event("a", "unrestricted"), event("b", "blocked") })
    expect.status(reply, 200)
    assert.are.equal(9, app:total("wms.blocked"))
  end)

  it("of reversals stops at a record that is not there", function()
    put("CUP", 10)
    local record = expect.ok(app:post("/onhand/reserve",
      line("r", "CUP", 5))).reservationId
    local good = app:reversal(record, 2, { id = "a", productId = "CUP" })
    local lost = app:reversal("nothing", 1, { id = "b", productId = "CUP" })
    local reply = basket("/onhand/unreserve", { good, lost })
    expect.status(reply, 409)
    expect.buckets(reply, { failure = { "a" }, notFound = { "b" },
      success = {} })
    assert.are.equal(5, reserved("CUP"))
    good.id = "c"
    expect.buckets(basket("/onhand/unreserve", { good }), { success = { "c" } })
    assert.are.equal(3, reserved("CUP"))
  end)

  it("shares one word in the journal", function()
    put("CUP", 10)
    basket("/onhand/reserve", { line("a", "CUP", 1), line("b", "CUP", 2) })
    basket("/onhand/reserve", { line("c", "CUP", 1), line("d", "CUP", 2) })
    local events = app:events(1)
    assert.are.equal(4, #events)
    assert.is_truthy(events[1].basket)
    assert.are.equal(events[1].basket, events[2].basket)
    assert.are.equal(events[3].basket, events[4].basket)
    assert.are_not.equal(events[1].basket, events[3].basket)
  end)

  it("obeys the limits of a bulk", function()
    expect.invalid(basket("/onhand", {}), "empty_batch")
    local lines = {}
    for index = 1, 513 do
      lines[index] = app:event { wms = { unrestricted = 1 } }
    end
    expect.invalid(basket("/onhand", lines), "too_many_items")
    table.remove(lines)
    expect.buckets(basket("/onhand", lines), { success = 512 })
    assert.are.equal(512, app:total("wms.unrestricted"))
  end)

  it("is asked for in any letter case, and only with true", function()
    put("CUP", 1)
    local function send(query, id)
      return app:post("/onhand/reserve/bulk?" .. query,
        { line(id .. "1", "CUP", 1), line(id .. "2", "CUP", 9) })
    end
    expect.status(send("ATOMIC=TRUE", "a"), 409)
    expect.status(send("atomic=false", "b"), 200)
  end)
end)

-- onhand_bulk_spec.lua - POST /onhand/bulk: many change events at once.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local match = require "tests.support.match"

describe("POST /onhand/bulk", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function post(lines)
    return app:post("/onhand/bulk", json.array(lines))
  end

  local function events(count)
    local lines = {}
    for index = 1, count do
      lines[index] = app:event({ wms = { unrestricted = 1 } },
        { id = "b-" .. index })
    end
    return lines
  end

  it("takes 512 lines and refuses 513 as a whole", function()
    expect.buckets(post(events(511)), { success = 511, failure = 0 })
    expect.buckets(post(events(512)), { success = 512, failure = 0 })
    assert.are.equal(512, app:total("wms.unrestricted"))
    local reply = post(events(513))
    expect.invalid(reply, "too_many_items")
    assert.is_truthy(reply.json.message:find("512", 1, true))
    assert.are.equal(512, app:total("wms.unrestricted"))
  end)

  it("wants a list with something in it", function()
    expect.invalid(post {}, "empty_batch")
    expect.status(app:post("/onhand/bulk", app:event { wms = { blocked = 1 } }),
      400)
    expect.status(app:post("/onhand/bulk", "text"), 400)
  end)

  it("judges every line by itself, in order", function()
    local lines = events(5)
    lines[2].productId = nil
    lines[3].quantities = { wms = { lost = 1 } }
    lines[5].id = "b-1"
    lines[5].quantities = { wms = { unrestricted = 9 } }
    local body = expect.buckets(post(lines), {
      success = { "b-1", "b-4" }, failure = { "b-2", "b-3" },
      conflict = { "b-1" }, notFound = {}, partialSuccess = {}, unknown = {},
    })
    assert.is_true(match.contains(body.failure, {
      { statusCode = 400, code = "missing_field", field = "productId" },
      { statusCode = 400, code = "unknown_measure",
        field = "quantities.wms.lost" },
    }))
    assert.are.equal(2, app:total("wms.unrestricted"))
  end)

  it("counts a line that is there twice once", function()
    local line = app:event({ wms = { unrestricted = 5 } }, { id = "same" })
    expect.buckets(post { line, line, line },
      { success = { "same", "same", "same" } })
    assert.are.equal(5, app:total("wms.unrestricted"))
    assert.are.equal(1, #app:events())
  end)

  it("puts lines that are no events among the failures", function()
    local good = app:event { wms = { unrestricted = 1 } }
    local body = expect.buckets(post { json.null, 7, good, json.array {} },
      { success = 1, failure = 3 })
    for _, result in ipairs(body.failure) do
      assert.are.equal("", result.id)
      assert.are.equal(400, result.statusCode)
    end
  end)

  it("writes one journal entry for each line", function()
    post(events(20))
    local list = app:events()
    assert.are.equal(20, #list)
    for index, event in ipairs(list) do
      assert.are.equal(index, event.number)
      assert.are.equal("b-" .. index, event.id)
      assert.are.equal(index, event.totals["wms.unrestricted"])
    end
  end)
end)

-- levels_spec.lua - every total equals its leaves, whatever the levels are and
-- while they change.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local http = require "tests.support.http"
local json = require "tests.support.json"
local rows = require "tests.support.rows"
local tasks = require "tests.support.tasks"

local SITE = App.filters { locationId = json.null }
local ANYWHERE = App.filters { siteId = json.null, locationId = json.null }

local OTHER_LEVELS = {
  indexConfiguration = { indexAttributeSets = {
    { setNumber = 1, keys = { "styleid", "configid" } },
    { setNumber = 2, keys = { "configid" } },
    { setNumber = 3, keys = { "batchid", "colorid", "sizeid" } },
  } },
  ringfence = { levels = { { "SiteId" }, { "StyleId" }, json.array() } },
}

local GROUPINGS = {
  {}, { "ColorId" }, { "SizeId" }, { "ColorId", "SizeId" },
  { "ColorId", "SizeId", "StyleId" }, { "BatchId" }, { "StyleId", "ConfigId" },
  { "ConfigId" }, { "ColorId", "SizeId", "StyleId", "BatchId", "ConfigId" },
}

describe("levels", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  local function put(more, quantity)
    app:put(quantity, { dimensions = App.place(more) })
  end

  local function update(patch)
    return expect.ok(app:post("/configuration/hardupdate",
      App.document("standard.json", patch, app.id))).generation
  end

  local function check_totals(measure, expected, filters)
    for _, groups in ipairs(GROUPINGS) do
      assert.are.equal(expected, app:total(measure, filters or SITE, groups),
        measure .. " by " .. table.concat(groups, " "))
    end
  end

  it("follow posts, reservations and reversals", function()
    put({ ColorId = "navy", SizeId = "S", BatchId = "b1" }, 40)
    put({ ColorId = "navy", SizeId = "S", BatchId = "b2" }, 5)
    put({ ColorId = "sand", SizeId = "S" }, 7)
    put({ locationId = "B2", ColorId = "navy", SizeId = "L" }, 21)
    put(nil, 100)
    check_totals("wms.unrestricted", 173)
    put({ ColorId = "sand", SizeId = "S" }, -9)
    put({ ColorId = "navy", SizeId = "S", BatchId = "b1" }, -30)
    check_totals("wms.unrestricted", 134)
    local navy = App.place { ColorId = "navy", SizeId = "S" }
    local record = expect.ok(app:reserve(12,
      { dimensions = navy })).reservationId
    check_totals("iv.softreserved", 12)
    check_totals("iv.availabletoreserve", 122)
    expect.ok(app:unreserve(record, 12, { dimensions = navy }))
    check_totals("iv.availabletoreserve", 134)
  end)

  it("show a coarse reservation in the row that has no finer value", function()
    put({ BatchId = "b1" }, 10)
    expect.ok(app:reserve(4))
    local list = app:rows { groupByValues = { "BatchId" } }
    local bare = rows.one(list, { dimensions = { BatchId = "" } })
    local batch = rows.one(list, { dimensions = { BatchId = "b1" } })
    assert.are.equal(4, rows.measure(bare, "iv.softreserved"))
    assert.are.equal(10, rows.measure(batch, "wms.unrestricted"))
  end)

  it("change over existing data without changing a number", function()
    put({ StyleId = "slim", ConfigId = "c1" }, 30)
    put({ StyleId = "wide", ConfigId = "c1", BatchId = "b1" }, 12)
    put({ siteId = "20", locationId = "B2", StyleId = "wide" }, 3)
    check_totals("wms.unrestricted", 45, ANYWHERE)
    local before = update()
    assert.is_true(update(OTHER_LEVELS) > before)
    check_totals("wms.unrestricted", 45, ANYWHERE)
    put({ StyleId = "slim", ConfigId = "c2" }, 5)
    check_totals("wms.unrestricted", 50, ANYWHERE)
    local by_style = app:rows { filters = SITE, groupByValues = { "StyleId" } }
    assert.are.equal(35, rows.measure(rows.one(by_style,
      { dimensions = { StyleId = "slim" } }), "wms.unrestricted"))
    update()
    check_totals("wms.unrestricted", 50, ANYWHERE)
    update(OTHER_LEVELS)
    app:restart("kill")
    check_totals("wms.unrestricted", 50, ANYWHERE)
  end)

  it("of a product are answered when added to a product's partition",
    function()
      app:finish()
      app = App.start { config = "by-product.json" }
      put({ ColorId = "red" }, 6)
      put({ locationId = "B2", ColorId = "blue" }, 7)
      check_totals("wms.unrestricted", 13, ANYWHERE)
      expect.ok(app:post("/configuration/hardupdate",
        App.document("by-product.json", OTHER_LEVELS, app.id)))
      check_totals("wms.unrestricted", 13, ANYWHERE)
    end)

  -- Post until told to stop; count what was accepted.
  local function keep_posting(state, worker)
    local connection = http.connect(app.server.port)
    local turn = 0
    while not state.done do
      turn = turn + 1
      local event = app:event({ wms = { unrestricted = 1 } }, {
        id = ("load-%d-%d"):format(worker, turn),
        dimensions = App.place {
          ColorId = "c" .. turn % 7, StyleId = "s" .. turn % 5,
          ConfigId = "k" .. worker,
        },
      })
      local reply = connection:request(app:build("POST", "/onhand", event))
      assert(reply.status == 200, reply.body)
      state.accepted = state.accepted + 1
    end
    connection:close()
  end

  local function change_levels(state, times)
    local connection = http.connect(app.server.port)
    for turn = 1, times do
      local patch = turn % 2 == 1 and OTHER_LEVELS or nil
      local reply = connection:request(app:build("POST",
        "/configuration/hardupdate",
        App.document("standard.json", patch, app.id)))
      assert(reply.status == 200, reply.body)
    end
    connection:close()
    state.done = true
  end

  -- So much that no level is built in one go.
  local function put_leaves(bulks)
    for bulk = 1, bulks do
      local lines = {}
      for index = 1, 512 do
        lines[index] = app:event({ wms = { unrestricted = 1 } }, {
          dimensions = App.place {
            ColorId = "c" .. index % 7, StyleId = "s" .. index % 5,
            BatchId = ("b%d-%d"):format(bulk, index),
          },
        })
      end
      expect.buckets(app:post("/onhand/bulk", lines), { success = 512 })
    end
    return bulks * 512
  end

  it("change under load without losing or doubling anything", function()
    local leaves = put_leaves(6)
    local state = { accepted = 0, done = false }
    local bodies = { function() change_levels(state, 5) end }
    for worker = 1, 8 do
      bodies[worker + 1] = function() keep_posting(state, worker) end
    end
    tasks.run(bodies)
    assert.is_true(state.accepted > 0)
    check_totals("wms.unrestricted", leaves + state.accepted)
    app:verify()
  end)

  it("are whole after a kill in the middle of a change", function()
    local leaves = put_leaves(6)
    local request = app:build("POST", "/configuration/hardupdate",
      App.document("standard.json", OTHER_LEVELS, app.id))
    for turn = 1, 3 do
      local connection = http.connect(app.server.port)
      assert(connection:start(request))
      tasks.pause(0.01 * turn)
      app:restart("kill")
      connection:close()
      check_totals("wms.unrestricted", leaves, ANYWHERE)
    end
    update(OTHER_LEVELS)
    check_totals("wms.unrestricted", leaves, ANYWHERE)
    app:verify()
  end)
end)

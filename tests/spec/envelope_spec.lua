-- envelope_spec.lua - POST {host}/api/data/v9.1/msdyn_IOMInventoryAPICall.

local Allocations = require "tests.support.allocations"
local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local metrics = require "tests.support.metrics"
local rows = require "tests.support.rows"

local PATH = "host:/api/data/v9.1/msdyn_IOMInventoryAPICall"
local OTHER = "00000000-0000-4000-8000-00000000000b"

-- Send a body in an envelope, as text.
local function wrap(app, name, body, options)
  options = options or {}
  return app:post(PATH .. (options.query or ""),
    json.object { API = name, Payload = json.encode(body) }, options)
end

local function add(app, quantity, more)
  return app:event({ wms = { unrestricted = quantity } }, more)
end

local function query()
  return { filters = App.filters(), groupByValues = json.array {},
    returnNegative = true }
end

describe("the envelope of order management", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  it("posts and queries as the calls inside do", function()
    local reply = expect.ok(wrap(app, "OnHandDelta", add(app, 5, { id = "e" })))
    assert.are.same("ohce~e", reply.id)
    local inside = wrap(app, "OnHandQuery", query())
    local direct = app:query(query())
    assert.are.equal(5, rows.sum(rows.of(expect.ok(inside)), "iv.onhand"))
    assert.are.equal(direct.body, inside.body)
    assert.are.equal(direct.headers["content-type"],
      inside.headers["content-type"])
  end)

  it("counts the same id once, inside and outside", function()
    local event = add(app, 5)
    expect.ok(wrap(app, "OnHandDelta", event))
    expect.ok(app:post("/onhand", event))
    assert.are.equal(5, app:total("iv.onhand"))
  end)

  it("takes names in any letter case, and a body that is no text", function()
    local body = add(app, 2)
    expect.ok(app:post(PATH, json.object { api = "onhanddelta", PAYLOAD = body }))
    expect.buckets(app:post(PATH:lower(), json.object {
      Api = "OnHandDelta_Bulk", payload = json.array { add(app, 1, { id = "b" }) },
    }), { success = { "b" } })
    assert.are.equal(3, app:total("iv.onhand"))
  end)

  it("takes the parameters and headers of the call inside", function()
    app:put(5)
    local tried = expect.ok(wrap(app, "OnHandDelta", add(app, 2),
      { query = "?dryRun=true" }))
    assert.is_true(tried.dryRun)
    local basket = { add(app, 1, { id = "good" }),
      add(app, 1, { id = "bad", organizationId = json.null }) }
    local reply = wrap(app, "OnHandDelta_Bulk", json.array(basket),
      { query = "?atomic=true" })
    expect.status(reply, 400)
    expect.buckets(reply, { failure = 2 })
    assert.are.equal(5, app:total("iv.onhand"))
    local paged = expect.ok(wrap(app, "OnHandQuery", query(),
      { headers = { ["Api-Version"] = "2.0" } }))
    assert.are.equal(1, #paged.Value)
  end)

  it("allocates and consumes", function()
    local words = Allocations.new(app)
    local web, shop = words.groups("web"), words.groups("shop")
    app:put(10)
    local function move(name, groups, quantity, more)
      return wrap(app, name, words:body(groups, quantity, more))
    end
    expect.ok(move("OnHandAllocate", web, 6))
    expect.ok(move("OnHandReallocate", shop, 2, { sourceGroups = web }))
    expect.ok(move("OnHandUnallocate", web, 1))
    expect.ok(move("OnHandConsume", shop, 1))
    expect.refused(move("OnHandAllocate", web, 7), "insufficient_available")
    local records = expect.ok(wrap(app, "OnHandAllocationQuery",
      words:body(web, nil, { id = json.null })))
    assert.are.equal(1, #records)
    assert.are.equal(3, records[1].allocated)
  end)

  it("answers what is wrong inside as the call itself would", function()
    local bad = add(app, 1, { productId = json.null })
    local inside = wrap(app, "OnHandDelta", bad)
    assert.are.equal(app:post("/onhand", bad).body, inside.body)
    expect.invalid(inside, "missing_field", "productId")
    expect.invalid(app:post(PATH, { API = "OnHandDelta",
      Payload = '{"id":"e","ID":"f"}' }), "duplicate_key", "ID")
    expect.invalid(app:post(PATH, { API = "OnHandDelta", Payload = "7" }),
      "invalid_field")
    expect.invalid(app:post(PATH, { API = "OnHandDelta", Payload = 7 }),
      "invalid_field")
  end)

  it("refuses what is no envelope, and says where", function()
    expect.invalid(app:post(PATH, { Payload = "{}" }), "missing_field", "API")
    expect.invalid(app:post(PATH, { API = "OnHandDelta" }), "missing_field",
      "Payload")
    expect.invalid(app:post(PATH, { API = "OnHandDelta", Payload = json.null }),
      "missing_field", "Payload")
    expect.invalid(app:post(PATH, { API = 7, Payload = "{}" }),
      "invalid_field", "API")
    expect.invalid(wrap(app, "OnHandNothing", {}), "invalid_field", "API")
    expect.invalid(wrap(app, "/onhand", {}), "invalid_field", "API")
    for _, text in ipairs { "", "{", "{} {}", '{"a":1,}', "\1" } do
      expect.invalid(app:post(PATH, { API = "OnHandDelta", Payload = text }),
        "bad_json", "Payload")
    end
    expect.invalid(app:post(PATH, json.array {}), "invalid_field")
    expect.invalid(app:post(PATH, nil, { raw = "{" }), "bad_json")
    expect.status(app:get(PATH), 405)
    assert.are.equal(0, #app:events())
  end)

  it("bounds the body inside as every other", function()
    expect.invalid(app:post(PATH, { API = "OnHandDelta",
      Payload = ("["):rep(17) .. ("]"):rep(17) }), "bad_json", "Payload")
    expect.invalid(app:post(PATH, { API = "OnHandDelta_Bulk",
      Payload = "[" .. ("0,"):rep(20000) .. "0]" }), "bad_json", "Payload")
    local lines = {}
    for index = 1, 513 do lines[index] = add(app, 1) end
    expect.invalid(wrap(app, "OnHandDelta_Bulk", json.array(lines)),
      "too_many_items")
  end)

  it("counts under its own path", function()
    wrap(app, "OnHandDelta", add(app, 1))
    local text = app:get("host:/metrics").body
    assert.are.equal(1, metrics.sum(metrics.parse(text),
      "ringfence_requests_total",
      { route = PATH:sub(6):lower(), method = "POST", status = "200" }))
  end)
end)

describe("the environment of an envelope", function()
  local app

  before_each(function()
    app = App.start {
      others = { [OTHER] = {} },
      server = { auth = { keys = {
        keys.entry("all", "key-all", { "writer", "planner" }),
        keys.entry("one", "key-one", { "writer" }, { OTHER }),
        keys.entry("reader", "key-reader", { "reader" }),
        keys.entry("none", "key-none", { "admin" }, { "nowhere" }),
      } } },
    }
    app.auth = "Bearer key-all"
  end)

  after_each(function() App.finish(app) end)

  local function post(options)
    return wrap(app, "OnHandDelta", add(app, 1), options)
  end

  local function last(id, auth)
    return expect.ok(app:get("host:/api/environment/" .. id .. "/events",
      { auth = auth })).last
  end

  it("is that of the header, then of the parameter", function()
    expect.ok(post { headers = { ["x-ms-environment-id"] = OTHER },
      query = "?environmentId=" .. app.id })
    assert.are.same({ 0, 1 }, { last(app.id), last(OTHER) })
    expect.ok(post { query = "?environmentid=" .. app.id })
    assert.are.same({ 1, 1 }, { last(app.id), last(OTHER) })
  end)

  it("may be left out by who can mean but one", function()
    expect.invalid(post {}, "missing_field", "environmentId")
    expect.invalid(post { auth = "Bearer key-none" }, "missing_field",
      "environmentId")
    expect.ok(post { auth = "Bearer key-one" })
    assert.are.same({ 0, 1 }, { last(app.id), last(OTHER) })
  end)

  it("must be there and within reach", function()
    expect.not_found(post { query = "?environmentId=nowhere" },
      "unknown_environment")
    expect.not_found(post { query = "?environmentId=" .. app.id,
      auth = "Bearer key-one" }, "unknown_environment")
    assert.are.equal(401, post({ auth = "none" }).status)
  end)

  it("asks for the role of the call inside", function()
    local here = { query = "?environmentId=" .. app.id,
      auth = "Bearer key-reader" }
    expect.forbidden(post(here))
    expect.ok(wrap(app, "OnHandQuery", query(), here))
    expect.forbidden(wrap(app, "OnHandAllocate", {},
      { headers = { ["x-ms-environment-id"] = OTHER },
        auth = "Bearer key-one" }))
  end)
end)

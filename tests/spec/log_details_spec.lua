-- log_details_spec.lua - POST and GET /logTransactionDetails.

local App = require "tests.support.app"
local Clock = require "tests.conformance.clock"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"

local LONG_AGO, LATER = "1970/1/1", "2099-12-31"

describe("a log", function()
  local app, clock

  after_each(function() App.finish(app) end)

  local function body(more)
    local result = json.object {
      id = app:unique(), organizationId = App.ORGANIZATION,
      UtcFromDate = LONG_AGO, UtcToDate = LATER,
    }
    for key, value in pairs(more or {}) do
      result[key] = value ~= json.null and value or nil
    end
    return result
  end

  local function open(more)
    return app:post("/logTransactionDetails", body(more))
  end

  local function read(id, more)
    return app:get("/logTransactionDetails?jobId=" .. id .. (more or ""))
  end

  -- All rows of a selection, in pages of so many.
  local function rows(id, limit)
    local all, link = {}, "logTransactionDetails?jobId=" .. id ..
      "&limit=" .. (limit or 100)
    while link ~= "" do
      local page = expect.ok(app:get("/" .. link))
      for _, row in ipairs(page.Value) do all[#all + 1] = row end
      link = page.nextLink
    end
    return all
  end

  local function numbers(id, limit)
    local found = {}
    for index, row in ipairs(rows(id, limit)) do
      found[index] = row.sequenceNumber
    end
    return found
  end

  local function selected(more)
    return numbers(expect.ok(open(more)).jobId)
  end

  it("is a completed job", function()
    app = App.start()
    local reply = open { id = "l-1" }
    expect.body({ status = reply.status, body = reply.body,
      json = expect.ok(reply) }, {
      id = "logt~l-1", processingStatus = "success", statusCode = 200,
      message = "",
    })
    local id = reply.json.jobId
    assert.is_truthy(id:find(
      "^LogTransactionJob:%x+%-%x+%-%x+%-%x+%-%x+$"), id)
    local progress = expect.ok(app:get("/getJobProgress?jobId=" .. id))
    assert.are.equal("Completed", progress.status)
    assert.are.equal("LogTransactionJob", progress.jobType)
    assert.are.equal("Job Completed", progress.message)
    assert.are.same({}, rows(id))
  end)

  it("has what was carried out, each with all the journal says", function()
    app = App.start()
    app:put(5, { id = "e-1" })
    expect.refused(app:reserve(6), "insufficient_available")
    expect.ok(app:reserve(2, { id = "r-1" }))
    local id = expect.ok(open()).jobId
    local found = rows(id)
    assert.are.equal(2, #found)
    expect.body({ status = 200, body = json.encode(found), json = found[1] }, {
      logId = id:match(":(.*)$"), sequenceNumber = 1, methodName = "post",
      parameters = { ["$type"] = "string" },
      timestamp = { ["$type"] = "string" },
    })
    assert.are.equal("reserve", found[2].methodName)
    assert.are.equal(3, found[2].sequenceNumber)
    local events = app:events()
    assert.are.same(events[1], json.decode(found[1].parameters))
    assert.are.same(events[3], json.decode(found[2].parameters))
  end)

  it("has what its members ask for", function()
    app = App.start()
    app:put(1)
    app:put(2, { productId = "SHADE" })
    app:put(3, { organizationId = "nord" })
    app:put(4, { dimensions = App.place { ColorId = "red" } })
    app:put(5, { dimensions = { siteId = "20", locationId = "B" } })
    assert.are.same({ 1, 2, 4, 5 }, selected())
    assert.are.same({ 1, 4, 5 }, selected { productId = App.PRODUCT })
    assert.are.same({ 2 }, selected { productId = "SHADE" })
    assert.are.same({ 3 }, selected { organizationId = "nord" })
    assert.are.same({}, selected { organizationId = "nobody" })
    assert.are.same({}, selected { productId = "lamp" })
    assert.are.same({ 1, 2, 4 }, selected { dimensions = App.place() })
    assert.are.same({ 4 }, selected { dimensions = { colorid = "red" } })
    assert.are.same({ 1, 2, 4 }, selected {
      dimensions = { tillsite = "10" }, dimensionDataSource = "till" })
    assert.are.same({ 1, 2, 4, 5 }, selected { dimensions = json.object {} })
    assert.are.same({ 1, 2, 4, 5 }, selected { productId = json.null })
  end)

  it("has what was made at its time", function()
    if not Clock.available() then pending("libfaketime is not installed") end
    app = App.start { stopped = true }
    clock = Clock.new("2023-08-22T12:00:00Z", app.server.root)
    app.server.options.environment = clock:environment()
    app.server:start()
    for _ = 1, 3 do
      app:put(1)
      clock:move("+1d")
      app:disconnect()
    end
    local cases = {
      { "2023/8/22", "2023/8/22", { 1 } },
      { "2023/8/22", "2023/8/23", { 1, 2 } },
      { "2023-08-23", "2023-08-23", { 2 } },
      { "2023/08/23", "2023/12/1", { 2, 3 } },
      { "2023-08-23T13:00:00Z", "2023/8/24", { 3 } },
      { "2023-08-23T11:00:00Z", "2023-08-23T13:00:00Z", { 2 } },
      { "2023-08-23T11:00:00Z", "2023-08-23T11:30:00Z", {} },
      { "2023/8/23 12:00", "2023/8/24", false },
      { "2024/1/1", "2024/2/1", {} },
    }
    for _, case in ipairs(cases) do
      local times = { UtcFromDate = case[1], UtcToDate = case[2] }
      if case[3] then
        assert.are.same(case[3], selected(times), case[1] .. " " .. case[2])
      else
        expect.invalid(open(times), "invalid_field", "UtcFromDate")
      end
    end
  end)

  it("stays what it is", function()
    app = App.start()
    local empty = expect.ok(open { id = "none" }).jobId
    app:put(1)
    local id = expect.ok(open { id = "one" }).jobId
    app:put(2)
    assert.are.same({ 1 }, numbers(id))
    assert.are.same({}, numbers(empty))
    app:restart("kill")
    assert.are.same({ 1 }, numbers(id))
    assert.are.same({}, numbers(empty))
  end)

  it("is the same job when it is sent again", function()
    app = App.start()
    local id = expect.ok(open { id = "l-1", productId = "X" }).jobId
    app:put(1)
    app:restart("kill")
    assert.are.equal(id, expect.ok(open { id = "l-1", productId = "X",
      UtcFromDate = "1970-01-01", ORGANIZATIONID = json.null }).jobId)
    local reply = open { id = "l-1", productId = "Y" }
    expect.conflict(reply)
    assert.are.equal("logt~l-1", reply.json.id)
    assert.are_not.equal(id, expect.ok(open { productId = "X" }).jobId)
  end)

  it("comes in pages", function()
    app = App.start { server = { limits = { historyEntries = 3 } } }
    for index = 1, 10 do
      app:put(1, { productId = index % 2 == 0 and "EVEN" or "ODD" })
    end
    local id = expect.ok(open { productId = "EVEN" }).jobId
    assert.are.same({ 2, 4, 6, 8, 10 }, numbers(id, 2))
    assert.are.same({ 2, 4, 6, 8, 10 }, numbers(id, 1))
    local page = expect.ok(read(id, "&after=4&limit=1"))
    assert.are.equal(6, page.Value[1].sequenceNumber)
    assert.is_truthy(page.nextLink:find("^logTransactionDetails%?after=7"))
    assert.are.same({}, expect.ok(read(id, "&after=10")).Value)
    assert.are.same({}, expect.ok(read(id, "&after=99999")).Value)
    expect.invalid(read(id, "&limit=0"), "invalid_field", "limit")
    expect.invalid(read(id, "&limit=1001"), "invalid_field", "limit")
    expect.invalid(read(id, "&after=-1"), "invalid_field", "after")
  end)

  it("is refused when it is wrong", function()
    app = App.start()
    local cases = {
      { { id = json.null }, "missing_field", "id" },
      { { organizationId = json.null }, "missing_field", "organizationId" },
      { { UtcFromDate = json.null }, "missing_field", "UtcFromDate" },
      { { UtcToDate = json.null }, "missing_field", "UtcToDate" },
      { { UtcToDate = "tomorrow" }, "invalid_field", "UtcToDate" },
      { { UtcFromDate = 20230823 }, "invalid_field", "UtcFromDate" },
      { { UtcFromDate = "2023/2/29" }, "invalid_field", "UtcFromDate" },
      { { UtcFromDate = "2023/8/24", UtcToDate = "2023/8/23" },
        "invalid_field", "UtcToDate" },
      { { dimensions = { TillColor = "red" } }, "unknown_dimension",
        "dimensions.TillColor" },
      { { productId = ("x"):rep(101) }, "too_long", "productId" },
    }
    for _, case in ipairs(cases) do
      expect.invalid(open(case[1]), case[2], case[3])
    end
    expect.invalid(app:post("/logTransactionDetails", json.array {}),
      "invalid_field")
    expect.invalid(app:post("/logTransactionDetails?dryRun=true", body()),
      "invalid_field", "dryRun")
    expect.invalid(app:get("/logTransactionDetails"), "missing_field", "jobId")
    expect.not_found(read(
      "LogTransactionJob:00000000-0000-0000-0000-000000000000"), "unknown_job")
    local resync = expect.ok(app:post("/onhand/reserve/resyncjob",
      json.array {})).jobId
    expect.not_found(read(resync), "unknown_job")
  end)

  it("is for readers, and for nobody else's environment", function()
    local list = {
      keys.entry("reader", "key-reader", { "reader" }),
      keys.entry("other", "key-other", { "reader" }, { "elsewhere" }),
    }
    app = App.start { server = { auth = { keys = list } } }
    app.auth = "Bearer key-reader"
    local id = expect.ok(open()).jobId
    expect.ok(read(id))
    app.auth = "Bearer key-other"
    expect.not_found(open(), "unknown_environment")
    expect.not_found(read(id), "unknown_environment")
  end)
end)

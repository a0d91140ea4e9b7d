-- get_query_spec.lua - GET /onhand, a query in a URL.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local rows = require "tests.support.rows"

describe("GET /onhand", function()
  local app

  after_each(function() App.finish(app) end)

  local function start(options)
    app = App.start(options)
    app:put_at("10", "A1", 1, { dimensions = { ColorId = "red" } })
    app:put_at("10", "A1", 2)
    app:put_at("10", "B2", 4)
    app:put_at("20", "A1", 8)
    app:put_at("20", "A1", 16, { productId = "SHADE" })
    app:put_at("20", "A1", 32, { organizationId = "nord" })
  end

  local function get(query) return app:get("/onhand" .. query) end

  local function list(query) return rows.of(expect.ok(get(query))) end

  local function sum(query)
    return rows.sum(list(query), "wms.unrestricted")
  end

  it("answers what the body of an index query does", function()
    start()
    local cases = {
      ["?organizationId=acme&productId=LAMP"] = {
        filters = { organizationId = { "acme" }, productId = { "LAMP" } } },
      ["?organizationId=acme&siteId=10,20&locationId=A1&groupBy=ColorId"] = {
        filters = { organizationId = { "acme" }, siteId = { "10", "20" },
          locationId = { "A1" } },
        groupByValues = { "ColorId" } },
      ["?organizationId=acme&productId=LAMP&ColorId=red"] = {
        filters = { organizationId = { "acme" }, productId = { "LAMP" },
          ColorId = { "red" } } },
    }
    for query, body in pairs(cases) do
      local reply = app:post("/onhand/indexquery", body)
      assert.are.equal(reply.body, get(query).body, query)
      assert.is_true(#reply.json > 0)
    end
  end)

  it("takes lists with commas, repeated names, and both", function()
    start()
    for _, query in ipairs {
      "&siteId=10,20&locationId=A1", "&siteId=10&siteId=20&locationId=A1",
      "&SITEID=10&locationId=A1&siteid=20,30",
      "&siteId=,10,,20,&locationId=A1&siteId=",
    } do
      assert.are.equal(27, sum("?organizationId=acme" .. query), query)
    end
    assert.are.equal(16 + 15, sum(
      "?organizationId=acme&productId=LAMP&productId=SHADE"))
    assert.are.equal(3, #list("?organizationId=acme&productId=LAMP"
      .. "&siteId=10&groupBy=ColorId,SizeId"))
    assert.are.equal(3, #list("?organizationId=acme&productId=LAMP"
      .. "&siteId=10&groupByValues=ColorId&groupBy=SizeId"))
  end)

  it("takes names in any letter case, values exactly", function()
    start()
    assert.are.equal(1, sum(
      "?ORGANIZATIONID=acme&productid=LAMP&colorID=red&RETURNNEGATIVE=True"))
    assert.are.equal("[]",
      get("?organizationId=ACME&productId=LAMP").body)
  end)

  it("decodes escapes and blanks once", function()
    app = App.start()
    app:put_at("1 0", "A/1+&=", 5, { productId = "L\195\164mp 100%25" })
    assert.are.equal(5, sum("?organizationId=acme&siteId=1+0"
      .. "&locationId=A%2F1%2B%26%3D&productId=L%C3%A4mp%20100%2525"))
    expect.invalid(get("?organizationId=acme&siteId=%FF"), "invalid_field")
  end)

  it("treats a parameter without a value as left out", function()
    start()
    assert.are.equal(15, sum(
      "?organizationId=acme&productId=LAMP&siteId=&ColorId&groupBy="))
    expect.invalid(get("?organizationId=acme&productId=&siteId="),
      "missing_product", "productId")
    expect.invalid(get("?organizationId=&productId=LAMP"), "missing_field",
      "organizationId")
  end)

  it("leaves out negative values unless asked for them", function()
    app = App.start()
    app:put_at("10", "A1", nil, { quantities = { till = { sold = 3 } } })
    local query = "?organizationId=acme&productId=LAMP"
    for _, flag in ipairs { "", "&returnNegative=false" } do
      rows.check_quantities(list(query .. flag)[1],
        { ["till.sold"] = 3, ["till.net"] = json.null })
    end
    rows.check_quantities(list(query .. "&returnNegative=true")[1],
      { ["till.net"] = -3 })
  end)

  it("understands the names of a data source", function()
    start()
    assert.are.equal(1, sum("?organizationId=acme&productId=LAMP"
      .. "&dimensionDataSource=till&TillSite=10&TillColor=red"))
    assert.are.equal(15, sum("?organizationId=acme&productId=LAMP"
      .. "&dimensionDataSource=+"))
    expect.invalid(get("?organizationId=acme&productId=LAMP&TillSite=10"),
      "unknown_dimension", "TillSite")
    expect.invalid(get("?organizationId=acme&dimensionDataSource=nobody"),
      "unknown_data_source", "dimensionDataSource")
    expect.invalid(get("?organizationId=acme&productId=LAMP"
      .. "&dimensionDataSource=till&TillSite=10&siteId=20"),
      "duplicate_dimension", "siteId")
  end)

  it("names what is wrong with a query", function()
    start()
    local function wrong(query, word, field)
      expect.invalid(get(query), word, field)
    end
    wrong("", "missing_field", "organizationId")
    wrong("?organizationId=acme", "missing_product", "productId")
    wrong("?organizationId=acme&ColorId=red", "missing_product", "productId")
    wrong("?organizationId=acme,nord&productId=LAMP", "too_many_organizations",
      "organizationId")
    wrong("?organizationId=acme&organizationId=nord&productId=LAMP",
      "too_many_organizations", "organizationId")
    wrong("?organizationId=acme&productId=LAMP&shade=x", "unknown_dimension",
      "shade")
    wrong("?organizationId=acme&productId=LAMP&limit=5", "unknown_dimension",
      "limit")
    wrong("?organizationId=acme&productId=LAMP&groupBy=shade",
      "unknown_dimension", "groupBy")
    wrong("?organizationId=acme&productId=LAMP&returnNegative=yes",
      "invalid_field", "returnNegative")
    wrong("?organizationId=acme&siteId=" .. ("x"):rep(51), "too_long",
      "siteId")
    wrong("?organizationId=acme&productId=" .. ("x"):rep(101), "too_long",
      "productId")
    assert.are.equal("[]", get("?organizationId=acme&siteId="
      .. ("x"):rep(50)).body)
  end)

  it("takes as many products as are configured", function()
    start { server = { limits = { queryProducts = 3 } } }
    assert.are.equal(15,
      sum("?organizationId=acme&productId=a,b&productId=LAMP"))
    local reply = get("?organizationId=acme&productId=a,b,LAMP&productId=c")
    expect.invalid(reply, "too_many_items", "productId")
    assert.is_truthy(reply.json.message:find("3", 1, true))
  end)

  it("by product sums over all places, and needs a product", function()
    start { config = "by-product.json" }
    local found = list("?organizationId=acme&productId=LAMP")
    assert.are.equal(1, #found)
    assert.are.same({}, found[1].dimensions)
    assert.are.equal(15, rows.sum(found, "wms.unrestricted"))
    expect.invalid(get("?organizationId=acme&siteId=10&locationId=A1"),
      "missing_product", "productId")
  end)

  it("is answered as 1.0 whatever version is named", function()
    start()
    local query = "/onhand?organizationId=acme&productId=LAMP"
    local reply = app:get(query, { headers = { ["Api-Version"] = "2.0" } })
    assert.are.equal(app:get(query).body, reply.body)
    assert.is_true(json.is_array(expect.ok(reply)))
  end)

  it("answers HEAD with the head alone", function()
    start()
    local query = "/onhand?organizationId=acme&productId=LAMP"
    local length = #app:get(query).body
    for _ = 1, 2 do
      local reply = app:call("HEAD", query)
      assert.are.equal(200, reply.status)
      assert.are.equal("", reply.body)
      assert.are.equal(tostring(length), reply.headers["content-length"])
    end
  end)
end)

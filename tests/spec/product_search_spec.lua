-- product_search_spec.lua - what expressions find, seen through
-- POST /onhand/productsearch/indexquery.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local products = require "tests.support.products"
local rows = require "tests.support.rows"

local PATH = "/onhand/productsearch/indexquery"
local V2 = { headers = { ["Api-Version"] = "2.0" } }

local attribute = products.attribute

local function pounds(values)
  return attribute("Weight Limit", values,
    { attributeTypeName = "PoundDomain" })
end

-- What the usual shop knows of its products.
local SHOP = {
  CABLE = { productName = "Speaker cable", productType = "Item",
    inventoryUnitSymbol = "m", attributes = {
      attribute("Colour", { "Deep Red", "black" },
        { attributeArea = "DimensionAttribute" }) } },
  CHAIR = { productName = "Deluxe chair", productType = "Item",
    attributes = { pounds { "370" }, attribute("Since", "2024-02-29") } },
  STOOL = { productName = "Stool", productType = "item",
    attributes = { pounds { "90.5", "330" } } },
  HOURS = { productName = "Deluxe service", productType = "Service",
    productDescription = "By the hour" },
  BARE = {},
}

describe("a product search", function()
  local app

  after_each(function() App.finish(app) end)

  -- A shop in which there is stock of every product, and of one that nothing
  -- is known of.
  local function open(options)
    app = App.start(options)
    products.put(app, SHOP)
    local lines = json.array { app:event({ wms = { unrestricted = 1 } },
      { productId = "OTHER" }) }
    for item in pairs(SHOP) do
      lines[#lines + 1] = app:event({ wms = { unrestricted = 1 } },
        { productId = item })
    end
    expect.buckets(app:post("/onhand/bulk", lines), { success = #lines })
  end

  local function body(search, more)
    return json.merge(json.object {
      filters = App.filters { productId = json.null }, productSearch = search,
      returnNegative = true,
    }, json.object(more))
  end

  local function post(search, more, options)
    return app:post(PATH, body(search, more), options)
  end

  -- The products that are found, in order.
  local function find(search, more, options)
    local found = {}
    for index, row in ipairs(rows.of(expect.ok(post(search, more, options)))) do
      found[index] = row.productId
    end
    table.sort(found)
    return found
  end

  local function condition(relation, field, values)
    if type(values) ~= "table" then values = { values } end
    return json.object { conditionOperator = relation,
      [field] = json.array(values) }
  end

  local function by_field(...)
    return json.object { productFilter = { conditions = { condition(...) } } }
  end

  local function about(relation, name, values, more)
    return json.merge(attribute(name, values, more),
      json.object { conditionOperator = relation })
  end

  local function by_attribute(...)
    return json.object { attributeFilter = { conditions = { about(...) } } }
  end

  it("knows every operator on fields", function()
    open()
    local all = { "BARE", "CABLE", "CHAIR", "HOURS", "STOOL" }
    for _, case in ipairs {
      { "IsExactly", "productName", "SPEAKER CABLE", { "CABLE" } },
      { "IsExactly", "productName", { "stool", "x" }, { "STOOL" } },
      { "IsExactly", "itemNumber", "cable", { "CABLE" } },
      { "IsExactly", "company", "ACME", all },
      { "IsExactly", "company", "nord", {} },
      { "IsExactly", "productDescription", "by the hour", { "HOURS" } },
      { "IsExactly", "inventoryUnitSymbol", "M", { "CABLE" } },
      { "IsNot", "productType", "Item", { "BARE", "HOURS" } },
      { "IsNot", "productType", { "Item", "service" }, { "BARE" } },
      { "Contains", "productName", "deluxe", { "CHAIR", "HOURS" } },
      { "DoesNotContain", "productName", "e", { "BARE", "STOOL" } },
      { "BeginsWith", "productName", "S", { "CABLE", "STOOL" } },
      { "IsOneOf", "productName", { "Stool", "Deluxe chair", "x" },
        { "CHAIR", "STOOL" } },
      { "GreaterEqual", "productName", "deluxe service",
        { "CABLE", "HOURS", "STOOL" } },
      { "LessEqual", "productName", "deluxe service", { "CHAIR", "HOURS" } },
      { "Between", "productName", { "deluxe d", "speaker z" },
        { "CABLE", "HOURS" } },
    } do
      assert.are.same(case[4], find(by_field(case[1], case[2], case[3])),
        table.concat({ case[1], case[2] }, " "))
    end
  end)

  it("knows every operator on attributes", function()
    open()
    for _, case in ipairs {
      { "IsExactly", "weight limit", "330", { "STOOL" } },
      { "IsNot", "Weight Limit", "330",
        { "BARE", "CABLE", "CHAIR", "HOURS" } },
      { "Contains", "Colour", "red", { "CABLE" } },
      { "DoesNotContain", "Colour", "red",
        { "BARE", "CHAIR", "HOURS", "STOOL" } },
      { "BeginsWith", "Colour", "BL", { "CABLE" } },
      { "IsOneOf", "Weight Limit", { "1", "370" }, { "CHAIR" } },
      { "GreaterEqual", "Weight Limit", 100, { "CHAIR", "STOOL" } },
      { "GreaterEqual", "Weight Limit", "1e2", { "CHAIR", "STOOL" } },
      { "GreaterEqual", "Weight Limit", "331", { "CHAIR" } },
      { "LessEqual", "Weight Limit", "91.0", { "STOOL" } },
      { "Between", "Weight Limit", { 331, 400 }, { "CHAIR" } },
      { "Between", "Since", { "2024-02-01", "2024-03-01" }, { "CHAIR" } },
      { "LessEqual", "Since", "2024-02-28", {} },
    } do
      assert.are.same(case[4], find(by_attribute(case[1], case[2], case[3])),
        table.concat({ case[1], case[2] }, " "))
    end
    local function weigh(more)
      return find(by_attribute("GreaterEqual", "Weight Limit", "1", more))
    end
    assert.are.same({ "CHAIR", "STOOL" },
      weigh { attributeTypeName = "pounddomain" })
    assert.are.same({}, weigh { attributeTypeName = "Kilo" })
    assert.are.same({ "CHAIR", "STOOL" },
      weigh { attributeArea = " ProductAttribute" })
    assert.are.same({}, weigh { attributeArea = "BatchAttribute" })
  end)

  it("puts conditions and filters together", function()
    open()
    local item = condition("IsExactly", "productType", "Item")
    local deluxe = condition("Contains", "productName", "deluxe")
    local stool = condition("IsExactly", "itemNumber", "STOOL")
    local function filter(word, conditions, filters)
      return json.object { logicalOperator = word, conditions = conditions,
        subFilters = filters }
    end
    local function fields(...) return { productFilter = filter(...) } end
    assert.are.same({ "CHAIR" }, find(fields("And", { item, deluxe })))
    assert.are.same({ "CHAIR" }, find(fields(nil, { item, deluxe })))
    assert.are.same({ "CABLE", "CHAIR", "HOURS", "STOOL" },
      find(fields("Or", { item, deluxe })))
    assert.are.same({ "CHAIR", "STOOL" },
      find(fields("or", { stool }, { filter("AND", { item, deluxe }) })))
    assert.are.same({ "STOOL" },
      find(fields("And", { item }, { filter("Or", { stool }, {
        filter("And", { deluxe, stool }) }) })))
    -- Filters without conditions of their own, as deep as may be.
    local deep = filter("And", { deluxe })
    for _ = 1, 4 do deep = filter("Or", json.array {}, { deep }) end
    assert.are.same({ "CHAIR", "HOURS" }, find { productFilter = deep })
    -- Both filters must hold.
    local both = by_attribute("LessEqual", "Weight Limit", 400)
    both.productFilter = filter("Or", { deluxe })
    assert.are.same({ "CHAIR" }, find(both))
  end)

  it("reads its members in any letter case, in the body or the filters",
    function()
      open()
      local lower = json.object { productfilter = { logicaloperator = "and",
        conditions = { { conditionoperator = "contains",
          productname = { "DELUXE" } } }, subfilters = { { CONDITIONS = { {
            CONDITIONOPERATOR = "ISEXACTLY", PRODUCTTYPE = { "Item" } } } } } } }
      local upper = json.object { ATTRIBUTEFILTER = { CONDITIONS = { {
        ATTRIBUTENAME = "COLOUR", ATTRIBUTEAREA = "dimensionattribute",
        ATTRIBUTEVALUES = { "RED" }, CONDITIONOPERATOR = "contains" } } } }
      assert.are.same({ "CHAIR" }, find(lower))
      assert.are.same({ "CABLE" }, find(upper))
      assert.are.same({ "CHAIR" }, find(nil, { PRODUCTSEARCH = lower }))
      assert.are.same({ "CABLE" },
        find(nil, { filters = { ProductSearch = upper } }))
      expect.ok(app:post("/OnHand/ProductSearch/IndexQuery/", body(lower)))
    end)

  it("is a query like any other", function()
    open()
    app:put(4, { productId = "CHAIR",
      dimensions = App.place { ColorId = "red" } })
    app:put(8, { productId = "CHAIR",
      dimensions = { siteId = "20", locationId = "B" } })
    local deluxe = by_field("Contains", "productName", "deluxe")
    local list = rows.of(expect.ok(post(deluxe,
      { groupByValues = { "ColorId" } })))
    assert.are.equal(3, #list)
    rows.check_quantities(rows.one(list, { productId = "CHAIR",
      dimensions = { ColorId = "red" } }), { ["wms.unrestricted"] = 4 })
    list = rows.of(expect.ok(post(deluxe, { filters = {
      siteId = json.null, locationId = json.null } })))
    assert.are.equal(3, #list)
    assert.are.equal(14, rows.sum(list, "wms.unrestricted"))
  end)

  it("that finds nothing has no rows", function()
    open()
    local nothing = by_field("IsExactly", "productName", "x")
    assert.are.equal("[]", post(nothing).body)
    assert.are.same({ Value = json.array(), nextLink = "" },
      expect.ok(post(nothing, nil, V2)))
    expect.ok(app:post("/products",
      products.line(app, "NOSTOCK", { productName = "x" })))
    assert.are.equal("[]", post(nothing).body)
  end)

  it("does without a place where the partition asks for one", function()
    open { config = "by-product.json" }
    assert.are.same({ "CHAIR" }, find(by_field("IsExactly", "itemNumber",
      "CHAIR"), { filters = { siteId = json.null, locationId = json.null } }))
  end)

  it("finds what is known now, also after a kill", function()
    open()
    local deluxe = by_field("Contains", "productName", "deluxe")
    expect.ok(app:post("/products",
      products.line(app, "CHAIR", { delete = true })))
    products.put(app, { STOOL = { productName = "deluxe stool" } })
    assert.are.same({ "HOURS", "STOOL" }, find(deluxe))
    app:restart("kill")
    assert.are.same({ "HOURS", "STOOL" }, find(deluxe))
  end)

  it("keeps organizations apart", function()
    open()
    products.put(app, {
      CHAIR = { company = "nord", productName = "Plain" },
      CABLE = { company = "nord", productName = "Deluxe cable" },
    })
    for _, item in ipairs { "CHAIR", "CABLE" } do
      app:put(1, { organizationId = "nord", productId = item })
    end
    local deluxe = by_field("Contains", "productName", "deluxe")
    local filters = App.filters { productId = json.null,
      organizationId = { "nord", "acme", "none", "nord" } }
    for _, size in ipairs { "", "?pageSize=7" } do
      local reply = app:post(PATH .. size, body(deluxe, { filters = filters }),
        V2)
      local found = {}
      for _, row in ipairs(rows.of(expect.ok(reply))) do
        found[#found + 1] = row.organizationId .. " " .. row.productId
      end
      table.sort(found)
      assert.are.same({ "acme CHAIR", "acme HOURS", "nord CABLE" }, found)
    end
    expect.invalid(post(deluxe, { filters = filters }),
      "too_many_organizations")
  end)

  it("has pages of warehouses that are searched as well", function()
    open()
    app:put(2, { productId = "CHAIR",
      dimensions = { siteId = "20", locationId = "B" } })
    app:put(2, { productId = "CABLE",
      dimensions = { siteId = "20", locationId = "C" } })
    local chair = by_field("IsExactly", "itemNumber", "CHAIR")
    local anywhere = { filters = {
      siteId = json.null, locationId = json.null } }
    local reply = app:post(PATH .. "?pageSize=1", body(chair, anywhere), V2)
    expect.body(reply, { nextLink =
      "onhand/productsearch/indexquery?pageNumber=2&pageSize=1" })
    assert.are.equal(1, #reply.json.Value)
    reply = app:post(PATH .. "?pageSize=1&pageNumber=2",
      body(chair, anywhere), V2)
    expect.body(reply, { nextLink = "" })
    assert.are.equal("B", reply.json.Value[1].dimensions.locationid)
  end)

  it("is refused with the place of what is wrong", function()
    open()
    local name = condition("Contains", "productName", "x")
    local function fields(conditions, more)
      return { productFilter = json.merge(
        json.object { conditions = conditions }, json.object(more)) }
    end
    local function attributes(conditions)
      return { attributeFilter = { conditions = conditions } }
    end
    local P = "productSearch.productFilter"
    local A = "productSearch.attributeFilter.conditions[0]"
    for _, case in ipairs {
      { nil, "missing_field", "productSearch" },
      { json.array {}, "invalid_field", "productSearch" },
      { json.object {}, "missing_field", "productSearch" },
      { { itemFilter = {} }, "invalid_field", "productSearch.itemFilter" },
      { { productFilter = json.array {} }, "invalid_field", P },
      { { productFilter = json.object {} }, "missing_field",
        P .. ".conditions" },
      { fields(json.array {}, { subFilters = json.array {} }), "missing_field",
        P .. ".conditions" },
      { fields({ name }, { logicalOperator = "Xor" }), "invalid_field",
        P .. ".logicalOperator" },
      { fields({ name }, { logic = "Or" }), "invalid_field", P .. ".logic" },
      { fields { name, 7 }, "invalid_field", P .. ".conditions[1]" },
      { fields({ name }, { subFilters = { { conditions = { name,
        condition("Like", "productName", "x") } } } }), "invalid_field",
        P .. ".subFilters[0].conditions[1].conditionOperator" },
      { fields({ name }, { subFilters = { json.object {} } }), "missing_field",
        P .. ".subFilters[0].conditions" },
      { fields { json.object { productName = { "x" } } }, "missing_field",
        P .. ".conditions[0].conditionOperator" },
      { fields { json.object { conditionOperator = "IsNot" } },
        "missing_field", P .. ".conditions[0]" },
      { fields { condition("IsNot", "productNam", "x") }, "invalid_field",
        P .. ".conditions[0].productNam" },
      { fields { json.object { conditionOperator = "IsNot",
        productType = { "x" }, productName = { "x" } } },
        "conflicting_fields", nil },
      { fields { condition("IsNot", "productName", json.array {}) },
        "invalid_field", P .. ".conditions[0].productName" },
      { fields { condition("IsNot", "productName", { true }) },
        "invalid_field", P .. ".conditions[0].productName" },
      { fields { json.object { conditionOperator = "IsNot",
        productName = "x" } }, "invalid_field",
        P .. ".conditions[0].productName" },
      { fields { condition("Between", "productName", { "a" }) },
        "invalid_field", P .. ".conditions[0].productName" },
      { fields { condition("Between", "productName", { "a", "b", "c" }) },
        "invalid_field", P .. ".conditions[0].productName" },
      { fields { condition("IsNot", "productType", ("x"):rep(51)) },
        "too_long", P .. ".conditions[0].productType" },
      { attributes { about("IsNot", "", "x") }, "missing_field",
        A .. ".attributeName" },
      { attributes { json.object { conditionOperator = "IsNot",
        attributeValues = { "x" } } }, "missing_field", A .. ".attributeName" },
      { attributes { json.object { conditionOperator = "IsNot",
        attributeName = "x" } }, "missing_field", A .. ".attributeValues" },
      { attributes { about("IsNot", "a", json.array {}) }, "invalid_field",
        A .. ".attributeValues" },
      { attributes { about("Between", "a", "x") }, "invalid_field",
        A .. ".attributeValues" },
      { attributes { about("IsNot", "a", "x", { attributeArea = "Area" }) },
        "invalid_field", A .. ".attributeArea" },
      { attributes { about("IsNot", "a", "x", { attributeAera = "x" }) },
        "invalid_field", A .. ".attributeAera" },
      { attributes { condition("IsNot", "productName", "x") },
        "invalid_field", A .. ".productName" },
    } do
      expect.invalid(post(case[1]), case[2], case[3])
    end
    local good = fields { name }
    expect.invalid(post(good, { filters = { productSearch = good } }),
      "conflicting_fields", "filters.productSearch")
    expect.invalid(post(good, { filters = { productId = { "CHAIR" } } }),
      "invalid_field", "filters.productId")
    expect.invalid(post(good, { filters = { organizationId = json.null } }),
      "missing_field", "filters.organizationId")
    expect.invalid(app:query { filters = App.filters {
      productSearch = good } }, "unknown_dimension", "filters.productSearch")
  end)

  it("has limits, and says them", function()
    open()
    local name = condition("Contains", "productName", "deluxe")
    local function refuse(filter, limit)
      local reply = expect.invalid(post { productFilter = filter },
        "too_many_items")
      assert.is_truthy(reply.message:find(tostring(limit), 1, true))
    end
    local deep = { conditions = { name } }
    for _ = 1, 5 do deep = { subFilters = { deep } } end
    refuse(deep, 5)
    local many = json.array {}
    for index = 1, 256 do many[index] = name end
    assert.are.same({ "CHAIR", "HOURS" },
      find { productFilter = { conditions = many } })
    many[257] = name
    refuse({ conditions = many }, 256)
    local values = {}
    for index = 1, 999 do values[index] = "v" .. index end
    local long = condition("IsOneOf", "productName", values)
    assert.are.same({}, find { productFilter = { conditions = { long, name } } })
    refuse({ conditions = { long, name, name } }, 1000)
  end)

  it("may not find more products than a query may name", function()
    app = App.start()
    local function put(first, last)
      local records = {}
      for index = first, last do
        records[("P%05d"):format(index)] = { productType = "Item" }
      end
      products.put(app, records)
    end
    for first = 1, 4608, 512 do put(first, first + 511) end
    put(4609, 5000)
    app:put(7, { productId = "P04999" })
    local items = by_field("IsExactly", "productType", "item")
    assert.are.same({ "P04999" }, find(items))
    for first = 5001, 6000, 500 do put(first, first + 499) end
    local reply = expect.invalid(post(items), "too_many_items",
      "productSearch")
    assert.is_truthy(reply.message:find("5000", 1, true))
    assert.are.same({ "P04999" },
      find(by_field("BeginsWith", "itemNumber", "p04")))
  end)

  it("obeys a lower limit of the server", function()
    open { server = { limits = { queryProducts = 2 } } }
    assert.are.same({ "CHAIR", "HOURS" },
      find(by_field("Contains", "productName", "deluxe")))
    expect.invalid(post(by_field("Contains", "productName", "e")),
      "too_many_items", "productSearch")
  end)
end)

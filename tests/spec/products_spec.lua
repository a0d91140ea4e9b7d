-- products_spec.lua - POST /products, /products/bulk, GET /products.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"
local keys = require "tests.support.keys"
local products = require "tests.support.products"

local attribute = products.attribute

describe("product records", function()
  local app

  before_each(function()
    app = App.start { server = { auth = { keys = {
      keys.entry("reader", "key-reader", { "reader" }),
      keys.entry("writer", "key-writer", { "writer" }),
      keys.entry("admin", "key-admin", { "admin" }),
    } } } }
    app.auth = "Bearer key-admin"
  end)
  after_each(function() App.finish(app) end)

  local function line(item, more) return products.line(app, item, more) end

  local function bulk(lines, parameters)
    return app:post("/products/bulk" .. (parameters or ""), json.array(lines))
  end

  local function all(query) return products.all(app, query) end

  -- The items there are, in the order of the list.
  local function items(query)
    local found = {}
    for index, record in ipairs(all(query)) do
      found[index] = record.itemNumber
    end
    return found
  end

  -- One line is refused with this code, at this member.
  local function refuse(more, code, field)
    local reply = bulk { line("LAMP", more) }
    local failure = expect.buckets(reply, { success = 0, failure = 1 })
      .failure[1]
    assert.are.equal(code, failure.code)
    assert.are.equal(field, failure.field)
    assert.are.equal(400, failure.statusCode)
    expect.invalid(app:post("/products", line("LAMP", more)), code, field)
    assert.are.same({}, items())
  end

  it("come back as they were sent", function()
    local sent = line("LAMP", {
      id = "p-1", productSearchName = "LAMP", productType = "Item",
      productName = "Deluxe lamp", productDescription = "Für \"alle\"",
      inventoryUnitSymbol = "ea", salesUnitSymbol = "box",
      purchaseUnitSymbol = "pal", attributes = {
        attribute("Weight", { "370", 12.50 }, {
          attributeTypeName = "PoundDomain", attributeArea = "batchattribute",
        }),
        attribute("Nothing", json.array {}),
      },
    })
    local body = expect.ok(app:post("/products", sent))
    assert.are.same({ id = "prod~p-1", processingStatus = "success",
      message = "", statusCode = 200 }, body)
    local expected = json.copy(sent)
    expected.id = nil
    expected.attributes[1].attributeArea = "BatchAttribute"
    expected.attributes[1].attributeValues = json.array { "370", "12.5" }
    expected.attributes[2].attributeTypeName = ""
    expected.attributes[2].attributeArea = "ProductAttribute"
    expect.body({ status = 200, body = "", json = all() }, { expected })
  end)

  it("are written by writers and read by readers", function()
    local reader = { auth = "Bearer key-reader" }
    local writer = { auth = "Bearer key-writer" }
    expect.forbidden(app:post("/products", line("A"), reader))
    expect.forbidden(app:post("/products/bulk", json.array { line("A") },
      reader))
    expect.ok(app:post("/products", line("A"), writer))
    expect.buckets(app:post("/products/bulk", json.array { line("B") },
      writer), { success = 1 })
    assert.are.equal(2, #expect.ok(app:get("/products", reader)).Value)
    assert.are.equal(401, app:get("/products", { auth = "none" }).status)
    assert.are.equal("writer", app:events()[1].actor)
  end)

  it("are replaced as a whole, and deleted", function()
    products.put(app, { LAMP = { productName = "one", productType = "Item",
      attributes = { attribute("a", "1") } } })
    products.put(app, { LAMP = { productName = "two" } })
    local record = all()[1]
    assert.are.equal("two", record.productName)
    assert.are.equal("", record.productType)
    assert.are.same(json.array(), record.attributes)
    local body = expect.ok(app:post("/products",
      line("LAMP", { delete = true, productName = "three" })))
    assert.is_truthy(body.message:find("deleted", 1, true))
    assert.are.same({}, items())
    expect.ok(app:post("/products", line("LAMP", { delete = true })))
  end)

  it("take the names of stock, in any letter case", function()
    local function post(members)
      expect.ok(app:post("/products",
        json.merge(json.object { id = app:unique() }, json.object(members))))
    end
    post { organizationId = "acme", productId = "A" }
    post { ORGANIZATIONID = "acme", ITEMNUMBER = "B", PRODUCTNAME = "b" }
    post { company = "acme", organizationid = "acme", itemnumber = "C",
      productid = "C", ProductAttributes = { attribute("x", "1") } }
    assert.are.same({ "A", "B", "C" }, items())
    assert.are.equal("b", all()[2].productName)
    assert.are.equal("x", all()[3].attributes[1].attributeName)
    expect.invalid(app:post("/products", line("D", { productId = "E" })),
      "conflicting_fields", "productId")
    expect.invalid(app:post("/products", line("D", { organizationId = "x" })),
      "conflicting_fields", "organizationId")
  end)

  it("are refused with what is wrong", function()
    refuse({ company = "" }, "missing_field", "company")
    refuse({ itemNumber = json.null }, "missing_field", "itemNumber")
    refuse({ productName = 7 }, "invalid_field", "productName")
    refuse({ delete = "yes" }, "invalid_field", "delete")
    refuse({ attributes = json.object {} }, "invalid_field", "attributes")
    refuse({ attributes = { attribute("a", 1) }, productAttributes = {
      attribute("a", 1) } }, "conflicting_fields", "productAttributes")
    refuse({ productAttributes = { 7 } }, "invalid_field",
      "productAttributes[0]")
    refuse({ attributes = { attribute("a", "1"), attribute("", "1") } },
      "missing_field", "attributes[1].attributeName")
    refuse({ attributes = { json.object { attributeName = "a" } } },
      "missing_field", "attributes[0].attributeValues")
    refuse({ attributes = { attribute("a", true) } }, "invalid_field",
      "attributes[0].attributeValues")
    refuse({ attributes = { attribute("a", "1", { attributeArea = "Area" }) } },
      "invalid_field", "attributes[0].attributeArea")
  end)

  it("are refused when they are too long, in words that name the limit",
    function()
      local limits = {
        company = 50, itemNumber = 100, productSearchName = 100,
        productType = 50, productName = 200, productDescription = 1000,
        inventoryUnitSymbol = 50, salesUnitSymbol = 50,
        purchaseUnitSymbol = 50,
      }
      for name, limit in pairs(limits) do
        refuse({ [name] = ("ü"):rep(limit + 1) }, "too_long", name)
        local body = expect.invalid(app:post("/products",
          line("LAMP", { [name] = ("x"):rep(limit + 1) })), "too_long", name)
        assert.is_truthy(body.message:find(tostring(limit), 1, true))
      end
      local one = json.array {}
      for index = 1, 65 do one[index] = "1" end
      local many = json.array {}
      for index = 1, 65 do many[index] = attribute("a", "1") end
      refuse({ attributes = many }, "too_many_items", "attributes")
      refuse({ attributes = { attribute("a", one) } }, "too_many_items",
        "attributes[0].attributeValues")
      refuse({ attributes = { attribute(("x"):rep(101), "1") } }, "too_long",
        "attributes[0].attributeName")
      refuse({ attributes = { attribute("a", ("x"):rep(1001)) } }, "too_long",
        "attributes[0].attributeValues")
      local long = json.array {}
      for index = 1, 33 do long[index] = attribute("a", ("x"):rep(1000)) end
      refuse({ attributes = long }, "too_long", "attributes")

      local fitting = line(("x"):rep(100))
      for name, limit in pairs(limits) do
        fitting[name] = ("x"):rep(limit)
      end
      many[65], one[65] = nil, nil
      many[1] = attribute("a", one)
      fitting.attributes = many
      expect.ok(app:post("/products", fitting))
      assert.are.equal(64, #all()[1].attributes)
      assert.are.equal(64, #all()[1].attributes[1].attributeValues)
    end)

  it("sort the lines of a bulk into buckets", function()
    local first = line("A", { id = "a", productName = "one" })
    expect.buckets(bulk { first }, { success = { "a" } })
    local body = expect.buckets(bulk {
      first, line("B", { id = "b" }), line("", { id = "c" }),
      line("A", { id = "a", productName = "two" }), line("D", { id = "" }),
    }, { success = { "a", "b" }, conflict = { "a" }, failure = 2,
      notFound = {}, partialSuccess = {}, unknown = {} })
    assert.are.equal("prod~b", body.success[2].id)
    assert.are.equal(409, body.conflict[1].statusCode)
    assert.are.same({ "A", "B" }, items())
    assert.are.equal("one", all()[1].productName)
    expect.invalid(bulk {}, "empty_batch")
    local lines = {}
    for index = 1, 513 do lines[index] = line("N" .. index) end
    expect.invalid(bulk(lines), "too_many_items")
    lines[513] = nil
    expect.buckets(bulk(lines), { success = 512 })
  end)

  it("are all kept or none in a basket", function()
    local reply = bulk({ line("A", { id = "a" }), line("B", { id = "b",
      productName = 7 }), line("C", { id = "c" }) }, "?atomic=true")
    expect.status(reply, 400)
    expect.body(reply, { atomic = true })
    expect.buckets(reply, { success = {}, failure = { "a", "b", "c" } })
    assert.are.same({}, items())
    reply = bulk({ line("A"), line("B") }, "?atomic=true")
    expect.status(reply, 200)
    expect.buckets(reply, { success = 2 })
    assert.are.same({ "A", "B" }, items())
  end)

  it("are only looked at in a dry run", function()
    local reply = bulk({ line("A", { id = "a" }), line("", { id = "b" }) },
      "?dryRun=true")
    expect.body(reply, { dryRun = true, success = { { id = "prod~a",
      dryRun = true, processingStatus = "success",
      quantities = { ["$absent"] = true } } } })
    expect.buckets(reply, { success = { "a" }, failure = { "b" } })
    expect.body(app:post("/products?dryRun=true", line("A")),
      { dryRun = true, quantities = { ["$absent"] = true } })
    assert.are.same({}, items())
    assert.are.same({}, app:events())
  end)

  it("are answered again under the same id, also after a kill", function()
    local first = line("A", { productName = "one" })
    expect.ok(app:post("/products", first))
    products.put(app, { A = { productName = "two" } })
    app:restart("kill")
    expect.ok(app:post("/products", first))
    assert.are.equal("two", all()[1].productName)
    -- Other names and numbers for the same content.
    local again = json.object { ID = first.id, organizationId = "acme",
      productId = "A", PRODUCTNAME = "one", ignored = 7 }
    expect.ok(app:post("/products", again))
    first.productName = "other"
    expect.conflict(app:post("/products", first))
    first.delete = true
    expect.conflict(app:post("/products", first))
    assert.are.equal(2, #app:events())
  end)

  it("stand in the journal", function()
    expect.ok(app:post("/products", line("LAMP", { id = "p" })))
    expect.ok(app:post("/products", line("LAMP", { id = "q", delete = true })))
    expect.body({ status = 200, body = "", json = app:events() }, {
      { number = 1, operation = "product", id = "p", organizationId = "acme",
        productId = "LAMP", dimensions = json.object {},
        deltas = json.object {}, totals = json.object {}, result = "success",
        code = "", message = "" },
      { number = 2, operation = "product", id = "q",
        message = { ["$type"] = "string", ["$not"] = "" } },
    })
    local body = expect.ok(app:get("/history?productId=LAMP"))
    assert.are.equal(2, #body.events)
  end)

  it("are listed page by page, every one once", function()
    local records, expected = {}, {}
    for index = 1, 11 do
      local item = ("P%02d"):format(index)
      records[item], expected[index] = {}, item
    end
    products.put(app, records)
    products.put(app, { P01 = { company = "nord" } })
    assert.are.same(expected, items("?limit=4&organizationId=acme"))
    assert.are.equal(12, #items("?limit=5"))
    assert.are.same({ "P01", "P01" }, items("?productId=P01"))
    assert.are.same({ "P01" }, items("?PRODUCTID=P01&organizationId=nord"))
    assert.are.same({}, items("?organizationId=none"))
    local body = expect.ok(app:get("/products?limit=4&organizationId=acme"))
    assert.is_truthy(body.nextLink:find("&organizationId=acme", 1, true))
    for query, field in pairs {
      ["limit=0"] = "limit", ["limit=1001"] = "limit", ["after=xyz"] = "after",
      ["after=abc"] = "after", ["siteId=1"] = "siteId",
    } do
      expect.invalid(app:get("/products?" .. query), "invalid_field", field)
    end
    assert.are.same({}, items("?after=0000"))
    assert.are.same({}, items("?after=ffff"))
  end)

  it("end a page of long ones early", function()
    local records = {}
    local long = {}
    for index = 1, 31 do long[index] = ("x"):rep(1000) end
    for index = 1, 150 do
      records[#records + 1] = line(("P%03d"):format(index), {
        attributes = { attribute("long", long) } })
      if #records == 30 then
        expect.buckets(bulk(records), { success = 30 })
        records = {}
      end
    end
    local body = expect.ok(app:get("/products?limit=1000"))
    assert.is_true(#body.Value < 150)
    assert.is_not.equal("", body.nextLink)
    assert.are.equal(150, #items("?limit=1000"))
  end)

  it("stay when stock is erased, and are verified", function()
    app:put(5)
    products.put(app, { LAMP = { productName = "one" } })
    local partitions = expect.ok(app:get("/allpartitionids"))
    expect.ok(app:call("DELETE", "/partitions/cleanupalldata", partitions))
    assert.are.same({}, app:rows())
    assert.are.same({ "LAMP" }, items())
    local status, output, errors = app.server:tool("verify")
    assert.are.equal(0, status, output .. errors)
    assert.is_truthy(output:find("1 product records", 1, true))
  end)
end)

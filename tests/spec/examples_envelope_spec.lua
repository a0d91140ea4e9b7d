-- examples_envelope_spec.lua - the wire example of the hosted contract about
-- the envelope of order management.

local App = require "tests.support.app"
local examples = require "tests.support.examples"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

describe("example", function()
  local app

  before_each(function() app = examples.start() end)
  after_each(function() App.finish(app) end)

  it("A12 an index query as text in an envelope", function()
    expect.ok(app:post("/onhand", app:event({ pos = { inbound = 3 } }, {
      organizationId = "usmf", productId = "Bike",
      dimensions = { SiteId = "1", LocationId = "11" } })))
    local query = [[{"filters":{"OrganizationId":["usmf"],
      "ProductId":["Bike"],"SiteId":["1"],"LocationId":["11"]},
      "groupByValues":[],"returnNegative":true}]]
    local wrapped = app:post("host:/api/data/v9.1/msdyn_IOMInventoryAPICall",
      json.object { API = "OnHandQuery", Payload = query },
      { headers = { ["x-ms-environment-id"] = app.id } })
    local plain = app:post("/onhand/indexquery", nil, { raw = query })
    assert.are.same(expect.ok(plain), expect.ok(wrapped))
    assert.are.equal(3, wrapped.json[1].quantities.pos.inbound)
  end)
end)

-- products.lua - records of products in short form, for specs.

local App = require "tests.support.app"
local expect = require "tests.support.expect"
local json = require "tests.support.json"

local products = {}

-- An attribute; values: one or a list.
function products.attribute(name, values, more)
  if type(values) ~= "table" then values = { values } end
  return json.merge(json.object {
    attributeName = name, attributeValues = json.array(values),
  }, json.object(more))
end

-- A line for the usual organization; `more` replaces or adds.
function products.line(app, item, more)
  return json.merge(json.object {
    id = app:unique(), company = App.ORGANIZATION, itemNumber = item,
  }, json.object(more))
end

-- Keep records that must all be taken: item -> more of its line.
function products.put(app, records)
  local lines = {}
  for item, more in pairs(records) do
    lines[#lines + 1] = products.line(app, item, more)
  end
  expect.buckets(app:post("/products/bulk", json.array(lines)),
    { success = #lines })
end

-- All records that fit, page by page.
function products.all(app, query)
  local found, link = {}, query or ""
  while link do
    local body = expect.ok(app:get("/products" .. link))
    for _, record in ipairs(body.Value) do found[#found + 1] = record end
    link = body.nextLink:match("^products(%?.+)$")
  end
  return found
end

return products

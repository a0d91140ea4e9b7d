-- samples.lua - the requests that are documented for each endpoint.
--
-- One row for each call: title, method, path, body. Further members:
-- version      the Api-Version header, "1.0" unless given
-- needs        what must have happened before: a list of other rows' titles
-- shows        what the reply must contain; success alone when absent
-- names        the body is a list of names
-- exact_numbers  its numbers may not be written as text
-- form         the body is a form
-- guarded      the server asks for tokens
-- auth         the Authorization header
-- saves        the reply as a whole is a value with this name
-- starts_job   its reply names a job, which has to be done before others go on
-- ${name} in a text is a value that a sample before has left: a member of its
-- reply, or the reply. ${environment} is the environment's id.

local json = require "tests.support.json"
local keys = require "tests.support.keys"

local samples = {}

-- Tomorrow, which every schedule's window holds.
local DAY = os.date("!%Y-%m-%d", os.time() + 24 * 3600)

local PLACE = { SiteId = "1", LocationId = "11", ColorId = "red",
  SizeId = "small" }

local VIP = { channel = "Online", customerGroup = "VIP", region = "US" }

-- A body with the members that nearly all have; `more` adds or replaces.
local function body(id, more)
  return json.merge(json.object { id = id, organizationId = "usmf",
    productId = "Bike", dimensions = PLACE }, json.object(more))
end

local function event(id, more)
  return body(id, json.merge(json.object {
    quantities = { pos = { inbound = 20 } } }, json.object(more)))
end

local function reservation(id, quantity)
  return body(id, { quantityDataSource = "iv", modifier = "softreserved",
    quantity = quantity, ifCheckAvailForReserv = true })
end

local function reversal(id, quantity)
  return body(id, { reservationId = "${reservationId}", OffsetQty = quantity })
end

local function filters(more)
  return json.merge(json.object { organizationId = { "usmf" },
    productId = { "Bike" }, siteId = { "1" }, locationId = { "11" } },
    json.object(more))
end

local function query(more)
  return json.merge(json.object { filters = filters(),
    groupByValues = { "ColorId", "SizeId" }, returnNegative = true },
    json.object(more))
end

local function schedule(id)
  return body(id, { quantitiesByDate = { [DAY] = {
    pos = { inbound = 10, outbound = 3 } } } })
end

local function allocation(id, quantity, more)
  return body(id, json.merge(json.object { groups = VIP,
    quantity = quantity }, json.object(more)))
end

local function adjustment(id)
  return body(id, { quantityDataSource = "pos", physicalMeasure = "inbound",
    quantity = 5, externalReferenceCategory = "Count",
    externalReferenceId = "C-1", fnoJournalNameId = "IAdj", costPrice = 2.5,
    transDate = DAY })
end

local function search()
  return filters { productId = json.null, productSearch = {
    productFilter = { logicalOperator = "And", subFilters = json.array(),
      conditions = { { productType = { "Item" },
        conditionOperator = "IsExactly" } } },
    attributeFilter = { logicalOperator = "Or", subFilters = { {
      logicalOperator = "And", conditions = { {
        attributeName = "Weight limit", attributeArea = "ProductAttribute",
        attributeValues = { "300", "400" }, conditionOperator = "Between",
      } } } } },
  } }
end

local DONE = { processingStatus = "success", statusCode = 200 }

-- Six buckets, the first of which holds one result.
local ONE_DONE = { success = { DONE }, failure = json.array(),
  conflict = json.array(), notFound = json.array(),
  partialSuccess = json.array(), unknown = json.array() }

local BIKE = { productId = "Bike", quantities = { pos = { inbound = 20 } } }

local LEGS = { "siteId", "locationId", "colorId" }

local TUPLES = { { "1", "11", "red" }, { "2", "21", "red" } }

-- A server that asks for tokens, and whom it knows.
local KEY = "key-of-the-till"
local SECRET = "secret-of-the-shop"
local function guarded()
  local till = keys.entry("till", KEY, { "admin" })
  local shop = keys.entry("shop", SECRET, { "admin" })
  return { auth = { keys = { till }, clients = { { clientId = "shop",
    secretSha256 = shop.sha256, roles = shop.roles,
    environments = shop.environments } } } }
end

local function login(more)
  return json.merge(json.object { client_id = "shop", client_secret = SECRET,
    grant_type = "client_credentials" }, json.object(more))
end

local NEWER = login {
  scope = "0cdb527f-a8d1-4bf8-9436-b352c68682b2/.default" }
local OLDER = login { resource = "0cdb527f-a8d1-4bf8-9436-b352c68682b2" }

local ENTERED = { token_type = "Bearer", access_token = { ["$any"] = true } }

local function exchange(assertion)
  return json.object {
    grant_type = "client_credentials", client_assertion_type = "aad_app",
    client_assertion = assertion,
    scope = "https://inventoryservice.operations365.dynamics.com/.default",
    context = "${environment}", context_type = "finops-env",
  }
end

local EXCHANGED = { token_type = "bearer", expires_in = 3600,
  access_token = { ["$any"] = true } }

-- In the order in which they are documented.
samples.list = {
  { title = "change event", method = "POST", path = "/onhand",
    body = event("evt-0001"), shows = DONE },
  { title = "change event, names of its source", method = "POST",
    path = "/onhand", shows = DONE,
    body = event("evt-0002", { dimensionDataSource = "pos",
      dimensions = { ColorId = json.null, poscolor = "red",
        posMachineId = "0001" } }) },
  { title = "change events", method = "POST", path = "/onhand/bulk",
    body = { event "evt-0003" }, shows = ONE_DONE },
  { title = "counts", method = "POST", path = "/setonhand/pos/bulk",
    body = { event("cnt-0001", { quantities = { pos = { inbound = 100 } },
      modifiedDateTimeUTC = "2026-02-01T08:00:00Z" }) }, shows = ONE_DONE },
  { title = "reserve", method = "POST", path = "/onhand/reserve",
    needs = { "change event" }, body = reservation("rsv-0001", 3),
    shows = { processingStatus = "success", reservationId = { ["$any"] = true }
    } },
  { title = "reserve by quantities", method = "POST",
    path = "/onhand/reserve", needs = { "change event" }, shows = DONE,
    body = body("rsv-0002", { quantities = { iv = { softreserved = 2 } } }) },
  { title = "reserve in bulk", method = "POST", path = "/onhand/reserve/bulk",
    needs = { "change event" }, body = { reservation("rsv-0003", 2) },
    shows = ONE_DONE },
  { title = "unreserve", method = "POST", path = "/onhand/unreserve",
    needs = { "change event", "reserve" }, body = reversal("unr-0001", 2),
    shows = { totalInvalidOffsetQtyByReservId = 0 } },
  { title = "unreserve in bulk", method = "POST",
    path = "/onhand/unreserve/bulk", needs = { "change event", "reserve" },
    body = { reversal("unr-0002", 2) }, shows = ONE_DONE },
  { title = "resync job", method = "POST", path = "/onhand/reserve/resyncjob",
    needs = { "change event", "reserve" }, body = { "iv" }, names = true,
    starts_job = true,
    shows = { jobId = { ["$prefix"] = "ResyncJob:" } } },
  { title = "job progress", method = "GET",
    path = "/getJobProgress?jobId=${jobId}", needs = { "resync job" },
    shows = { status = "Completed" } },
  { title = "schedule", method = "POST", path = "/onhand/changeschedule",
    body = schedule "sch-0001", shows = DONE },
  { title = "schedules", method = "POST",
    path = "/onhand/changeschedule/bulk", body = { schedule "sch-0002" },
    shows = ONE_DONE },
  { title = "schedule by the translated path", method = "POST",
    path = "/on-hand/changeschedule", body = schedule "sch-0003",
    shows = DONE },
  { title = "index query 1.0", method = "POST", path = "/onhand/indexquery",
    needs = { "change event" }, body = query(), shows = { BIKE } },
  { title = "index query, names of a source", method = "POST",
    path = "/onhand/indexquery", needs = { "change event" },
    body = query { dimensionDataSource = "pos",
      filters = { poscolor = { "red" } }, groupByValues = { "poscolor" } },
    shows = { BIKE } },
  { title = "index query, the source among the filters", method = "POST",
    path = "/onhand/indexquery", needs = { "change event" },
    body = query { filters = { DimensionDataSource = { "pos" },
      poscolor = { "red" } } }, shows = { BIKE } },
  { title = "index query 2.0", method = "POST",
    path = "/onhand/indexquery?pageNumber=1&pageSize=1", version = "2.0",
    needs = { "change event" }, body = query(),
    shows = { Value = { BIKE }, nextLink = "" } },
  { title = "index query of promises", method = "POST",
    path = "/onhand/indexquery", needs = { "change event", "schedule" },
    body = query { QueryATP = true, ATPFromDate = DAY, ATPToDate = DAY },
    shows = { { productId = "Bike", atpQuantities = { [DAY .. "T00:00:00Z"] =
      { pos = { availquantity = 27 } } } } } },
  { title = "query by URL", method = "GET", path = "/onhand?"
      .. "organizationId=usmf&productId=Bike&siteId=1&locationId=11"
      .. "&groupBy=ColorId,SizeId&returnNegative=true",
    needs = { "change event" }, shows = { BIKE } },
  { title = "query by URL, names of a source", method = "GET",
    path = "/onhand?dimensionDataSource=pos&organizationId=usmf"
      .. "&productId=Bike&siteId=1&locationId=11&poscolor=red"
      .. "&groupBy=poscolor",
    needs = { "change event" }, shows = { BIKE } },
  { title = "query by URL of promises", method = "GET", path = "/onhand?"
      .. "organizationId=usmf&productId=Bike&siteId=1&locationId=11"
      .. "&groupBy=ColorId,SizeId&QueryATP=true&ATPFromDate=" .. DAY
      .. "&ATPToDate=" .. DAY,
    needs = { "change event", "schedule" },
    shows = { { atpQuantities = { [DAY .. "T00:00:00Z"] = {
      pos = { availquantity = 27 } } } } } },
  { title = "exact query 1.0", method = "POST", path = "/onhand/exactquery",
    needs = { "change event" }, shows = { BIKE },
    body = { filters = { organizationId = { "usmf" }, productId = { "Bike" },
      dimensions = LEGS, values = TUPLES }, groupByValues = { "sizeId" },
      returnNegative = true } },
  { title = "exact query 2.0", method = "POST", path = "/onhand/exactquery",
    needs = { "change event" }, version = "2.0",
    body = { filters = { productId = { "Bike" },
      keys = { "organizationId", "siteId", "locationId" },
      values = { { "usmf", "1", "11" }, { "demf", "5", "51" } } },
      groupByValues = json.array(), returnNegative = true } },
  { title = "product", method = "POST", path = "/products", shows = DONE,
    body = { id = "prd-0001", company = "usmf", itemNumber = "Bike",
      productType = "Item", productName = "Bicycle, deluxe",
      attributes = { { attributeName = "Weight limit",
        attributeArea = "ProductAttribute", attributeValues = { "330" } } } } },
  { title = "index query by search", method = "POST",
    path = "/onhand/productsearch/indexquery",
    needs = { "change event", "product" }, shows = { BIKE },
    body = { filters = search(), groupByValues = { "ColorId" },
      returnNegative = true } },
  { title = "exact query by search", method = "POST",
    path = "/onhand/productsearch/exactquery",
    needs = { "change event", "product" }, shows = { BIKE },
    body = { filters = { organizationId = { "usmf" }, dimensions = LEGS,
      values = TUPLES, productSearch = search().productSearch },
      returnNegative = true } },
  { title = "allocate", method = "POST", path = "/allocation/allocate",
    needs = { "change event" }, body = allocation("alc-0001", 10),
    shows = DONE },
  { title = "allocate, by the first documents", method = "POST",
    path = "/allocation/allocate", needs = { "change event" }, shows = DONE,
    body = allocation("alc-0002", 1, { groups = json.null,
      targetGroups = VIP }) },
  { title = "unallocate", method = "POST", path = "/allocation/unallocate",
    needs = { "change event", "allocate" }, body = allocation("una-0001", 1),
    shows = DONE },
  { title = "reallocate", method = "POST", path = "/allocation/reallocate",
    needs = { "change event", "allocate" }, shows = DONE,
    body = allocation("rea-0001", 2, { sourceGroups = VIP,
      groups = { region = "EU" } }) },
  { title = "consume", method = "POST", path = "/allocation/consume",
    needs = { "change event", "allocate" }, shows = DONE,
    body = allocation("con-0001", 3,
      { physicalMeasures = { pos = { inbound = "Subtraction" } } }) },
  { title = "allocation query", method = "POST", path = "/allocation/query",
    needs = { "change event", "allocate" },
    body = { organizationId = "usmf", productId = "Bike", dimensions = PLACE,
      groups = VIP }, shows = { { groups = VIP, allocated = 10 } } },
  { title = "availability", method = "POST", path = "/availability",
    needs = { "change event" },
    body = { organizationId = "usmf", productId = "Bike", dimensions = PLACE,
      measure = "iv.availabletoreserve", quantity = 3 },
    shows = { available = 20, sufficient = true } },
  { title = "plan of an allocation", method = "POST",
    path = "/allocation/plan", needs = { "change event", "allocate" },
    body = { id = "pln-0001", organizationId = "usmf", productId = "Bike",
      dimensions = PLACE, unallocateRest = true,
      targets = { { groups = VIP, quantity = 4 } } }, shows = DONE },
  { title = "adjustments", method = "POST",
    path = "/transaction/adjustment/bulk?createWithIVSync=true",
    body = { adjustment "adj-0001" }, shows = ONE_DONE },
  { title = "adjustments that wait", method = "POST",
    path = "/transaction/adjustment/bulk?createWithIVSync=false",
    body = { adjustment "adj-0002" }, shows = ONE_DONE },
  { title = "log of a product", method = "POST",
    path = "/logTransactionDetails", needs = { "change event" },
    body = body("log-0001", { UtcFromDate = "2026/2/1",
      UtcToDate = "2099/12/31" }), starts_job = true,
    shows = { jobId = { ["$any"] = true } } },
  { title = "configuration", method = "GET", path = "/configuration",
    saves = "document" },
  { title = "new configuration", method = "POST",
    path = "/configuration/hardupdate", body = "${document}",
    needs = { "change event", "configuration" }, exact_numbers = true,
    shows = DONE },
  { title = "partitions", method = "GET", path = "/allpartitionids",
    needs = { "change event" }, shows = { { ["$any"] = true } },
    saves = "partitions" },
  { title = "cleaning up", method = "DELETE",
    path = "/partitions/cleanupalldata",
    needs = { "change event", "partitions" },
    body = "${partitions}", shows = { statusCode = 200 } },
  { title = "cleaning up by the older path", method = "DELETE",
    path = "/cleanupalldata", needs = { "change event", "partitions" },
    body = "${partitions}", shows = { statusCode = 200 } },
  { title = "new partition schema", method = "POST",
    path = "/updatePartitionSchema?newversion=2" },
  { title = "new home of a configuration", method = "POST",
    path = "/updateEnvIdInConfig?oldEnvironmentId="
      .. "00000000-0000-4000-8000-000000000001" },
  { title = "first step", method = "POST", form = true, guarded = true,
    path = "host:/{contoso}/oauth2/v2.0/token", body = NEWER,
    shows = ENTERED },
  { title = "first step, the older way", method = "POST", form = true,
    guarded = true, path = "host:/{contoso}/oauth2/token", body = OLDER,
    shows = ENTERED },
  { title = "first step, by the documents", method = "GET", guarded = true,
    path = "host:/{contoso}/oauth2/v2.0/token?client_id=shop&client_secret="
      .. SECRET .. "&grant_type=client_credentials&scope=" .. NEWER.scope,
    shows = ENTERED },
  { title = "second step", method = "POST", guarded = true,
    path = "host:/token", needs = { "first step" },
    body = exchange "${access_token}", shows = EXCHANGED },
  { title = "second step, behind the gateway", method = "POST",
    guarded = true, path = "host:/securityservice/token",
    body = exchange(KEY), shows = EXCHANGED },
  { title = "a call with a token", method = "GET", guarded = true,
    path = "/configuration", needs = { "second step, behind the gateway" },
    auth = "bearer ${access_token}" },
  { title = "liveness", method = "GET", path = "host:/health/ping" },
}

local by_title = {}
for _, sample in ipairs(samples.list) do by_title[sample.title] = sample end

-- The sample with this title.
function samples.find(title)
  return by_title[title] or error("no sample " .. title)
end

-- The calls that order management makes through its envelope.
local WRAPPED = {
  { "OnHandQuery", "index query 1.0" },
  { "OnHandDelta", "change event" },
  { "OnHandDelta_Bulk", "change events" },
  { "OnHandChangeSchedule", "schedule" },
  { "OnHandChangeSchedule_Bulk", "schedules" },
  { "OnHandAllocate", "allocate" },
  { "OnHandReallocate", "reallocate" },
  { "OnHandUnallocate", "unallocate" },
  { "OnHandConsume", "consume" },
  { "OnHandAllocationQuery", "allocation query" },
}

for _, pair in ipairs(WRAPPED) do
  local inner = samples.find(pair[2])
  samples.list[#samples.list + 1] = {
    title = "envelope of " .. inner.title, method = "POST",
    path = "host:/api/data/v9.1/msdyn_IOMInventoryAPICall",
    needs = inner.needs, shows = inner.shows,
    body = { API = pair[1], Payload = json.encode(inner.body) },
  }
end

-- The settings of the server that a sample is sent to.
function samples.server(sample)
  return sample.guarded and guarded() or nil
end

-- Replace ${name} by a value; a text that is nothing else becomes the value
-- with its type.
local function fill_text(text, values)
  local whole = text:match "^%${([%w_]+)}$"
  if whole then
    assert(values[whole] ~= nil, "nothing has left a value " .. whole)
    return json.copy(values[whole])
  end
  return (text:gsub("%${([%w_]+)}", values))
end

local function fill(value, values)
  if type(value) == "string" then
    return fill_text(value, values)
  elseif type(value) ~= "table" or value == json.null then
    return value
  end
  local result = setmetatable({}, getmetatable(value))
  for key, element in pairs(value) do result[key] = fill(element, values) end
  return result
end

-- A copy of a sample with these values in its path, its body and its key.
function samples.fill(sample, values)
  local copy = {}
  for key, value in pairs(sample) do copy[key] = value end
  for _, key in ipairs { "path", "body", "auth" } do
    copy[key] = fill(copy[key], values)
  end
  return copy
end

-- Keep what later samples may need of a reply.
function samples.keep(sample, reply, values)
  if sample.saves then values[sample.saves] = reply.json end
  for name, value in pairs(json.is_object(reply.json) and reply.json or {}) do
    if type(value) == "string" then values[name] = value end
  end
end

return samples

-- reserve.lua - Redis' side of the comparison: check, take, remember.
--
-- KEYS[1] is the hash of one SKU, ARGV[1] the quantity. The three numbers are
-- read, the rest is checked, and an accepted reservation leaves a record of its
-- own, as the other two servers do.
local sku, quantity = KEYS[1], tonumber(ARGV[1])
local stock = redis.call("HMGET", sku, "onhand", "reserved", "allocated")
if not stock[1] then
  return { 404, 0 }
end
local available = stock[1] - stock[2] - stock[3]
if available < quantity then
  return { 409, available }
end
local number = redis.call("INCR", "reservations")
redis.call("HINCRBY", sku, "reserved", quantity)
redis.call("HSET", "reservation:" .. number, "sku", sku, "quantity", quantity)
return { 200, available - quantity }

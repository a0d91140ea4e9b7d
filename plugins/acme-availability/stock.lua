-- stock.lua - where ACME's stock is counted; plugin.lua uses it.

local stock = {}

-- Tills count what came in and what went out.
function stock.in_stores(m)
  return m.pos.inbound - m.pos.outbound
end

-- The ERP counts the old warehouse, the web shop its own.
function stock.in_warehouses(m)
  return m.fno.availphysical + m.ecommerce.received - m.ecommerce.issued
end

return stock

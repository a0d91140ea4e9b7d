-- pending.lua - scenarios that wait for work still to come.
--
-- The key is a scenario's id, or a file's name for all of its scenarios; the
-- value says what they need. A scenario that needs several things names the
-- ones that are missing. What such a scenario also does and is there already
-- is covered by a spec of its own in tests/spec. With RINGFENCE_RUN_PENDING=1
-- they run all the same, and one that passes is reported as a failure: its line
-- here must go.

return {
  ["18-stock-allocation-rules.json"] = "stock allocation rules",
  ["19-order-life-cycle.json"] = "POST /orders/events, Lua modifiers",
}

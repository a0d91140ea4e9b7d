-- stream.lua - reads server-sent events for a step.

local EventStream = require "tests.support.event_stream"
local json = require "tests.support.json"
local tasks = require "tests.support.tasks"

local stream = {}

-- Send the request and read until there are `count` events; raise when they
-- do not come in time.
function stream.read(port, request, count, seconds)
  local self = EventStream.open(port, request)
  local deadline = tasks.now() + seconds
  while #self.events < count do
    local ok, reason = self:fill(deadline)
    if not ok and #self.events < count then
      self:close()
      error(("stream: %d of %d events, %s"):format(#self.events, count,
        reason), 0)
    end
  end
  self:close()
  return json.array(table.move(self.events, 1, count, 1, {}))
end

return stream

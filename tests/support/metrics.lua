-- metrics.lua - reads the Prometheus text format 0.0.4, strictly.

local metrics = {}

local TYPES = { counter = true, gauge = true, histogram = true }

-- `name="value",...` as a table; raises on anything else.
local function parse_labels(text, line)
  local labels, position = {}, 1
  while position <= #text do
    local name, value, after =
      text:match('^([%a_][%w_]*)="(.-)"()', position)
    while value and value:match("\\*$"):len() % 2 == 1 do
      local more, next_after = text:match('^(.-)"()', after)
      value, after = more and value .. '"' .. more, next_after
    end
    assert(name and value and not labels[name], line)
    labels[name] = value
    position = after
    if position <= #text then
      assert(text:sub(position, position) == ",", line)
      position = position + 1
    end
  end
  return labels
end

local function parse_sample(line, page)
  local name, rest = line:match("^([%a_:][%w_:]*)(.*)$")
  assert(name, line)
  local labels, value = rest:match("^{(.*)} (%S+)$")
  if not labels then labels, value = "", rest:match("^ (%S+)$") end
  local number = value == "+Inf" and math.huge or tonumber(value)
  assert(number, line)
  page.samples[#page.samples + 1] = {
    name = name, labels = parse_labels(labels, line), value = number,
  }
end

local function parse_comment(line, page)
  local name, kind = line:match("^# TYPE (%S+) (%S+)$")
  if name then
    assert(TYPES[kind] and not page.types[name], line)
    page.types[name] = kind
    return
  end
  assert(line:match("^# HELP [%a_:][%w_:]* .+$"), line)
end

-- The page as { types = name -> type, samples = { name, labels, value } ... }.
-- Raises with the first line that is not in the format.
function metrics.parse(text)
  local page = { types = {}, samples = {} }
  assert(text:sub(-1) == "\n", "no line feed at the end")
  for line in text:gmatch("(.-)\n") do
    if line:sub(1, 1) == "#" then
      parse_comment(line, page)
    else
      parse_sample(line, page)
    end
  end
  return page
end

-- The sum of all samples of a name whose labels have these values.
function metrics.sum(page, name, labels)
  local total = 0
  for _, sample in ipairs(page.samples) do
    local fits = sample.name == name
    for label, value in pairs(labels or {}) do
      fits = fits and sample.labels[label] == value
    end
    if fits then total = total + sample.value end
  end
  return total
end

-- Whether there is any sample of that name.
function metrics.has(page, name)
  for _, sample in ipairs(page.samples) do
    if sample.name == name then return true end
  end
  return false
end

return metrics

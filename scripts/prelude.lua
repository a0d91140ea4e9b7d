-- prelude.lua - what plugins find in the global `ringfence`.
--
-- The server compiles this file in its sandbox, with the library that plugins
-- have, and hands it `percent` and `round` written in C. Without them (busted,
-- plain Lua) the same is done here in whole numbers, so that a formula gives
-- the same digits in a test as in the server.
--
-- A quantity is a number of whole units with up to six decimals; a helper that
-- is exact takes its arguments as such, rounded half to even at the sixth
-- decimal, so that 0.1 + 0.2 is 0.3.
--
-- The formula compiler calls formulas with symbols in place of measures, and
-- it trusts this file: clamp, positive and sum of names never look at a value
-- and so work on symbols; everything else that is given one must raise.

local DAY = 86400 -- seconds
local DECIMALS_MAX = 6
local ROUNDINGS = { floor = true, ceil = true, half_even = true, half_up = true }
local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- Exact decimals in plain Lua: what the server does in C. Never called there.
local function make_exact()
  local SCALE = 1000000 -- millionths in one unit
  local LIMB = 10000    -- products and remainders of limbs stay below 2^63

  -- A number as a whole count of millionths. The level is that of the plugin.
  local function to_millionths(value, who)
    if not math.type(value) then error(who .. ": a number is needed, not a " .. type(value), 4) end
    local scaled = value * 1000000.0
    if not (scaled > -0x1p63 and scaled < 0x1p63) then
      error(who .. ": the number is not finite or out of range", 4)
    end
    local below = math.floor(scaled)
    local rest = scaled - below
    if rest > 0.5 or rest == 0.5 and below % 2 == 1 then return below + 1 end
    return below
  end

  -- The five limbs of a magnitude, lowest first.
  local function split(magnitude)
    local limbs = {}
    for place = 1, 5 do
      limbs[place] = magnitude % LIMB
      magnitude = magnitude // LIMB
    end
    return limbs
  end

  -- The ten limbs of a product of two magnitudes.
  local function multiply(a, b)
    local left, right, product = split(a), split(b), {}
    for place = 1, 10 do product[place] = 0 end
    for i = 1, 5 do
      local carry = 0
      for j = 1, 5 do
        local sum = product[i + j - 1] + left[i] * right[j] + carry
        product[i + j - 1] = sum % LIMB
        carry = sum // LIMB
      end
      product[i + 5] = carry
    end
    return product
  end

  -- Limbs through a divisor of at most 10^14: quotient and remainder, or nil
  -- when the quotient passes 2^63.
  local function divide(limbs, divisor)
    local quotient, rest = 0, 0
    for place = #limbs, 1, -1 do
      local current = rest * LIMB + limbs[place]
      local digit = current // divisor
      if quotient > (math.maxinteger - digit) // LIMB then return nil end
      quotient = quotient * LIMB + digit
      rest = current % divisor
    end
    return quotient, rest
  end

  -- Whether the quotient of a magnitude has to grow by one.
  local function is_rounded_up(rounding, negative, quotient, rest, divisor)
    if rest == 0 then return false end
    if rounding == "floor" then return negative end
    if rounding == "ceil" then return not negative end
    if rest * 2 ~= divisor then return rest * 2 > divisor end
    return rounding == "half_up" or quotient % 2 == 1
  end

  -- A signed product over 10^power, rounded to `decimals`, as a number of units.
  local function scale_down(product, power, negative, rounding, decimals, who)
    local divisor, unit = 1, SCALE
    for _ = 1, power - decimals do divisor = divisor * 10 end
    for _ = 1, decimals do unit = unit // 10 end
    local quotient, rest = divide(product, divisor)
    if quotient and is_rounded_up(rounding, negative, quotient, rest, divisor) then
      quotient = quotient + 1
    end
    if not quotient or quotient > math.maxinteger // unit then
      error(who .. ": the result is out of range", 4)
    end
    local millionths = quotient * unit
    if negative then millionths = -millionths end
    return millionths / SCALE
  end

  local function percent(value, share, rounding, decimals)
    local who = "ringfence.percent"
    local a = to_millionths(value, who)
    local b = to_millionths(share, who)
    local result = scale_down(multiply(math.abs(a), math.abs(b)), 14, (a < 0) ~= (b < 0),
      rounding, decimals, who)
    return result
  end

  local function round(value, decimals, rounding)
    local who = "ringfence.round"
    local a = to_millionths(value, who)
    local result = scale_down(split(math.abs(a)), 6, a < 0, rounding, decimals, who)
    return result
  end

  return { percent = percent, round = round }
end

local exact = ... or make_exact()

-- Raise where the plugin called when it asks for a rounding there is not.
local function check_rounding(who, rounding, decimals)
  if not ROUNDINGS[rounding] then
    error(who .. ": rounding must be floor, ceil, half_even or half_up", 3)
  end
  if math.type(decimals) ~= "integer" or decimals < 0 or decimals > DECIMALS_MAX then
    error(who .. ": decimals must be a whole number from 0 to 6", 3)
  end
end

-- The number that a text's digits from `first` to `last` write, or nil.
local function read_digits(text, first, last)
  for place = first, last do
    local byte = string.byte(text, place)
    if not byte or byte < 48 or byte > 57 then return nil end
  end
  return tonumber(string.sub(text, first, last))
end

local function count_month_days(year, month)
  local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and is_leap and 29 or MONTH_DAYS[month]
end

-- Days from 1970-01-01, over years that begin in March, so that a leap day is
-- the last of its year.
local function count_days(year, month, day)
  if month <= 2 then
    year = year - 1
    month = month + 12
  end
  local before_month = (153 * (month - 3) + 2) // 5
  return 365 * year + year // 4 - year // 100 + year // 400 + before_month + day - 719469
end

-- Seconds of the first day that a text "YYYY-MM-DD..." names, or nil.
local function read_day(text)
  local year = read_digits(text, 1, 4)
  local month = read_digits(text, 6, 7)
  local day = read_digits(text, 9, 10)
  if not (year and month and day) then return nil end
  if string.sub(text, 5, 5) ~= "-" or string.sub(text, 8, 8) ~= "-" then return nil end
  if month < 1 or month > 12 then return nil end
  if day < 1 or day > count_month_days(year, month) then return nil end
  return count_days(year, month, day) * DAY
end

-- Seconds of the day that a text "...THH:MM:SS[.digits]Z" names, or nil.
local function read_clock(text)
  local hour = read_digits(text, 12, 13)
  local minute = read_digits(text, 15, 16)
  local second = read_digits(text, 18, 19)
  if not (hour and minute and second) then return nil end
  if string.sub(text, 11, 11) ~= "T" then return nil end
  if string.sub(text, 14, 14) ~= ":" or string.sub(text, 17, 17) ~= ":" then return nil end
  if hour > 23 or minute > 59 or second > 59 then return nil end
  local last = string.len(text)
  if string.sub(text, last, last) ~= "Z" then return nil end
  if last == 20 then return hour * 3600 + minute * 60 + second end
  if string.sub(text, 20, 20) ~= "." or last == 21 then return nil end
  return read_digits(text, 21, last - 1) and hour * 3600 + minute * 60 + second
end

local function read_time(text)
  local length = string.len(text)
  if length < 10 or length > 30 then return nil end
  local day = read_day(text)
  if length == 10 then return day end
  local clock = read_clock(text)
  return day and clock and day + clock
end

-- Unix seconds of a text or number. The level is that of the plugin.
local function to_seconds(when, who)
  local kind = type(when)
  local seconds
  if kind == "string" then
    seconds = read_time(when)
  elseif kind == "number" then
    seconds = math.tointeger(math.floor(when))
  end
  if not seconds then
    local shown = kind == "string" and "'" .. string.sub(when, 1, 30) .. "'" or "a " .. kind
    error(who .. ": " .. shown .. " is not YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ or Unix seconds", 3)
  end
  return seconds
end

local ringfence = {}

-- ---- Compiled to native code ----

-- x, but at least `low` and at most `high`. Where low > high the result is
-- low: what must be there goes before what may be there. Any of the three may
-- be a measure.
function ringfence.clamp(x, low, high)
  return math.max(low, math.min(x, high))
end

-- x, but nothing below zero.
function ringfence.positive(x)
  return math.max(0, x)
end

-- The sum of a group's measures: sum(m.pos) of all physical measures of the
-- source, sum(m.pos, "inbound", "returned") of those named, which alone is
-- compiled: what a source has is not known yet when formulas are. An unknown
-- name raises as m.pos.name does.
function ringfence.sum(group, ...)
  local total = 0
  local count = select("#", ...)
  if count == 0 then
    for name in pairs(group) do total = total + group[name] end
  end
  for index = 1, count do
    local name = select(index, ...)
    total = total + group[name]
  end
  return total
end

-- ---- Exact decimals ----

-- `share` percent of `value`: percent(99, 2.5) is 2. `rounding` is "floor" (the
-- default, towards minus infinity), "ceil" (towards plus infinity),
-- "half_even" (a tie to the even neighbour) or "half_up" (a tie away from
-- zero); `decimals`, 0 when left out, may be up to 6. Raises on anything but
-- finite numbers in range, and when the result is out of range.
function ringfence.percent(value, share, rounding, decimals)
  rounding = rounding or "floor"
  decimals = decimals or 0
  check_rounding("ringfence.percent", rounding, decimals)
  local result = exact.percent(value, share, rounding, decimals)
  return result
end

-- `value` with that many decimals, 0 when left out; `rounding` as for percent,
-- but "half_even" when left out, which is how the server rounds results.
-- Raises as percent does.
function ringfence.round(value, decimals, rounding)
  decimals = decimals or 0
  rounding = rounding or "half_even"
  check_rounding("ringfence.round", rounding, decimals)
  local result = exact.round(value, decimals, rounding)
  return result
end

-- Whether low <= x <= high. Raises on anything but numbers.
function ringfence.between(x, low, high)
  if not (math.type(x) and math.type(low) and math.type(high)) then
    error("ringfence.between: three numbers are needed", 2)
  end
  return low <= x and x <= high
end

-- ---- Dates ----
--
-- A date is a text "YYYY-MM-DD" (the first second of that day), a text
-- "YYYY-MM-DDTHH:MM:SSZ" (decimals of the second are dropped), or a number of
-- Unix seconds such as ctx.time. All times are UTC. Anything else raises.

-- Unix seconds of a date.
function ringfence.date(when)
  local seconds = to_seconds(when, "ringfence.date")
  return seconds
end

-- Days from one date to another by the calendar, whatever the time of day:
-- from 23:59 to 00:01 is one day. Negative when `to` lies before `from`.
function ringfence.days_between(from, to)
  local first = to_seconds(from, "ringfence.days_between") // DAY
  local last = to_seconds(to, "ringfence.days_between") // DAY
  return last - first
end

-- Whether `when` is on one of the days from `first` to `last`, both included.
function ringfence.in_period(when, first, last)
  local day = to_seconds(when, "ringfence.in_period") // DAY
  local from = to_seconds(first, "ringfence.in_period") // DAY
  local to = to_seconds(last, "ringfence.in_period") // DAY
  return from <= day and day <= to
end

return ringfence

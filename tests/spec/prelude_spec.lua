-- prelude_spec.lua - the functions of the global `ringfence`, in plain Lua.

local ringfence = dofile("scripts/prelude.lua")

local ROUNDINGS = { "floor", "ceil", "half_even", "half_up" }

-- Hold that a call raises, at the caller's line, a message that has `words`.
local function raises(words, name, ...)
  local arguments = table.pack(...)
  local passed, message = pcall(function()
    local result = ringfence[name](table.unpack(arguments, 1, arguments.n))
    return result
  end)
  assert.is_false(passed, name .. " did not raise")
  assert.is_truthy(message:find("prelude_spec.lua:%d+: ringfence%." .. name), message)
  assert.is_truthy(message:find(words, 1, true), message)
end

-- The functions with a library of our own, in which everything that the
-- server's sandbox lacks is an error.
local function load_with(library, helpers)
  local strict = setmetatable(library, { __index = function(_, name)
    error("the sandbox has no " .. tostring(name))
  end })
  return assert(loadfile("scripts/prelude.lua", "t", strict))(helpers)
end

describe("clamp, positive and sum", function()
  it("hold a number between bounds", function()
    assert.are.equal(5, ringfence.clamp(5, 0, 10))
    assert.are.equal(0, ringfence.clamp(-5, 0, 10))
    assert.are.equal(10, ringfence.clamp(10.5, 0, 10))
    assert.are.equal(0.5, ringfence.clamp(0.5, 0.25, 0.75))
  end)

  it("prefer the lower bound where the bounds cross", function()
    for _, x in ipairs { -1, 3, 7, 100 } do
      assert.are.equal(8, ringfence.clamp(x, 8, 2))
    end
  end)

  it("cut off what is negative", function()
    assert.are.equal(0, ringfence.positive(-0.000001))
    assert.are.equal(0, ringfence.positive(0))
    assert.are.equal(2.5, ringfence.positive(2.5))
  end)

  it("add up a group, or what is named of it", function()
    local group = { inbound = 5.5, outbound = 2.5, returned = 1.0 }
    assert.are.equal(9, ringfence.sum(group))
    assert.are.equal(6.5, ringfence.sum(group, "inbound", "returned"))
    assert.are.equal(11, ringfence.sum(group, "inbound", "inbound"))
    assert.are.equal(0, ringfence.sum({}))
    assert.has_error(function() ringfence.sum(group, "lost") end)
  end)
end)

describe("percent", function()
  local percent = ringfence.percent

  it("rounds down to whole units when nothing else is said", function()
    assert.are.equal(2, percent(99, 2.5))
    assert.are.equal(29, percent(29, 100))
    assert.are.equal(-3, percent(-99, 2.5))
    assert.are.equal(0, percent(0, 50))
    assert.are.equal(-1, percent(1, -1))
  end)

  it("takes the number that was meant, not its float", function()
    assert.are.equal(29, percent(0.29 * 100, 100))
    assert.are.equal(0.3, percent(0.1 + 0.2, 100, "floor", 1))
    assert.are.equal(1.1, percent(110, 1, "floor", 1))
    assert.are.equal(0.07, percent(1, 7, "floor", 2))
  end)

  it("rounds ties as asked", function()
    local ties = { -- value of which 50 percent is a tie; results by ROUNDINGS
      { 1, 0, 1, 0, 1 }, { 3, 1, 2, 2, 2 }, { 5, 2, 3, 2, 3 },
      { -1, -1, 0, 0, -1 }, { -3, -2, -1, -2, -2 }, { -5, -3, -2, -2, -3 },
    }
    for _, tie in ipairs(ties) do
      for place, rounding in ipairs(ROUNDINGS) do
        assert.are.equal(tie[place + 1], percent(tie[1], 50, rounding), tie[1] .. rounding)
        assert.are.equal(tie[place + 1] / 1000, percent(tie[1] / 1000, 50, rounding, 3))
        assert.are.equal(tie[place + 1] / 1000000, percent(tie[1] / 1000000, 50, rounding, 6))
      end
    end
  end)

  it("goes to the nearest beside a tie", function()
    for _, rounding in ipairs { "half_even", "half_up" } do
      assert.are.equal(2, percent(2.499999, 100, rounding))
      assert.are.equal(3, percent(2.500001, 100, rounding))
      assert.are.equal(-2, percent(-2.499999, 100, rounding))
      assert.are.equal(-3, percent(-2.500001, 100, rounding))
    end
  end)

  -- The same in whole numbers, where the product stays below 2^63.
  local function expect_percent(value, share, rounding, decimals)
    local divisor = math.tointeger(10 ^ (14 - decimals))
    local quotient, rest = value * share // divisor, value * share % divisor
    local up = rest * 2 > divisor
    if rest * 2 == divisor then
      up = rounding == "half_up" and quotient >= 0 or rounding == "half_even" and quotient % 2 == 1
    end
    if rounding == "floor" then up = false end
    if rounding == "ceil" then up = rest > 0 end
    return (quotient + (up and 1 or 0)) / 10 ^ decimals
  end

  it("equals whole-number arithmetic", function()
    math.randomseed(20231101)
    for _ = 1, 20000 do
      local value = math.random(-2000000000, 2000000000)
      local share = math.random(-2000000000, 2000000000)
      if math.random(3) == 1 then share = share // 50000000 * 50000000 end
      local rounding, decimals = ROUNDINGS[math.random(4)], math.random(0, 6)
      local got = percent(value / 1000000, share / 1000000, rounding, decimals)
      local expected = expect_percent(value, share, rounding, decimals)
      if got ~= expected then
        assert.are.equal(expected, got,
          ("%d %d %s %d"):format(value, share, rounding, decimals))
      end
    end
  end)

  it("is exact where the product passes 64 bits", function()
    local cases = {
      { 9e12, 100, "floor", 0, 9e12 },
      { 9007199254.740991, 33.333333, "floor", 0, 3002399721 },
      { 9007199254.740991, 33.333333, "ceil", 0, 3002399722 },
      { 9007199254.740991, 33.333333, "half_even", 6, 3002399721.556333 },
      { -9007199254.740991, 99.999999, "floor", 0, -9007199165 },
      { -9007199254.740991, 99.999999, "ceil", 0, -9007199164 },
      { -9007199254.740991, 99.999999, "half_up", 3, -9007199164.669 },
      { 123456789.123456, 987.654321, "half_even", 6, 1219326312.345671 },
      { 123456789.123456, 987.654321, "half_up", 3, 1219326312.346 },
      { 4500000000000, 204.9, "floor", 0, 9220500000000 },
      { 100000000000, 0.000001, "floor", 0, 1000 },
      { 1000000, 9223372.036854, "half_even", 6, 92233720368.54 },
    }
    for _, case in ipairs(cases) do
      assert.are.equal(case[5], percent(case[1], case[2], case[3], case[4]))
    end
  end)

  it("refuses what is no number, not finite or out of range", function()
    raises("a number is needed, not a string", "percent", "5", 10)
    raises("a number is needed, not a nil", "percent", 5, nil)
    raises("a number is needed, not a table", "percent", {}, 10)
    for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e13, -1e300 } do
      raises("not finite or out of range", "percent", value, 10)
      raises("not finite or out of range", "percent", 10, value)
    end
    raises("the result is out of range", "percent", 9e12, 102.5)
    raises("the result is out of range", "percent", -9e12, 9e12)
  end)

  it("refuses roundings and decimals there are not", function()
    raises("rounding must be floor, ceil, half_even or half_up", "percent", 1, 1, "up")
    raises("rounding must be", "percent", 1, 1, 2)
    for _, decimals in ipairs { -1, 7, 1.5, "2", 2.0 } do
      raises("decimals must be a whole number from 0 to 6", "percent", 1, 1, "floor", decimals)
    end
  end)
end)

describe("round", function()
  local round = ringfence.round

  it("goes to the nearest whole unit, a tie to the even, when nothing else is said", function()
    local cases = { [0.5] = 0, [1.5] = 2, [2.5] = 2, [-0.5] = 0, [-1.5] = -2, [2.499999] = 2,
      [2.500001] = 3, [7] = 7 }
    for value, expected in pairs(cases) do assert.are.equal(expected, round(value)) end
  end)

  it("never gives a negative zero", function()
    assert.are.equal("0.0", tostring(round(-0.4)))
    assert.are.equal("0.0", tostring(round(-0.0)))
  end)

  it("keeps decimals", function()
    assert.are.equal(2.35, round(2.345, 2, "half_up"))
    assert.are.equal(2.34, round(2.345, 2))
    assert.are.equal(2.345, round(2.345, 3, "floor"))
    assert.are.equal(0.3, round(0.1 + 0.2, 6, "ceil"))
    assert.are.equal(-2.4, round(-2.345, 1, "floor"))
    assert.are.equal(-2.3, round(-2.345, 1, "ceil"))
    assert.are.equal(8999999999999, round(8999999999999, 6))
  end)

  it("first takes the number as a quantity", function()
    assert.are.equal(3, round(2.4999999, 0, "half_up"))
    assert.are.equal(29, round(28.999999999999996, 0, "floor"))
    assert.are.equal(0.000002, round(0.0000015, 6, "floor"))
  end)

  it("refuses what percent refuses", function()
    raises("a number is needed, not a boolean", "round", true)
    raises("not finite or out of range", "round", 0 / 0)
    raises("not finite or out of range", "round", 9.3e12)
    raises("rounding must be", "round", 1, 0, "nearest")
    raises("decimals must be", "round", 1, 9)
  end)
end)

describe("between", function()
  it("includes both ends", function()
    assert.is_true(ringfence.between(1, 1, 3))
    assert.is_true(ringfence.between(3, 1, 3))
    assert.is_false(ringfence.between(3.000001, 1, 3))
    assert.is_false(ringfence.between(0, 1, 3))
    assert.is_false(ringfence.between(2, 3, 1))
  end)

  it("refuses anything but numbers", function()
    raises("three numbers are needed", "between", "2", 1, 3)
    raises("three numbers are needed", "between", 2, nil, 3)
  end)
end)

describe("dates", function()
  local date, days_between = ringfence.date, ringfence.days_between

  it("are seconds", function()
    assert.are.equal(0, date("1970-01-01"))
    assert.are.equal(-86400, date("1969-12-31"))
    assert.are.equal(951782400, date("2000-02-29"))
    assert.are.equal(951825599, date("2000-02-29T11:59:59Z"))
    assert.are.equal(951825599, date("2000-02-29T11:59:59.987654321Z"))
    assert.are.equal(253402300799, date("9999-12-31T23:59:59Z"))
    assert.are.equal(-62167219200, date("0000-01-01"))
    assert.are.equal(1700000000, date(1700000000))
    assert.are.equal(1700000000, date(1700000000.75))
    assert.are.equal("integer", math.type(date(1700000000.75)))
  end)

  it("agree with the C library on every day of 500 years", function()
    for day = -25567, 157054 do
      local text = os.date("!%Y-%m-%d", day * 86400)
      if date(text) ~= day * 86400 then assert.are.equal(day * 86400, date(text), text) end
    end
  end)

  it("know leap years", function()
    assert.are.equal(1, days_between("2023-02-28", "2023-03-01"))
    assert.are.equal(2, days_between("2024-02-28", "2024-03-01"))
    assert.are.equal(2, days_between("2000-02-28", "2000-03-01"))
    assert.are.equal(1, days_between("2100-02-28", "2100-03-01"))
    assert.are.equal(366, days_between("2024-01-01", "2025-01-01"))
    raises("'2023-02-29' is not", "date", "2023-02-29")
    raises("'2100-02-29' is not", "date", "2100-02-29")
  end)

  it("count days by the calendar", function()
    assert.are.equal(0, days_between("2026-11-22T00:00:00Z", "2026-11-22T23:59:59Z"))
    assert.are.equal(1, days_between("2026-11-22T23:59:59Z", "2026-11-23"))
    assert.are.equal(-32, days_between("2026-12-24", "2026-11-22T12:00:00Z"))
    assert.are.equal(1, days_between(86399, 86400))
    assert.are.equal(1, days_between(-1, 0))
    assert.are.equal("integer", math.type(days_between(-0.5, 86400.5)))
  end)

  it("lie in a period with both its days", function()
    local function is_in(when) return ringfence.in_period(when, "2026-11-27", "2026-12-24") end
    assert.is_false(is_in("2026-11-26T23:59:59Z"))
    assert.is_true(is_in("2026-11-27"))
    assert.is_true(is_in(date("2026-12-24T23:59:59Z")))
    assert.is_false(is_in("2026-12-25"))
    assert.is_false(ringfence.in_period("2026-12-01", "2026-12-24", "2026-11-27"))
  end)

  it("refuse other texts and values", function()
    for _, text in ipairs { "", "2026", "2026-1-02", "2026-13-01", "2026-00-10", "2026-01-00",
      "2026-01-32", "2026-04-31", "2026/01/02", "26-01-2026", " 2026-01-02", "2026-01-02 ",
      "2026-01-02T", "2026-01-02T10:00Z", "2026-01-02T10:00:00", "2026-01-02 10:00:00Z",
      "2026-01-02T24:00:00Z", "2026-01-02T10:60:00Z", "2026-01-02T10:00:60Z",
      "2026-01-02T10:00:00+01:00", "2026-01-02T10:00:00.Z", "2026-01-02T10:00:00.1xZ",
      "2026-01-02T1e:00:00Z", "2026-01-02T10-00-00Z", "+026-01-02", "0x26-01-02", "today" } do
      raises("'" .. text .. "' is not YYYY-MM-DD", "date", text)
    end
    raises("'" .. ("9"):rep(30) .. "' is not", "date", ("9"):rep(500))
    for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e300 } do
      raises("a number is not YYYY-MM-DD", "date", value)
    end
    raises("a table is not", "date", {})
    raises("a nil is not", "days_between", nil, 0)
    raises("a boolean is not", "days_between", 0, true)
    raises("'never' is not", "in_period", 0, 0, "never")
  end)
end)

-- A stand-in for the formula compiler: a symbol keeps what was done to it, as
-- text, and raises where the sandbox's symbols raise.
describe("a symbol in place of a measure", function()
  local symbol_type = {}

  local function symbol(text) return setmetatable({ text = text }, symbol_type) end
  local function show(x) return getmetatable(x) == symbol_type and x.text or ("%g"):format(x) end
  local function operator(sign)
    return function(a, b) return symbol("(" .. show(a) .. sign .. show(b) .. ")") end
  end
  local function refuse() error("a symbol was looked at", 0) end

  symbol_type.__add, symbol_type.__sub = operator("+"), operator("-")
  for _, event in ipairs { "div", "idiv", "mod", "pow", "unm", "lt", "le", "concat", "len",
    "call" } do
    symbol_type["__" .. event] = refuse
  end

  local function knowing(call)
    return function(...)
      for index = 1, select("#", ...) do
        if getmetatable((select(index, ...))) == symbol_type then refuse() end
      end
      return call(...)
    end
  end
  local function extremum(name)
    return function(a, b) return symbol(name .. "(" .. show(a) .. "," .. show(b) .. ")") end
  end

  local library = { select = select, error = error, pairs = pairs,
    type = knowing(type), tonumber = knowing(tonumber),
    math = { max = extremum("max"), min = extremum("min"), type = knowing(math.type),
      floor = knowing(math.floor), tointeger = knowing(math.tointeger) },
    string = { byte = knowing(string.byte), sub = knowing(string.sub), len = knowing(string.len) } }
  local helpers = { percent = knowing(error), round = knowing(error) }
  local traced = load_with(library, helpers)
  local a, b = symbol("a"), symbol("b")

  it("goes through clamp, positive and sum", function()
    assert.are.equal("max(0,min(a,9))", traced.clamp(a, 0, 9).text)
    assert.are.equal("max(a,min(7,b))", traced.clamp(7, a, b).text)
    assert.are.equal("max(0,a)", traced.positive(a).text)
    assert.are.equal("((0+a)+b)", traced.sum({ x = a, y = b }, "x", "y").text)
    assert.are.equal("(0+a)", traced.sum({ x = a }).text)
  end)

  it("is refused by everything else", function()
    local calls = {
      { "percent", a, 10 }, { "percent", 10, a }, { "percent", 1, 1, a },
      { "percent", 1, 1, "floor", a }, { "round", a }, { "round", 1, a }, { "round", 1, 0, a },
      { "between", a, 1, 2 }, { "between", 1, a, 2 }, { "between", 1, 0, a }, { "date", a },
      { "days_between", a, 0 }, { "days_between", 0, a }, { "in_period", a, 0, 0 },
      { "in_period", 0, a, 0 }, { "in_period", 0, 0, a },
    }
    for number, call in ipairs(calls) do
      assert.is_false(pcall(traced[call[1]], table.unpack(call, 2)), call[1] .. " " .. number)
    end
  end)

  it("leaves no function untried", function()
    local tried = { clamp = 1, positive = 1, sum = 1, percent = 1, round = 1, between = 1,
      date = 1, days_between = 1, in_period = 1 }
    for name in pairs(ringfence) do assert.is_truthy(tried[name], name) end
  end)
end)

describe("the exact helpers of the server", function()
  it("are called with every argument filled in", function()
    local calls = {}
    local function note(name)
      return function(...)
        calls[#calls + 1] = name .. " " .. table.concat({ ... }, " ")
        return 4.5
      end
    end
    local served = load_with({ error = error, select = select, pairs = pairs, math = math },
      { percent = note("percent"), round = note("round") })
    assert.are.equal(4.5, served.percent(99, 2.5))
    assert.are.equal(4.5, served.round(1.25, 1, "ceil"))
    assert.are.equal(4.5, served.round(7))
    assert.are.same({ "percent 99 2.5 floor 0", "round 1.25 1 ceil", "round 7 0 half_even" },
      calls)
  end)
end)

-- testing_spec.lua - the harness in which integrators test their plugins.

local folder = require "tests.support.folder"

local testing = dofile("scripts/testing.lua")

describe("a plugin in the harness", function()
  local path

  before_each(function() path = folder.create() end)
  after_each(function() folder.remove(path) end)

  local function load_plugin(text, more)
    folder.write(path .. "/plugin.lua", text)
    for name, other in pairs(more or {}) do folder.write(path .. "/" .. name, other) end
    return testing.load(path)
  end

  local function load_formulas(text, more)
    return load_plugin('return { name = "p", version = "1", formulas = {' .. text .. "} }", more)
  end

  -- One formula, of that body.
  local function evaluate(body, given, ctx)
    local plugin = load_formulas('["iv.x"] = function(m, ctx) ' .. body .. " end")
    return plugin:evaluate("iv.x", given, ctx)
  end

  local function fails(words, call, ...)
    local passed, message = pcall(call, ...)
    assert.is_false(passed, "nothing was raised; expected " .. words)
    assert.is_truthy(tostring(message):find(words, 1, true), message)
  end

  describe("measures", function()
    it("are what is given, without case, and 0 otherwise", function()
      assert.are.equal(7.5, evaluate("return m.pos.InBound + m.POS.outbound + m.erp.lost",
        { ["Pos.inbound"] = 5, ["pos.OUTBOUND"] = 2.5 }))
      assert.are.equal(4, evaluate('return m["@iv"]["@allocated"]', { ["@IV.@allocated"] = 4 }))
    end)

    it("are floats with six decimals", function()
      assert.are.equal(1,
        evaluate('return math.type(m.a.b) == "float" and 1 or 0', { ["a.b"] = 3 }))
      assert.are.equal(1, evaluate("return m.a.b == 0.1 and 1 or 0", { ["a.b"] = 0.10000004 }))
    end)

    it("of the plugin itself are calculated, unless given", function()
      local plugin = load_formulas([[
        ["iv.onhand"] = function(m) return m.wms.stock / 3 end,
        ["IV.Free"] = function(m) return m.iv.OnHand * 3 - m.iv.held end ]])
      assert.are.equal(0.999999, plugin:evaluate("iv.free", { ["wms.stock"] = 1 }))
      assert.are.equal(5, plugin:evaluate("iv.FREE", { ["iv.onhand"] = 2, ["iv.held"] = 1 }))
      assert.are.equal(3, plugin:evaluate("iv.onhand", { ["iv.onhand"] = 2, ["wms.stock"] = 9 }))
    end)

    it("that use themselves are an error", function()
      local plugin = load_formulas([[
        ["iv.a"] = function(m) return m.iv.b end, ["iv.b"] = function(m) return m.iv.a end ]])
      fails("uses itself", plugin.evaluate, plugin, "iv.a")
    end)

    it("are listed in order, physical ones only", function()
      local plugin = load_formulas([[
        ["pos.total"] = function(m) return ringfence.sum(m.pos) end,
        ["iv.order"] = function(m)
          local number = 0
          for name, value in pairs(m.pos) do
            number = number * 10 + value
            if name == "total" then error("not physical") end
          end
          return number
        end ]])
      local given = { ["pos.c"] = 3, ["pos.a"] = 1, ["pos.b"] = 2, ["po.z"] = 9, ["posx.y"] = 9 }
      assert.are.equal(6, plugin:evaluate("pos.total", given))
      assert.are.equal(123, plugin:evaluate("iv.order", given))
    end)

    it("cannot be assigned", function()
      fails("cannot be assigned", evaluate, "m.pos.inbound = 5 return 1")
      fails("cannot be assigned", evaluate, "m.pos = {} return 1")
    end)

    it("are named by source and measure", function()
      fails("is not source.measure", evaluate, "return 1", { inbound = 5 })
      fails("a name is a text", evaluate, "return m.pos[1]")
    end)
  end)

  describe("results", function()
    it("are rounded half to even at the sixth decimal", function()
      assert.are.equal(0.3, evaluate("return 0.1 + 0.2"))
      assert.are.equal(0.333333, evaluate("return 1 / 3"))
      assert.are.equal(0.000002, evaluate("return m.a.b / 2", { ["a.b"] = 0.000003 }))
      assert.are.equal(0.000002, evaluate("return m.a.b / 2", { ["a.b"] = 0.000005 }))
    end)

    it("are finite numbers in range", function()
      fails("the result of iv.x is a string", evaluate, 'return "5"')
      fails("the result of iv.x is a nil", evaluate, "return nil")
      for _, value in ipairs { "0 / 0", "1 / 0", "-1 / 0", "1e13" } do
        fails("the result of iv.x is not finite or out of range", evaluate, "return " .. value)
      end
    end)

    it("are the same in every call", function()
      local text = 'local n = 0 return { name = "p", version = "1", formulas = { '
        .. '["iv.x"] = function() n = n + 1 return n end } }'
      local plugin = load_plugin(text)
      fails("another result when it is called again", plugin.evaluate, plugin, "iv.x")
    end)

    it("have an end", function()
      fails("does not end", evaluate, "while true do end")
      assert.is_nil((debug.gethook()))
    end)

    it("say where a formula failed", function()
      local plugin = load_formulas('["iv.x"] = function(m)\n  error("no such day")\nend')
      fails("plugin.lua:2: no such day", plugin.evaluate, plugin, "iv.x")
      fails("no formula iv.y", plugin.evaluate, plugin, "iv.y")
    end)
  end)

  describe("ctx", function()
    it("holds what is given", function()
      local ctx = { organization = "shop", product = "BIKE", time = 1795392000,
        dimensions = { SiteId = "north" }, groups = { channel = "web" } }
      assert.are.equal(1, evaluate([[
        return ctx.organization == "shop" and ctx.product == "BIKE" and ctx.time == 1795392000
          and ctx.date == "2026-11-23" and ctx.dimensions.siteid == "north"
          and ctx.groups.Channel == "web" and 1 or 0 ]], nil, ctx))
    end)

    it("is empty otherwise, on 1970-01-01", function()
      assert.are.equal(1, evaluate([[
        return ctx.organization == "" and ctx.product == "" and ctx.time == 0
          and ctx.date == "1970-01-01" and ctx.dimensions.SiteId == ""
          and ctx.groups.channel == "" and 1 or 0 ]]))
    end)

    it("has the first second of a date", function()
      assert.are.equal(1708430400, evaluate("return ctx.time", nil,
        { time = "2024-02-20T12:00:00Z" }))
      assert.are.equal(951782400, evaluate("return ctx.time", nil, { date = "2000-02-29" }))
    end)

    it("refuses what the server cannot give", function()
      for _, time in ipairs { 0.5, -1, 253402300800, true } do
        fails("whole Unix seconds", evaluate, "return 1", nil, { time = time })
      end
      fails("is not YYYY-MM-DD", evaluate, "return 1", nil, { date = "today" })
      fails("not both", evaluate, "return 1", nil, { time = 0, date = "1970-01-01" })
      fails("must be a text", evaluate, "return 1", nil, { groups = { channel = 1 } })
      fails("ctx has an unknown key site", evaluate, "return 1", nil, { site = "1" })
      fails("ctx.dimensions has no site", evaluate, "return 1", nil, { dimensions = { site = "" } })
      fails("ctx.dimensions has no Place", evaluate, "return ctx.dimensions.Place and 1")
      fails("ctx has no channel", evaluate, "return ctx.channel and 1 or 0")
      fails("cannot be assigned", evaluate, "ctx.time = 5 return 1")
      fails("cannot be assigned", evaluate, "ctx.groups.channel = 5 return 1")
    end)
  end)

  describe("the library", function()
    it("is the server's", function()
      for _, name in ipairs { "print", "require", "load", "dofile", "pcall", "setmetatable",
        "getmetatable", "rawset", "next", "io", "os", "debug", "coroutine", "utf8", "_G",
        "collectgarbage" } do
        assert.are.equal(1, evaluate("return " .. name .. " == nil and 1 or 0"), name)
      end
      for _, name in ipairs { "math.random", "math.sin", "string.format", "string.rep",
        "string.find", "string.gsub", "table.concat", "table.unpack", "table.remove" } do
        assert.are.equal(1, evaluate("return " .. name .. " == nil and 1 or 0"), name)
      end
    end)

    it("goes over tables in order and sorts without mixing equals", function()
      assert.are.equal(1, evaluate([[
        local seen = ""
        for key in pairs({ b = 1, a = 2, [2] = 3, [1] = 4 }) do seen = seen .. key end
        return seen == "12ab" and 1 or 0 ]]))
      assert.are.equal(1, evaluate([[
        local list = {}
        for place = 1, 200 do table.insert(list, { key = place % 7, place = place }) end
        table.sort(list, function(a, b) return a.key < b.key end)
        for place = 2, 200 do
          local a, b = list[place - 1], list[place]
          if a.key > b.key or a.key == b.key and a.place > b.place then return 0 end
        end
        return 1 ]]))
    end)

    it("makes texts of numbers and numbers of texts", function()
      assert.are.equal(1, evaluate([[
        return tostring(2.0) == "2" and tostring(2.5) == "2.5" and tostring(-0.0) == "0"
          and tostring(7) == "7" and tostring(true) == "true" and tostring({}) == "table"
          and tonumber("0.5") == 0.5 and tonumber("x") == nil and 1 or 0 ]]))
      assert.are.equal(1, evaluate(
        'return tonumber("' .. ("0"):rep(64) .. '") == nil and 1 or 0'))
      fails("no base", evaluate, 'return tonumber("10", 2)')
    end)

    it("inserts at the end only", function()
      assert.are.equal(7, evaluate("local list = {} table.insert(list, 7) return list[1]"))
      fails("only appends", evaluate, "table.insert({}, 1, 7) return 1")
    end)

    it("has no place for globals", function()
      fails("'count' cannot be assigned", evaluate, "count = 5 return 1")
      fails("'x' cannot be assigned", load_plugin, "x = 1 return {}")
      fails("cannot be assigned", evaluate, "math.pi = 3 return 1")
      fails("cannot be assigned", evaluate, "ringfence.clamp = nil return 1")
    end)
  end)

  describe("use", function()
    it("runs another file once", function()
      local plugin = load_formulas([[ ["iv.x"] = (function()
          local a, b = use "helper.lua", use "helper"
          return function() return a == b and a.value or 0 end
        end)() ]], { ["helper.lua"] = "return { value = ringfence.positive(7) }" })
      assert.are.equal(7, plugin:evaluate("iv.x"))
    end)

    it("is there only while the plugin loads", function()
      fails("only while a plugin is loaded", evaluate, 'return use "plugin.lua"')
    end)

    it("stays in the folder and does not go round", function()
      for _, name in ipairs { "../plugin.lua", "a/b.lua", "a\\\\b.lua", "" } do
        fails("the name of a file beside plugin.lua", load_plugin, 'return use "' .. name .. '"')
      end
      fails("p_spec.lua is a test and no source", load_plugin, 'return use "p_spec"')
      fails("plugin.lua is being loaded", load_plugin, 'return use "plugin"')
      fails("b.lua is being loaded", load_plugin, 'return use "b.lua"',
        { ["b.lua"] = 'return use "c.lua"', ["c.lua"] = 'return use "b.lua"' })
      fails("d.lua returns no value", load_plugin, 'return use "d"', { ["d.lua"] = "" })
      fails("nothing.lua", load_plugin, 'return use "nothing.lua"')
    end)
  end)

  describe("loading", function()
    it("refuses what is no plugin", function()
      fails("plugin.lua:1:", load_plugin, "return {")
      fails("must return a table", load_plugin, "return 5")
      fails("the plugin's name is missing", load_plugin, "return {}")
      fails("the plugin's version is missing", load_plugin, 'return { name = "p" }')
      fails("larger than 32 KiB", load_plugin, (" "):rep(32769))
      fails("binary", load_plugin, string.dump(function() end))
      fails("unknown key formula", load_plugin, "return { formula = {} }")
      fails("is not a Lua function", load_formulas, '["iv.x"] = 5')
      fails("is not a Lua function", load_formulas, '["iv.x"] = math.max')
      fails("a formula's name is source.measure", load_formulas, "x = function() end")
      fails("defined twice", load_formulas,
        '["iv.x"] = function() end, ["IV.X"] = function() end')
    end)
  end)

  describe("examples", function()
    local function check(examples)
      return load_plugin([[ return { name = "p", version = "1",
        formulas = { ["iv.x"] = function(m, ctx)
          if m.a.b < 0 then error("below zero") end
          return m.a.b / 3 + ctx.time
        end }, examples = {]] .. examples .. "} }"):check_examples()
    end

    it("are counted", function()
      assert.are.equal(0, check(""))
      assert.are.equal(3, check([[ { formula = "iv.x", expect = 0 },
        { formula = "IV.X", given = { ["a.b"] = 1 }, expect = 0.333333 },
        { formula = "iv.x", ctx = { time = 60 }, expect = 60 }, ]]))
    end)

    it("raise when one fails", function()
      fails("example 2 (iv.x): expected 5, got 3", check, [[ { formula = "iv.x", expect = 0 },
        { formula = "iv.x", given = { ["a.b"] = 9 }, expect = 5 } ]])
      fails("example 1 (iv.x): expected 0.333334, got 0.333333", check,
        '{ formula = "iv.x", given = { ["a.b"] = 1 }, expect = 0.333334 }')
      fails("example 1 (iv.x): plugin.lua:3: below zero", check,
        '{ formula = "iv.x", given = { ["a.b"] = -1 }, expect = 0 }')
    end)

    it("need a formula and a number", function()
      fails("example 1 (iv.y): the plugin has no formula iv.y", check,
        '{ formula = "iv.y", expect = 0 }')
      fails("example 1 (no formula): the plugin has no formula nil", check, "{ expect = 0 }")
      fails("unknown key expected", check, '{ formula = "iv.x", expected = 0 }')
      fails("example 1 (empty): expected 1, got 0", check,
        '{ name = "empty", formula = "iv.x", expect = 1 }')
      fails("expect is a nil", check, '{ formula = "iv.x" }')
    end)
  end)

  it("behaves as the conformance cases say", function()
    local function load_case(name) return testing.load("tests/conformance/plugins/" .. name) end
    for _, name in ipairs { "safety-stock-10", "safety-stock-25" } do
      assert.are.equal(2, load_case(name):check_examples())
    end
    assert.are.equal(1, load_case("web-orders"):check_examples())
    local wrong = load_case("safety-stock-wrong-example")
    fails("example 2 (iv.availabletoreserve): expected 60, got 45", wrong.check_examples, wrong)
    local cycle = load_case("safety-stock-cycle")
    fails("uses itself", cycle.evaluate, cycle, "iv.onhand")
    fails("plugin.lua:3:", load_case, "safety-stock-syntax")
  end)
end)

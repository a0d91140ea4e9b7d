-- acme_availability_spec.lua - what ACME's web shop may promise.

local testing = dofile("scripts/testing.lua")

describe("acme-availability", function()
  local plugin = testing.load("plugins/acme-availability")

  it("passes its examples", function()
    assert.are.equal(4, plugin:check_examples())
  end)

  it("counts stores and warehouses", function()
    assert.are.equal(5, plugin:evaluate("iv.instock", { ["pos.inbound"] = 5 }))
    assert.are.equal(-2, plugin:evaluate("iv.instock", { ["pos.outbound"] = 2 }))
    assert.are.equal(7, plugin:evaluate("iv.instock", { ["fno.availphysical"] = 7 }))
    assert.are.equal(8, plugin:evaluate("iv.instock",
      { ["ecommerce.received"] = 11, ["ecommerce.issued"] = 3 }))
  end)

  it("promises nothing that is held", function()
    local function promise(stock, reserved, allocated)
      return plugin:evaluate("iv.webpromise", { ["pos.inbound"] = stock,
        ["iv.softreserved"] = reserved, ["@iv.@allocated"] = allocated })
    end
    assert.are.equal(10, promise(10, 0, 0))
    assert.are.equal(3, promise(10, 4, 3))
    assert.are.equal(0, promise(10, 6, 4))
    assert.are.equal(0, promise(10, 60, 0))
  end)

  it("promises 50 at most", function()
    assert.are.equal(49.5, plugin:evaluate("iv.webpromise", { ["pos.inbound"] = 49.5 }))
    assert.are.equal(50, plugin:evaluate("iv.webpromise", { ["pos.inbound"] = 50.5 }))
  end)
end)

-- health_spec.lua - /health/ping and /health/ready.

local App = require "tests.support.app"

describe("health", function()
  local app

  before_each(function() app = App.start() end)
  after_each(function() App.finish(app) end)

  it("says that the process answers", function()
    assert.are.equal(200, app:get("host:/health/ping").status)
    assert.are.equal(200, app:get("host:/Health/Ping/").status)
  end)

  it("says that the store can be used", function()
    local reply = app:get("host:/health/ready")
    assert.are.equal(200, reply.status)
    assert.are.equal("ready", reply.json.status)
  end)

  it("is fine again after a kill", function()
    app:restart("kill")
    assert.are.equal("ready", app:get("host:/health/ready").json.status)
  end)
end)

-- token_spec.lua - the token calls, and what their tokens are good for.

local App = require "tests.support.app"
local Clock = require "tests.conformance.clock"
local expect = require "tests.support.expect"
local folder = require "tests.support.folder"
local http = require "tests.support.http"
local json = require "tests.support.json"
local keys = require "tests.support.keys"

local TENANT = "11111111-2222-4333-8444-555555555555"
local NEW_LOGIN = "host:/" .. TENANT .. "/oauth2/v2.0/token"
local OLD_LOGIN = "host:/" .. TENANT .. "/oauth2/token"
local EXCHANGE = "host:/token"
local SERVICE = "host:/securityservice/token"

local OTHER = "00000000-0000-4000-8000-000000000001"
local FORM = "application/x-www-form-urlencoded"
local BOUNDARY = "----b7MA4YWxkTrZu0gW"
local MULTIPART = "multipart/form-data; boundary=" .. BOUNDARY

local AUTH = {
  keys = {
    keys.entry("till", "key-till", { "reader" }),
    keys.entry("desk", "key-desk", { "admin" }),
    keys.entry("elsewhere", "key-elsewhere", { "admin" }, { OTHER }),
  },
  clients = {
    keys.client("app", "secret-app", { "writer" }),
    keys.client("app-2", "secret+of & app=2%", { "reader" }),
    keys.client("abroad", "secret-abroad", { "admin" }, { OTHER }),
  },
}

-- ---- Parameters, in every form ----

-- Pairs in a fixed order; false leaves a parameter out.
local function pairs_of(parameters)
  local names = {}
  for name, value in pairs(parameters) do
    if value ~= false then names[#names + 1] = name end
  end
  table.sort(names)
  local index = 0
  return function()
    index = index + 1
    return names[index], parameters[names[index]]
  end
end

local function escape(text)
  return (text:gsub("[^%w%-%._~ ]", function(character)
    return ("%%%02X"):format(character:byte())
  end):gsub(" ", "+"))
end

local function as_form(parameters)
  local parts = {}
  for name, value in pairs_of(parameters) do
    parts[#parts + 1] = escape(name) .. "=" .. escape(value)
  end
  return table.concat(parts, "&")
end

local function as_multipart(parameters, boundary)
  local parts = {}
  boundary = "--" .. (boundary or BOUNDARY)
  for name, value in pairs_of(parameters) do
    parts[#parts + 1] = ("%s\r\nContent-Disposition: form-data; name=\"%s\""
      .. "\r\n\r\n%s\r\n"):format(boundary, name, value)
  end
  return table.concat(parts) .. boundary .. "--\r\n"
end

local function as_json(parameters)
  local object = json.object()
  for name, value in pairs_of(parameters) do object[name] = value end
  return json.encode(object)
end

local ENCODINGS = {
  { FORM, as_form }, { MULTIPART, as_multipart },
  { "application/json", as_json },
}

local function merge(parameters, more)
  local result = {}
  for name, value in pairs(parameters) do result[name] = value end
  for name, value in pairs(more or {}) do result[name] = value end
  return result
end

local function login(more)
  return merge({
    grant_type = "client_credentials", client_id = "app",
    client_secret = "secret-app", scope = "0cdb527f/.default",
  }, more)
end

local function exchange(assertion, more)
  return merge({
    grant_type = "client_credentials", client_assertion_type = "aad_app",
    client_assertion = assertion, scope = "https://example.com/.default",
    context_type = "finops-env",
  }, more)
end

describe("the token calls", function()
  local app

  after_each(function()
    App.finish(app)
    app = nil
  end)

  local function start(options)
    options = options or {}
    options.server = options.server or { auth = AUTH }
    options.others = options.others or { [OTHER] = json.object() }
    app = App.start(options)
  end

  local function post(path, parameters, headers)
    return app:call("POST", path, nil, {
      raw = as_form(parameters), auth = "none",
      headers = merge({ ["Content-Type"] = FORM }, headers),
    })
  end

  local function token_of(path, parameters)
    return expect.ok(post(path, parameters)).access_token
  end

  -- The token a client gets in two steps, or a key in one.
  local function client_token(more, credentials)
    local first = token_of(NEW_LOGIN, login(credentials))
    return token_of(SERVICE, exchange(first, more))
  end

  local function key_token(key, more)
    return token_of(EXCHANGE, exchange(key, more))
  end

  local function ask(token, id)
    return app:get("host:/api/environment/" .. (id or app.id)
      .. "/configuration", { auth = "Bearer " .. token })
  end

  local function refuse_client(reply)
    assert.are.equal(401, reply.status, reply.body)
    expect.body(reply, { processingStatus = "failure", statusCode = 401,
      code = "invalid_client", error = "invalid_client" })
  end

  -- Send the parameters in every way there is.
  local function each_way(path, parameters, check)
    for _, encoding in ipairs(ENCODINGS) do
      check(app:call("POST", path, nil, { raw = encoding[2](parameters),
        auth = "none", headers = { ["Content-Type"] = encoding[1] } }))
    end
    check(app:get(path .. "?" .. as_form(parameters), { auth = "none" }))
  end

  it("log a client in, on both paths and in every form", function()
    start()
    for _, path in ipairs { NEW_LOGIN, OLD_LOGIN } do
      each_way(path, login(), function(reply)
        local body = expect.ok(reply)
        assert.are.equal("Bearer", body.token_type)
        assert.are.equal("3599", body.expires_in)
        assert.are.equal("3599", body.ext_expires_in)
        expect.ok(post(SERVICE, exchange(body.access_token)))
      end)
    end
  end)

  it("exchange a token or a key, on both paths and in every form", function()
    start()
    local first = token_of(NEW_LOGIN, login())
    for _, path in ipairs { EXCHANGE, SERVICE } do
      for _, assertion in ipairs { first, "key-till" } do
        each_way(path, exchange(assertion, { context = app.id }),
          function(reply)
            local body = expect.ok(reply)
            assert.are.equal("bearer", body.token_type)
            assert.are.equal(3600, body.expires_in)
            expect.ok(ask(body.access_token))
          end)
      end
    end
  end)

  it("say in the old form when it ends, as text", function()
    start()
    local body = expect.ok(post(OLD_LOGIN, login { scope = false,
      resource = "0cdb527f-a8d1-4bf8-9436-b352c68682b2" }))
    assert.are.equal("0cdb527f-a8d1-4bf8-9436-b352c68682b2", body.resource)
    assert.are.equal("string", type(body.expires_on))
    assert.are.equal(3599, tonumber(body.expires_on)
      - tonumber(body.not_before))
    assert.is_true(math.abs(tonumber(body.not_before) - os.time()) < 60)
    assert.is_nil(expect.ok(post(NEW_LOGIN, login())).resource)
  end)

  it("are kept by nobody on the way", function()
    start()
    for _, reply in ipairs { post(NEW_LOGIN, login()),
      post(NEW_LOGIN, login { client_secret = "wrong" }),
      post(EXCHANGE, exchange "key-till") } do
      assert.are.equal("no-store", reply.headers["cache-control"])
      assert.is_truthy(reply.headers["x-ms-correlation-id"])
    end
  end)

  it("take names and paths in any letter case, and any version", function()
    start()
    local path = "host:/Any-Tenant/OAuth2/V2.0/Token/"
    local first = expect.ok(post(path, {
      Grant_Type = "client_credentials", CLIENT_ID = "app",
      Client_Secret = "secret-app" }, { ["Api-Version"] = "9.9" })).access_token
    local reply = app:post("host:/SecurityService/token", {
      GRANT_TYPE = "client_credentials", Client_Assertion = first,
      Scope = "x", Context = app.id, Context_Type = "FinOps-Env",
    }, { auth = "Bearer of-something-else" })
    expect.ok(ask(expect.ok(reply).access_token))
  end)

  it("take values with any character, in every form", function()
    start()
    each_way(NEW_LOGIN, login { client_id = "app-2",
      client_secret = "secret+of & app=2%" }, expect.ok)
    each_way(NEW_LOGIN, login { client_id = "app-2",
      client_secret = "secret of & app=2%" }, refuse_client)
  end)

  it("take the ways in which clients write forms", function()
    start()
    local cases = {
      { "", as_form(login()) }, { "", as_json(login()) },
      { "", "\r\n " .. as_json(login()) },
      { FORM .. "; charset=UTF-8", as_form(login()) },
      { "application/json; charset=utf-8", as_json(login()) },
      { 'multipart/form-data; boundary="a b"; charset=utf-8',
        as_multipart(login(), "a b") },
      { "multipart/form-data; boundary=x", ([[
--x
Content-Type: text/plain; charset=utf-8
Content-Disposition: form-data; name=client_id

app
--x
Content-Disposition: form-data; name=client_secret

secret-app
--x
Content-Disposition: form-data; name=grant_type

client_credentials
--x--
]]):gsub("\n", "\r\n") },
    }
    for index, case in ipairs(cases) do
      local reply = app:call("POST", NEW_LOGIN, nil, { raw = case[2],
        auth = "none", headers = { ["Content-Type"] = case[1] } })
      assert.are.equal(200, reply.status, index .. ": " .. reply.body)
    end
    local body = as_multipart(login())
    local connection = http.connect(app.server.port)
    local reply = connection:request { method = "POST",
      target = app:target(NEW_LOGIN), body = http.chunked(body, 7),
      headers = { ["Content-Type"] = MULTIPART,
        ["Transfer-Encoding"] = "chunked" } }
    connection:close()
    assert.are.equal(200, reply.status, reply.body)
  end)

  it("take the credentials of a client in the header, too", function()
    start()
    local only = { grant_type = "client_credentials" }
    -- "app:secret-app", "app:secret-app:", "app"
    local reply = post(NEW_LOGIN, only,
      { Authorization = "Basic YXBwOnNlY3JldC1hcHA=" })
    expect.ok(post(SERVICE, exchange(expect.ok(reply).access_token)))
    for _, text in ipairs { "YXBwOnNlY3JldC1hcHA6", "YXBw", "=", "a b",
      "YXBwOnNlY3JldC1hcHA" } do
      refuse_client(post(NEW_LOGIN, only, { Authorization = "basic " .. text }))
    end
    -- In the second step nobody asks for them.
    refuse_client(post(EXCHANGE, exchange "wrong",
      { Authorization = "Basic YXBwOnNlY3JldC1hcHA=" }))
  end)

  it("name what is missing or wrong", function()
    start()
    local function check(path, parameters, code, field, word)
      each_way(path, parameters, function(reply)
        expect.invalid(reply, code, field)
        assert.are.equal(word or "invalid_request", reply.json.error)
      end)
    end
    for _, path in ipairs { NEW_LOGIN, OLD_LOGIN } do
      for _, name in ipairs { "grant_type", "client_id", "client_secret" } do
        check(path, login { [name] = false }, "missing_field", name)
        check(path, login { [name] = "" }, "missing_field", name)
      end
      check(path, login { grant_type = "password" }, "invalid_field",
        "grant_type", "unsupported_grant_type")
    end
    for _, path in ipairs { EXCHANGE, SERVICE } do
      for _, name in ipairs { "grant_type", "client_assertion" } do
        check(path, exchange("key-till", { [name] = false }),
          "missing_field", name)
      end
      check(path, exchange("key-till", { grant_type = "refresh_token" }),
        "invalid_field", "grant_type", "unsupported_grant_type")
      for name, value in pairs { client_assertion_type = "jwt-bearer",
        context_type = "tenant", context = "../demo" } do
        check(path, exchange("key-till", { [name] = value }),
          "invalid_field", name)
      end
    end
    check(EXCHANGE, exchange(("k"):rep(5000), { context = ("e"):rep(51) }),
      "invalid_field", "context")
  end)

  it("refuse what is no form", function()
    start()
    local function send(content_type, body)
      return app:call("POST", NEW_LOGIN, nil, { raw = body, auth = "none",
        headers = { ["Content-Type"] = content_type } })
    end
    for _, content_type in ipairs { "text/plain", "application/xml",
      "multipart/form-data", "multipart/form-data; boundary=a@b",
      "multipart/mixed; boundary=x", FORM .. "; charset=latin1" } do
      local reply = send(content_type, as_form(login()))
      assert.are.equal(415, reply.status, content_type)
      expect.body(reply, { code = "unsupported_media_type",
        error = "invalid_request" })
    end
    expect.invalid(send(FORM, "client_id=%"), "invalid_field", "body")
    expect.invalid(send(FORM, as_form(login()) .. "&Client_ID=app"),
      "duplicate_key", "client_id")
    expect.invalid(send(FORM, ("a=1&"):rep(129)), "too_many_items", "body")
    expect.invalid(send(MULTIPART, as_multipart(login()):sub(1, -5)),
      "invalid_field", "body")
    expect.invalid(send(MULTIPART, as_form(login())), "invalid_field", "body")
    expect.invalid(send("application/json", "{"), "bad_json")
    expect.invalid(send("application/json", "[]"), "invalid_field", "body")
    expect.invalid(send("application/json",
      '{"grant_type":"client_credentials","client_id":7,"client_secret":"s"}'),
      "invalid_field", "client_id")
    expect.invalid(send("application/json",
      '{"client_id":"a","Client_Id":"b"}'), "duplicate_key")
    expect.invalid(send(FORM, as_form(login {
      client_secret = ("s"):rep(16385) })), "too_long", "client_secret")
    local reply = send(FORM, as_form(login { x = ("x"):rep(65536) }))
    assert.are.equal(413, reply.status)
    expect.body(reply, { code = "body_too_large" })
    assert.is_truthy(reply.json.message:find("65536", 1, true))
  end)

  it("are GET and POST, and GET has no body", function()
    start()
    for _, path in ipairs { NEW_LOGIN, OLD_LOGIN, EXCHANGE, SERVICE } do
      local reply = app:call("PUT", path, nil, { raw = "{}", auth = "none" })
      -- What a path answers to is told to those who may ask.
      assert.are.equal(401, reply.status)
      reply = app:call("PUT", path, nil, { raw = "{}",
        auth = "Bearer key-till" })
      assert.are.equal(405, reply.status)
      assert.are.equal("GET, HEAD, POST", reply.headers.allow)
    end
    local reply = app:call("GET", NEW_LOGIN, nil, { raw = as_form(login()),
      auth = "none", headers = { ["Content-Type"] = FORM } })
    assert.are.equal(400, reply.status)
    -- Parameters of a POST are in its body.
    expect.invalid(app:call("POST", NEW_LOGIN .. "?" .. as_form(login()), nil,
      { auth = "none" }), "missing_field", "grant_type")
  end)

  it("let nobody in who is not known", function()
    start()
    for _, case in ipairs { login { client_secret = "secret-app " },
      login { client_secret = "key-till" }, login { client_id = "App" },
      login { client_id = "app-2" }, login { client_id = "till",
        client_secret = "key-till" } } do
      each_way(NEW_LOGIN, case, refuse_client)
      each_way(OLD_LOGIN, case, refuse_client)
    end
    local first, second = token_of(NEW_LOGIN, login()), client_token()
    for _, assertion in ipairs { "wrong", "secret-app", second, first .. "A",
      first:sub(1, -2), "Bearer " .. first,
      "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhcHAifQ." } do
      each_way(EXCHANGE, exchange(assertion), refuse_client)
      each_way(SERVICE, exchange(assertion), refuse_client)
    end
  end)

  it("give a first token that is good for the second step only", function()
    start()
    local first = token_of(NEW_LOGIN, login())
    local reply = ask(first)
    assert.are.equal(401, reply.status)
    assert.are.equal("", reply.body)
    expect.ok(ask(token_of(SERVICE, exchange(first))))
  end)

  it("give the roles of the key or client, and its name", function()
    start()
    local tokens = { till = key_token "key-till", app = client_token(),
      desk = key_token "key-desk" }
    local function put(name)
      return app:post("/onhand", app:event { wms = { unrestricted = 1 } },
        { auth = "bearer " .. tokens[name] })
    end
    expect.forbidden(put "till")
    expect.ok(put "app")
    expect.ok(put "desk")
    expect.forbidden(app:post("host:/api/admin/reload", nil,
      { auth = "Bearer " .. tokens.app }))
    app.auth = "Bearer " .. tokens.till
    local events = app:events()
    assert.are.equal(2, #events)
    assert.are.equal("app", events[1].actor)
    assert.are.equal("desk", events[2].actor)
  end)

  it("give tokens of which no letter can be changed", function()
    start()
    local token = key_token "key-till"
    for at = 1, #token do
      local letter = token:sub(at, at) == "A" and "B" or "A"
      local reply = ask(token:sub(1, at - 1) .. letter .. token:sub(at + 1))
      assert.are.equal(401, reply.status, "letter " .. at)
    end
    expect.ok(ask(token))
  end)

  it("narrow a token to the environment it was asked for", function()
    start()
    local token = key_token("key-desk", { context = OTHER })
    expect.ok(ask(token, OTHER))
    expect.not_found(ask(token), "unknown_environment")
    expect.not_found(ask(token, App.guid()), "unknown_environment")
    local document = App.document("standard.json", nil, app.id)
    expect.not_found(app:post("/configuration/hardupdate", document,
      { auth = "Bearer " .. token }), "unknown_environment")
    local reload = expect.ok(app:post("host:/api/admin/reload", nil,
      { auth = "Bearer " .. token }))
    assert.are.equal(1, #reload.environments)
    assert.are.equal(OTHER, reload.environments[1].environmentId)
    -- Without a context it is as wide as its key.
    token = key_token "key-desk"
    expect.ok(ask(token, OTHER))
    expect.ok(ask(token))
    assert.are.equal(2, #expect.ok(app:post("host:/api/admin/reload", nil,
      { auth = "Bearer " .. token })).environments)
  end)

  it("keep tokens apart that are used in turn", function()
    start()
    local here = key_token("key-desk", { context = app.id })
    local there = key_token("key-desk", { context = OTHER })
    for _ = 1, 20 do
      expect.ok(ask(here))
      expect.not_found(ask(there), "unknown_environment")
      expect.ok(ask(there, OTHER))
      expect.not_found(ask(here, OTHER), "unknown_environment")
      expect.ok(ask "key-desk")
    end
  end)

  it("give no token for an environment out of reach", function()
    start()
    local first = token_of(NEW_LOGIN, login { client_id = "abroad",
      client_secret = "secret-abroad" })
    for _, assertion in ipairs { "key-elsewhere", first } do
      local replies = {}
      for _, context in ipairs { app.id, App.guid() } do
        each_way(EXCHANGE, exchange(assertion, { context = context }),
          function(reply)
            expect.forbidden(reply)
            expect.body(reply, { field = "context",
              error = "unauthorized_client" })
            replies[#replies + 1] = reply.json.message
          end)
      end
      -- One that is there is refused in the same words as one that is not.
      for _, message in ipairs(replies) do
        assert.are.equal(replies[1], message)
      end
      local token = key_token(assertion, { context = OTHER })
      expect.ok(ask(token, OTHER))
      expect.not_found(ask(token), "unknown_environment")
      expect.not_found(ask(key_token(assertion)), "unknown_environment")
    end
  end)

  it("give tokens that last an hour", function()
    if not Clock.available() then pending("libfaketime is not installed") end
    app = App.start { stopped = true, server = { auth = AUTH } }
    local clock = Clock.new("2031-05-05T10:00:00Z", app.server.root)
    app.server.options.environment = clock:environment()
    app.server:start()
    -- Every timer of the server jumps with its clock.
    local function move(text)
      clock:move(text)
      app:disconnect()
    end
    local first, second = token_of(NEW_LOGIN, login()), key_token "key-till"
    expect.ok(ask(second))
    move "+3590s"
    expect.ok(ask(second))
    local third = token_of(SERVICE, exchange(first))
    move "+10s"
    assert.are.equal(401, ask(second).status)
    refuse_client(post(SERVICE, exchange(first)))
    expect.ok(ask(third))
    expect.ok(ask "key-till")
    -- What was made when the clock was wrong does not outlive that.
    move "-1d"
    assert.are.equal(401, ask(third).status)
    expect.ok(ask(key_token "key-till"))
  end)

  it("give tokens that outlive the server", function()
    start()
    local first, second = token_of(NEW_LOGIN, login()), key_token "key-till"
    app:restart "stop"
    expect.ok(ask(second))
    app:restart "kill"
    expect.ok(ask(second))
    expect.ok(ask(token_of(SERVICE, exchange(first))))
  end)

  -- Start again with other keys and clients.
  local function change_auth(list)
    app:disconnect()
    app.server:stop()
    folder.write(app.server.root .. "/ringfence.json",
      json.encode { auth = list })
    app.server:start()
  end

  it("give tokens that end with their key or client", function()
    start()
    local first = token_of(NEW_LOGIN, login())
    local of_key, of_client = key_token "key-till", client_token()
    change_auth { keys = { keys.entry("till", "key-new", { "reader" }) },
      clients = { keys.client("app", "secret-new", { "writer" }) } }
    assert.are.equal(401, ask(of_key).status)
    assert.are.equal(401, ask(of_client).status)
    refuse_client(post(SERVICE, exchange(first)))
    -- Whoever gets the key back has the roles that it has now.
    change_auth { keys = { keys.entry("till", "key-till", { "reader" },
      { OTHER }) }, clients = {
      keys.client("app", "secret-app", { "reader" }) } }
    expect.not_found(ask(of_key), "unknown_environment")
    expect.ok(ask(of_client))
    expect.forbidden(app:post("/onhand",
      app:event { wms = { unrestricted = 1 } },
      { auth = "Bearer " .. of_client }))
  end)

  local function secret_file()
    return app.server.root .. "/data/token.secret"
  end

  it("sign with a secret that nobody else may read", function()
    start()
    local pipe = io.popen("stat -c '%a %s' " .. folder.quote(secret_file()))
    assert.are.equal("600 32", pipe:read("l"))
    pipe:close()
    local token = key_token "key-till"
    app:disconnect()
    app.server:stop()
    os.remove(secret_file())
    app.server:start()
    assert.are.equal(401, ask(token).status)
    expect.ok(ask(key_token "key-till"))
  end)

  it("need a secret that is whole", function()
    app = App.start { server = { auth = AUTH } }
    app.server:stop()
    local good = folder.read(secret_file())
    for _, text in ipairs { "", good:sub(2), good .. "x", ("\0"):rep(32) } do
      folder.write(secret_file(), text)
      local status, _, errors = app.server:tool("serve", "--listen",
        "127.0.0.1:0")
      assert.are.equal(2, status, errors)
      assert.is_truthy(errors:find("token.secret is damaged", 1, true), errors)
      assert.are.equal(text, folder.read(secret_file()))
    end
    folder.write(secret_file(), good)
    app.server:start()
  end)

  it("give everybody a token where no keys are configured", function()
    start { server = json.object() }
    each_way(NEW_LOGIN, login { client_id = "anyone", client_secret = "any" },
      expect.ok)
    -- A token of the hosted service's own login, as clients bring it.
    local foreign = "eyJ0eXAiOiJKV1QifQ." .. ("eyJhdWQi"):rep(400) .. ".c2ln"
    each_way(SERVICE, exchange(foreign, { context = app.id }),
      function(reply)
        expect.ok(ask(expect.ok(reply).access_token))
      end)
    local token = key_token "anything"
    expect.invalid(post(NEW_LOGIN, login { client_secret = false }),
      "missing_field", "client_secret")
    change_auth(AUTH)
    assert.are.equal(401, ask(token).status)
    expect.ok(ask(key_token "key-till"))
  end)

  it("never show what they were given in the log", function()
    start()
    local shown = {}
    for _, path in ipairs { NEW_LOGIN, OLD_LOGIN } do
      each_way(path, login { client_secret = "hidden" }, function(reply)
        shown[#shown + 1] = reply.body
      end)
      each_way(path, login { client_secret = "hidden", grant_type = "hidden" },
        function(reply) shown[#shown + 1] = reply.body end)
    end
    each_way(EXCHANGE, exchange("hidden", { context = "hidden/" }),
      function(reply) shown[#shown + 1] = reply.body end)
    local token = client_token()
    expect.ok(ask(token))
    app:disconnect()
    app.server:stop()
    shown[#shown + 1] = app.server:stderr()
    for _, text in ipairs(shown) do
      assert.is_nil(text:find("hidden", 1, true), text)
      assert.is_nil(text:find("secret-app", 1, true), text)
      assert.is_nil(text:find(token, 1, true), text)
    end
  end)

  it("are counted by path and status", function()
    start()
    post(NEW_LOGIN, login())
    post(NEW_LOGIN, login { client_secret = "wrong" })
    local text = app:get("host:/metrics", { auth = "Bearer key-till" }).body
    for _, status in ipairs { 200, 401 } do
      local line = ('ringfence_requests_total{route="/{tenant}/oauth2/v2.0'
        .. '/token",method="POST",status="%d"} 1'):format(status)
      assert.is_truthy(text:find(line, 1, true), text)
    end
  end)
end)

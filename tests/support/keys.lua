-- keys.lua - API keys for the server's configuration.

local folder = require "tests.support.folder"

local keys = {}

local function sha256(text)
  local pipe = io.popen(("printf %%s %s | sha256sum"):format(
    folder.quote(text)))
  local digest = pipe:read("a"):match("^%x+")
  pipe:close()
  return assert(digest, "sha256sum failed")
end

-- The entry that makes `secret` a key with these roles, in all environments
-- unless some are named.
function keys.entry(name, secret, roles, environments)
  return {
    name = name, sha256 = sha256(secret), roles = roles,
    environments = environments or { "*" },
  }
end

-- The same for a client of the token calls.
function keys.client(id, secret, roles, environments)
  return {
    clientId = id, secretSha256 = sha256(secret), roles = roles,
    environments = environments or { "*" },
  }
end

return keys

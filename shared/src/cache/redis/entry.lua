-- What every script starts with: how an entry is written.
--
-- An entry is a string "<kind>:<expiry>:<content>": kinds are v (value), n (count), t (count up to a
-- moment), g (when a quota is whole again, in Unix microseconds), s (session mark) and u (user mark); the expiry is in Unix milliseconds by the caller's clock, which tests move.
-- Redis's own expiry comes later and only cleans up.

-- The content and expiry of a live entry, or nil. GET and not MGET, which passes over a wrong type.
local function live(key, kind, now)
  local raw = redis.call('GET', key)
  if not raw then return nil end
  local found, expires, content = string.match(raw, '^(%l):(%d+):(.*)$')
  if not found then error('CORRUPT') end
  if tonumber(expires) <= now then return nil end
  if found ~= kind then error('CORRUPT') end
  return content, tonumber(expires)
end

local function put(key, kind, expires, content, ttl)
  redis.call('SET', key, kind .. ':' .. expires .. ':' .. content, 'PX', ttl)
end

-- Since when this Redis has been recording deny marks. An empty one starts now.
local function recording_since(key, now)
  local since = redis.call('GET', key)
  if not since then
    since = string.format('%.0f', now)
    redis.call('SET', key, since)
  end
  if not string.match(since, '^%d+$') then error('CORRUPT') end
  return tonumber(since)
end

-- The parts of a user mark "<version>:<1 denied, 0 allowed>:<before>". Versions are padded to the 20
-- digits of a u64 and compared as text, because Lua's numbers are doubles.
local function user_mark(content)
  local version, denied, before = string.match(content, '^(%d+):([01]):(%-?%d+)$')
  if not version or #version ~= 20 then error('CORRUPT') end
  return version, denied, before
end

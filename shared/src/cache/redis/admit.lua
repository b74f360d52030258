-- KEYS: entries. ARGV: now, time to live beyond the expiry, the farthest that a number can be ahead,
-- then three for each entry: its kind, and for 'g' interval and capacity in microseconds (as the
-- third above), for 't' how many there may be and when they end.
-- Returns whether it counted, and of each entry how far ahead of now its number was, or its count.
-- The rule is that of quota.rs, which explains it.
local now = tonumber(ARGV[1])
local farthest = tonumber(ARGV[3])

local function paced(key, interval, capacity)
  local content, expires = live(key, 'g', now)
  local ahead = 0
  if content then
    if not string.match(content, '^%d+$') or #content > 16 then error('CORRUPT') end
    ahead = tonumber(content) - now * 1000
    if ahead > farthest or math.ceil(tonumber(content) / 1000) ~= expires then error('CORRUPT') end
  end
  return ahead, ahead + interval <= capacity
end

local function tallied(key, most)
  local content = live(key, 't', now)
  if content and (not string.match(content, '^%d+$') or #content > 10) then error('CORRUPT') end
  local count = tonumber(content or 0)
  return count, count < most
end

local reply, counted = {1}, true
for i = 1, #KEYS do
  local one, two = tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  local rule = ARGV[3 * i + 1] == 'g' and paced or tallied
  local stand, room = rule(KEYS[i], one, two)
  reply[i + 1] = stand
  counted = counted and room
end
if not counted then
  reply[1] = 0
  return reply
end

for i = 1, #KEYS do
  local kind, one, two = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  local content, expires = reply[i + 1] + 1, two
  if kind == 'g' then
    content = now * 1000 + reply[i + 1] + one
    expires = math.ceil(content / 1000)
  end
  local ttl = math.max(expires - now, 0) + tonumber(ARGV[2])
  put(KEYS[i], kind, string.format('%.0f', expires), string.format('%.0f', content), string.format('%.0f', ttl))
end
return reply

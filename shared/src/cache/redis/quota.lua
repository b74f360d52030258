-- How an attempt is held to quotas; the rule is that of quota.rs, which explains it.
--
-- From KEYS[first] on: the quotas' entries. ARGV, from `base` on: time to live beyond the expiry, the
-- farthest that a number can be ahead, then three for each entry: its kind, and for 'g' interval and
-- capacity in microseconds (as the farthest), for 't' how many there may be and when they end.
-- Returns whether it counted, and of each entry how far ahead of now its number was, or its count.
local function admission(now, first, base)
  local slack, farthest = tonumber(ARGV[base]), tonumber(ARGV[base + 1])

  local function paced(key, interval, capacity)
    local content, expires = live(key, 'g', now)
    local ahead = 0
    if content then
      if not string.match(content, '^%d+$') or #content > 16 then error('CORRUPT') end
      ahead = tonumber(content) - now * 1000
      if ahead > farthest or math.ceil(tonumber(content) / 1000) ~= expires then error('CORRUPT') end
    end
    -- By a clock that is behind, it would come back later than the whole takes.
    ahead = math.min(ahead, capacity)
    return ahead, ahead + interval <= capacity
  end

  local function tallied(key, most)
    local content = live(key, 't', now)
    if content and (not string.match(content, '^%d+$') or #content > 10) then error('CORRUPT') end
    local count = tonumber(content or 0)
    return count, count < most
  end

  local function quota(i)
    local at = base + 2 + 3 * (i - first)
    return ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  end

  local reply, counted = {1}, true
  for i = first, #KEYS do
    local kind, one, two = quota(i)
    local rule = kind == 'g' and paced or tallied
    local stand, room = rule(KEYS[i], one, two)
    reply[i - first + 2] = stand
    counted = counted and room
  end
  if not counted then
    reply[1] = 0
    return reply
  end

  for i = first, #KEYS do
    local kind, one, two = quota(i)
    local content, expires = reply[i - first + 2] + 1, two
    if kind == 'g' then
      content = now * 1000 + reply[i - first + 2] + one
      expires = math.ceil(content / 1000)
    end
    local ttl = math.max(expires - now, 0) + slack
    put(KEYS[i], kind, string.format('%.0f', expires), string.format('%.0f', content), string.format('%.0f', ttl))
  end
  return reply
end

-- KEYS: entries. ARGV: now, time to live beyond the expiry, the farthest that a number can be ahead,
-- then each entry's interval and capacity. The last three are in microseconds.
-- Returns whether it counted, and how far ahead of now the number of each entry was.
-- The rule is that of quota.rs, which explains it.
local now = tonumber(ARGV[1])
local farthest = tonumber(ARGV[3])
local reply, counted = {1}, true
for i = 1, #KEYS do
  local content, expires = live(KEYS[i], 'g', now)
  local ahead = 0
  if content then
    if not string.match(content, '^%d+$') or #content > 16 then error('CORRUPT') end
    ahead = tonumber(content) - now * 1000
    if ahead > farthest or math.ceil(tonumber(content) / 1000) ~= expires then error('CORRUPT') end
  end
  reply[i + 1] = ahead
  if ahead + tonumber(ARGV[2 * i + 2]) > tonumber(ARGV[2 * i + 3]) then counted = false end
end
if not counted then
  reply[1] = 0
  return reply
end

for i = 1, #KEYS do
  local whole = now * 1000 + reply[i + 1] + tonumber(ARGV[2 * i + 2])
  local expires = math.ceil(whole / 1000)
  put(KEYS[i], 'g', string.format('%.0f', expires), string.format('%.0f', whole),
    string.format('%.0f', expires - now + tonumber(ARGV[2])))
end
return reply

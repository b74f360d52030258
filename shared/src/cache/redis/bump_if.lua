-- KEYS: entry. ARGV: now, expiry of a window that starts now, time to live beyond the expiry, limit.
-- Returns whether admitted, the count, and how long the window lasts.
local now = tonumber(ARGV[1])
local content, expires = live(KEYS[1], 'n', now)
if content and not string.match(content, '^%d+$') then error('CORRUPT') end
local count = tonumber(content or 0)
expires = expires or tonumber(ARGV[2])
if count >= tonumber(ARGV[4]) then return {0, count, expires - now} end

count = count + 1
local ttl = expires - now + tonumber(ARGV[3])
put(KEYS[1], 'n', string.format('%.0f', expires), string.format('%.0f', count), string.format('%.0f', ttl))
return {1, count, expires - now}

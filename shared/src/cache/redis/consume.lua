-- KEYS: entry. ARGV: now. Returns the value or nil.
local value = live(KEYS[1], 'v', tonumber(ARGV[1]))
if not value then return false end
redis.call('DEL', KEYS[1])
return value

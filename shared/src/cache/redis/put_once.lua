-- KEYS: entry. ARGV: now, expiry, time to live, value. Returns 1 if kept, 0 if taken.
if live(KEYS[1], 'v', tonumber(ARGV[1])) then return 0 end
put(KEYS[1], 'v', ARGV[2], ARGV[4], ARGV[3])
return 1

-- KEYS: since, user mark, session mark, then the quotas' entries. ARGV: now, when the session was
-- created, then what an admission takes.
-- Returns the standing, and the admission: nothing of one for who is denied, since it is not counted.
local now = tonumber(ARGV[1])
local found = standing(now)
local denied_before = found[3]
if found[2] == 1 or (denied_before and tonumber(ARGV[2]) <= tonumber(denied_before)) then
  return {found, {}}
end
return {found, admission(now, 4, 3)}

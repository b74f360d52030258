-- KEYS: the quotas' entries. ARGV: now, then what an admission takes.
return admission(tonumber(ARGV[1]), 1, 2)

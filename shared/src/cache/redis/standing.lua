-- KEYS: since, user mark, session mark. ARGV: now.
return standing(tonumber(ARGV[1]))

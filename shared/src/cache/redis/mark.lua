-- KEYS: since, then each mark's entry. ARGV: now, expiry, time to live, then each mark's kind and content.
local now = tonumber(ARGV[1])
recording_since(KEYS[1], now)

-- Whether what is there wins over the new mark: by version, then denial over none, then the later moment.
local function outdated(key, content)
  local present = live(key, 'u', now)
  if not present then return false end
  local version, denied, before = user_mark(present)
  local new_version, new_denied, new_before = user_mark(content)
  if version ~= new_version then return version > new_version end
  if denied ~= new_denied then return denied > new_denied end
  return tonumber(before) > tonumber(new_before)
end

local corrupt = false
for i = 2, #KEYS do
  local kind, content = ARGV[2 * i], ARGV[2 * i + 1]
  local readable, skip = true, false
  if kind == 'u' then readable, skip = pcall(outdated, KEYS[i], content) end
  if not readable then
    -- The others must not go unwritten for it.
    corrupt = true
  elseif not skip then
    put(KEYS[i], kind, ARGV[2], content, ARGV[3])
  end
end
if corrupt then error('CORRUPT') end
return 1

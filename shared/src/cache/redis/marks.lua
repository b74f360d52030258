-- Since when marks are recorded (KEYS[1]), whether the session is denied (KEYS[3]), and before when
-- the user is (KEYS[2]).
local function standing(now)
  local since = recording_since(KEYS[1], now)

  local user_denied_before = false
  local content = live(KEYS[2], 'u', now)
  if content then
    local _, denied, before = user_mark(content)
    if denied == '1' then user_denied_before = before end
  end
  local session_denied = live(KEYS[3], 's', now) and 1 or 0
  return {since, session_denied, user_denied_before}
end

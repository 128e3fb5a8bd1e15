-- Fonal hears how each call of this FreeSWITCH ended. This file goes into its scripts folder as fonal.lua,
-- fonal-call.sh to /usr/local/bin, its address and secret into /etc/fonal-call.conf, readable by freeswitch only.
--
-- Where a call comes in (conf/dialplan/public/…), before the bridge:
--
--   <action application="set" data="api_hangup_hook=lua fonal.lua"/>
--
-- For a message node in the call flow: <action application="curl" …/>, see docs/call-logic.md.

local SENDER = os.getenv("FONAL_SENDER") or "/usr/local/bin/fonal-call.sh"

local function told(name)
  return env:getHeader(name) or ""
end

-- Whatever a caller can choose comes here: as one word of the shell's.
local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function seconds(name)
  return tonumber(told(name)) or 0
end

local BUSY = { USER_BUSY = true, CALL_REJECTED = true }
local MISSED = { ORIGINATOR_CANCEL = true, NO_ANSWER = true, NO_USER_RESPONSE = true, ALLOTTED_TIMEOUT = true, NORMAL_CLEARING = true, [""] = true }

-- "Answered" by a menu or a mailbox is not answered: somebody must have been bridged.
local function event()
  local outcome = told("originate_disposition")
  if seconds("bridge_epoch") > 0 then
    return "answered"
  elseif BUSY[outcome] then
    return "busy"
  elseif outcome == "SUCCESS" or MISSED[outcome] then
    return "missed"
  end
  return "failed"
end

local what, ended = event(), seconds("end_epoch")
local at = what == "answered" and seconds("bridge_epoch") or ended
local words = { what, told("uuid"), told("caller_id_number"), told("destination_number") }
if at > 0 then
  words[#words + 1] = "at=" .. os.date("!%Y-%m-%dT%H:%M:%SZ", at)
end
if what == "answered" then
  words[#words + 1] = "duration=" .. string.format("%d", math.max(0, ended - at))
  words[#words + 1] = "agent=" .. told("dialed_extension"):sub(1, 80)
end

local command = SENDER
for _, word in ipairs(words) do
  command = command .. " " .. quoted(word)
end
os.execute(command .. " </dev/null >/dev/null 2>&1 &")

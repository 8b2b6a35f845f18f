-- The hook's heartbeat, so that the other scripts notice when it does not run: forgetting to add it is the likeliest mistake.
local need = ...
local files = need ("files")
local pulse = {}

local EVERY, OLD = 5, 60 -- seconds; Ardour runs no hook while it loads a session, and that can take a while

local function path ()
	return ARDOUR.user_config_directory (-1) .. "/takebridge-hook"
end

-- The hook calls this ten times a second.
function pulse.beat ()
	if os.time () - (pulse.last or 0) >= EVERY then
		pulse.last = os.time ()
		files.write (path (), tostring (pulse.last))
	end
end

function pulse.felt ()
	local last = tonumber (files.read (path ()) or "")
	return last ~= nil and os.time () - last < OLD
end

return pulse

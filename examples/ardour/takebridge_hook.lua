ardour {
	["type"] = "EditorHook",
	name = "Takebridge: Place takes",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Shows the progress of requests and places their takes in the session, on the exact sample.]]
}

function signals ()
	return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true })
end

function factory ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	local waiting = library and library () ("waiting")
	return function ()
		if waiting then waiting.look () end -- without it the other scripts say what is missing
	end
end

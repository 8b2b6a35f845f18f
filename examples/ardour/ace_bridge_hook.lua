ardour {
	["type"] = "EditorHook",
	name = "ACE Bridge: Place takes",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Shows how far requests are, and puts their takes into the session at the exact sample.]]
}

function signals ()
	return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true })
end

function factory ()
	local folder = ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/"
	local library = assert (loadfile (folder .. "bridge.lua"), "Copy the folder ace_bridge to " .. folder)
	local waiting = library (folder) ("waiting")
	return function () waiting.look () end
end

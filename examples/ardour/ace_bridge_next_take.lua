ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Next take",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Plays the next take of the same request.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("choosing").next_take () end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Settings",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Prompt, key, number of takes, strength and stems of the next requests.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("settings").edit () end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Settings",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Prompt, key, number of takes, strength and stems for the next requests.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("settings").edit () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

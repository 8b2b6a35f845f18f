ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Accompany",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Makes a backing for the selected voice or instrument, on a track of its own.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").ask ("accompany") end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

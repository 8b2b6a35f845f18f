ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Accompany",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Renders a backing for the selected voice or instrument on a new track.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").ask ("accompany") end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

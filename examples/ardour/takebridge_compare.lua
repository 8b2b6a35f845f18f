ardour {
	["type"] = "EditorAction",
	name = "Takebridge: A/B",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Switches between the take and the original.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("choosing").compare () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

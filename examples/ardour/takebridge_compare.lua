ardour {
	["type"] = "EditorAction",
	name = "Takebridge: A/B",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Changes between the take and the original.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("choosing").compare () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Cancel",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Stops every request of this session.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").cancel () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

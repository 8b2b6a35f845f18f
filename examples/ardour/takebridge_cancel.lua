ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Cancel",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Cancels every request of this session.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").cancel () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

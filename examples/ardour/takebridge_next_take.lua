ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Next take",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Plays the next take of the same request.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("choosing").next_take () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Self-test",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Proves on a track of its own that this Ardour does what the scripts rely on, and writes a report.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("selftest").run () end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

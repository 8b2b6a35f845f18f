ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Repaint",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Renders new takes of the selected range as playlists of the track.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").ask ("repaint") end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Repaint",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Renders the selected range of a track anew; the takes come as playlists of the track.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").ask ("repaint") end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

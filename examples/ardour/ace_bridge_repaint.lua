ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Repaint",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Renders the selected range of a track anew; the takes come as playlists of the track.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("asking").ask ("repaint") end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Accompany",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Makes a backing for the selected voice or instrument, on a track of its own.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("asking").ask ("accompany") end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Extract stems",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Splits the selected range into stems, each on a track of its own.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("asking").ask ("extract") end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

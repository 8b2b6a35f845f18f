ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Cancel",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Stops every request of this session.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("asking").cancel () end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

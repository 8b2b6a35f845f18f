ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: A/B",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Changes between the take and the original.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("choosing").compare () end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

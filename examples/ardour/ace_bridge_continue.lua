ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Continue",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Goes on from what is before the selected range, or fills a gap.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/bridge.lua")
	if library then return library () ("asking").ask ("continue") end
	LuaDialog.Message ("ACE Bridge", "Copy the folder ace_bridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Continue",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Goes on from what is before the selected range, or fills a gap.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").ask ("continue") end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge to Ardour's scripts, beside this script.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

ardour {
	["type"] = "EditorAction",
	name = "Takebridge: Continue",
	license = "MIT",
	author = "The Takebridge developers",
	description = [[Continues from the audio before the selected range, or fills a gap.]]
}

function factory () return function ()
	local library = loadfile (ARDOUR.user_config_directory (-1) .. "/scripts/takebridge/bridge.lua")
	if library then return library () ("asking").ask ("continue") end
	LuaDialog.Message ("Takebridge", "Copy the folder takebridge next to this script in Ardour's scripts folder.",
		LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end

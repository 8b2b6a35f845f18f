ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Settings",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Prompt, key, number of takes, strength and stems of the next requests.]]
}

function factory () return function ()
	local folder = ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/"
	local library = loadfile (folder .. "bridge.lua")
	if not library then
		LuaDialog.Message ("ACE Bridge", "This script needs its library: copy the folder ace_bridge to " .. folder,
			LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
		return
	end
	library (folder) ("settings").edit ()
end end

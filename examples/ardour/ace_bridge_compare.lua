ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: A/B",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Changes between the take and the original.]]
}

function factory () return function ()
	local folder = ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/"
	local library = loadfile (folder .. "bridge.lua")
	if not library then
		LuaDialog.Message ("ACE Bridge", "This script needs its library: copy the folder ace_bridge to " .. folder,
			LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
		return
	end
	library (folder) ("choosing").compare ()
end end

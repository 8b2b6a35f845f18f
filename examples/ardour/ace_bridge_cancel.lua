ardour {
	["type"] = "EditorAction",
	name = "ACE Bridge: Cancel",
	license = "MIT",
	author = "The ACE Bridge developers",
	description = [[Stops every request of this session.]]
}

function factory () return function ()
	local folder = ARDOUR.user_config_directory (-1) .. "/scripts/ace_bridge/"
	local library = loadfile (folder .. "bridge.lua")
	if not library then
		LuaDialog.Message ("ACE Bridge", "This script needs its library: copy the folder ace_bridge to " .. folder,
			LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
		return
	end
	library (folder) ("asking").cancel ()
end end

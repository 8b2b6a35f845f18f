-- Messages to the producer: in a window, and in a log file in the session's folder.
local message = {}

function message.log (text)
	local file = io.open (Session:path () .. "/takebridge.log", "a")
	if file then
		file:write (os.date ("%Y-%m-%d %H:%M:%S "), text, "\n")
		file:close ()
	end
end

local function window (text, kind)
	message.log (text)
	LuaDialog.Message ("Takebridge", text, kind, LuaDialog.ButtonType.Close):run ()
end

function message.inform (text) window (text, LuaDialog.MessageType.Info) end
function message.warn (text) window (text, LuaDialog.MessageType.Warning) end

message.START = "Start it in a terminal with\n\n    takebridge serve\n\nand press the key again."

return message

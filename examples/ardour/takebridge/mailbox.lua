-- The server's mailbox: a request is a file in `in`, its answers are lines of a file in `out`. Ardour's Lua has no sockets.
local need = ...
local files, json = need ("files"), need ("json")
local mailbox = {}

local CLIENT = "ardour"

-- Where the server keeps its data by default (bridge_server/platforms.py).
local function usual_store ()
	local home, local_data = os.getenv ("HOME") or "", os.getenv ("LOCALAPPDATA")
	if local_data and local_data ~= "" then -- Windows
		return local_data .. "/takebridge"
	elseif files.exists (home .. "/Library/Application Support") then
		return home .. "/Library/Application Support/takebridge"
	end
	local data = os.getenv ("XDG_DATA_HOME")
	return (data and data ~= "" and data or home .. "/.local/share") .. "/takebridge"
end

-- The mailbox folder: of the store that TAKEBRIDGE_STORE names, or the usual one, or of a server that has its store
-- elsewhere and says so (docs/mailbox.md).
function mailbox.folder ()
	local store = os.getenv ("TAKEBRIDGE_STORE")
	if store and store ~= "" then return store .. "/mailbox" end
	store = usual_store ()
	local moved = not files.exists (store .. "/server.json") and files.read (store .. "/mailbox.txt")
	return moved and moved:match ("^%s*(.-)%s*$") or store .. "/mailbox"
end

-- Whether a server claims to be running. One that was killed still does: see `taken`.
function mailbox.open ()
	return files.exists (mailbox.folder () .. "/../server.json")
end

-- A new name, for a request and its files.
function mailbox.new_name (word)
	return string.format ("%s-%s-%x-%x", CLIENT, word, os.time (), ARDOUR.LuaAPI.monotonic_time () & 0xffffff)
end

-- The functions below take the mailbox a request was sent to, by default today's: another server may have been started since.

-- Writes a request to the mailbox. Raises a sentence on failure.
function mailbox.send (name, method, params, folder)
	local call = { jsonrpc = "2.0", id = name, method = method, params = params, client = CLIENT }
	files.write ((folder or mailbox.folder ()) .. "/in/" .. name .. ".json", json.encode (call))
end

-- Whether a server has taken the request out of the mailbox.
function mailbox.taken (name, folder)
	return not files.exists ((folder or mailbox.folder ()) .. "/in/" .. name .. ".json")
end

-- Takes a request back that no server has taken.
function mailbox.withdraw (name, folder)
	os.remove ((folder or mailbox.folder ()) .. "/in/" .. name .. ".json")
end

-- Answers from byte `from` on, as tables, and where the next ones begin. A line that is still being written waits.
function mailbox.answers (name, from, folder)
	local text = files.read ((folder or mailbox.folder ()) .. "/out/" .. name .. ".jsonl", from) or ""
	local found = {}
	for line in text:gmatch ("([^\n]*)\n") do
		local fine, answer = pcall (json.decode, line)
		if fine then found[#found + 1] = answer end
		from = from + #line + 1
	end
	return found, from
end

-- `sources`: how many audio files the request came with; none if omitted.
function mailbox.forget (name, sources, folder)
	os.remove ((folder or mailbox.folder ()) .. "/out/" .. name .. ".jsonl")
	for index = 1, sources or 0 do os.remove (mailbox.audio (name, index, folder)) end
end

-- Where the audio of a request's tracks goes: the server may read this folder, and clears what is older than a day.
function mailbox.audio (name, index, folder)
	return string.format ("%s/audio/%s%s.wav", folder or mailbox.folder (), name, index > 1 and "." .. index or "")
end

return mailbox

-- What the scripts remember of a session, in one file in its folder: requests that wait, takes by playlist, settings.
-- Every script has a Lua of its own, so this file is also how they talk to each other; they take turns in one thread.
local need = ...
local files, json = need ("files"), need ("json")
local notes = {}

local function path ()
	return Session:path () .. "/takebridge.json"
end

-- jobs: name -> what was asked for; takes: list, oldest first; last_played: playlist -> its take played last; count: of requests.
function notes.read ()
	local text = files.read (path ())
	local fine, found = pcall (json.decode, text or "{}")
	found = fine and type (found) == "table" and found or {}
	return {
		jobs = found.jobs or {},
		takes = found.takes or {},
		last_played = found.last_played or {},
		settings = found.settings or {},
		count = found.count or 0,
	}
end

function notes.write (found)
	found.takes = json.array (found.takes)
	files.write (path (), json.encode (found))
end

-- Reads, lets the function change them, and writes.
function notes.change (function_)
	local found = notes.read ()
	local result = function_ (found)
	notes.write (found)
	return result
end

return notes

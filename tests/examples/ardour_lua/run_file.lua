ardour { ["type"] = "EditorAction", name = "Run file" }

-- Runs the Lua file named by ARDOUR_RIG_LUA inside Ardour, once: it is taken away first, so that a second trigger finds
-- nothing. Its first line is "-- NUMBER"; what it says by say (...) is written to the file with that number behind its name.
function factory () return function ()
	local path = os.getenv ("ARDOUR_RIG_LUA")
	local taken = path .. ".taken"
	if not os.rename (path, taken) then return end
	local file = assert (io.open (taken))
	local text = file:read ("a")
	file:close ()
	local answer = path .. "." .. text:match ("^%-%- (%d+)\n")
	local out = assert (io.open (answer .. ".part", "w"))
	local function say (...)
		local words = {}
		for index = 1, select ("#", ...) do words[index] = tostring ((select (index, ...))) end
		out:write (table.concat (words, "\t"), "\n")
	end
	local chunk, problem = load (text, "=command")
	local fine = chunk
	if chunk then fine, problem = pcall (chunk, say) end
	say (fine and "OK" or "ERROR", problem)
	out:close ()
	os.rename (answer .. ".part", answer)
end end

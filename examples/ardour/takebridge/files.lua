-- Small files, read and written whole.
local files = {}

function files.exists (path)
	return ARDOUR.LuaAPI.file_test (path, ARDOUR.LuaAPI.FileTest.Exists)
end

-- The text from byte `from` on (0 is the first); nil when there is no such file.
function files.read (path, from)
	local file = io.open (path, "rb")
	if not file then return nil end
	file:seek ("set", from or 0)
	local text = file:read ("a")
	file:close ()
	return text
end

-- Under another name first: no reader ever sees half of it. Raises a sentence.
function files.write (path, text)
	local file, problem = io.open (path .. ".tmp", "wb")
	if not file then error ("This file cannot be written: " .. problem, 0) end
	local written
	written, problem = file:write (text)
	file:close ()
	if not written then error ("This file cannot be written: " .. path .. ": " .. problem, 0) end
	local renamed = os.rename (path .. ".tmp", path)
	if not renamed then
		os.remove (path) -- Windows does not rename onto a file
		renamed, problem = os.rename (path .. ".tmp", path)
	end
	if not renamed then error ("This file cannot be written: " .. problem, 0) end
end

function files.copy (from, to)
	local text = files.read (from)
	if not text then error ("This file no longer exists: " .. from, 0) end
	files.write (to, text)
end

-- The beginning of a text, at most so many bytes, without half a letter at its end.
function files.beginning (text, most)
	while #text > most and most > 0 and text:byte (most + 1) & 0xC0 == 0x80 do most = most - 1 end
	return text:sub (1, most)
end

return files

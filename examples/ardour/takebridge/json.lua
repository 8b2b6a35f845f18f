-- JSON for messages of the bridge: objects and arrays of text, numbers, true and false. null is read as nil.
local json = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local ESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function text_of (value)
	return '"' .. value:gsub ('[%c"\\]', function (c) return ESCAPES[c] or string.format ("\\u%04x", c:byte ()) end) .. '"'
end

-- Keys in alphabetical order, so that the same value is always the same text. An empty table is an empty object,
-- unless it is json.array ().
function json.encode (value)
	local kind = type (value)
	if kind == "string" then
		return text_of (value)
	elseif kind == "number" then
		assert (value == value and math.abs (value) < math.huge, "JSON has no such number")
		if math.type (value) == "integer" then return tostring (value) end
		return (string.format ("%.17g", value):gsub (",", ".")) -- a comma where the program's language has one
	elseif kind == "table" then
		local parts = {}
		if #value > 0 or getmetatable (value) == json then
			for index, entry in ipairs (value) do parts[index] = json.encode (entry) end
			return "[" .. table.concat (parts, ",") .. "]"
		end
		for key, entry in pairs (value) do parts[#parts + 1] = text_of (key) .. ":" .. json.encode (entry) end
		table.sort (parts)
		return "{" .. table.concat (parts, ",") .. "}"
	end
	return tostring (value)
end

function json.array (entries)
	return setmetatable (entries or {}, json)
end

local read_value

local function fail (text, at, wanted)
	error (string.format ("no JSON: %s expected at byte %d", wanted, at), 0)
end

local function skip (text, at)
	return text:find ("[^ \t\r\n]", at) or #text + 1
end

local function read_unicode (text, at)
	local code = tonumber (text:match ("^%x%x%x%x", at), 16) or fail (text, at, "four hexadecimal digits")
	local low = code >= 0xD800 and code < 0xDC00 and text:match ("^\\u([dD][c-fC-F]%x%x)", at + 4)
	if low then
		return utf8.char (0x10000 + (code - 0xD800) * 0x400 + tonumber (low, 16) - 0xDC00), at + 10
	end
	return utf8.char (code), at + 4
end

local function read_text (text, at)
	local parts = {}
	at = at + 1
	while true do
		local plain, stop = text:match ('^([^"\\]*)(["\\])', at)
		if not plain then fail (text, at, "the end of a text") end
		parts[#parts + 1] = plain
		at = at + #plain + 1
		if stop == '"' then return table.concat (parts), at end
		local letter = text:sub (at, at)
		if letter == "u" then
			parts[#parts + 1], at = read_unicode (text, at + 1)
		else
			parts[#parts + 1] = ESCAPED[letter] or letter
			at = at + 1
		end
	end
end

local function read_entries (text, at, stop, read_entry)
	at = skip (text, at + 1)
	if text:sub (at, at) == stop then return at + 1 end
	while true do
		at = skip (text, read_entry (at))
		local sign = text:sub (at, at)
		if sign == stop then return at + 1 end
		if sign ~= "," then fail (text, at, "a comma") end
		at = skip (text, at + 1)
	end
end

local WORDS = { { "true", true }, { "false", false }, { "null", nil } }

function read_value (text, at)
	at = skip (text, at)
	local first = text:sub (at, at)
	if first == '"' then return read_text (text, at) end
	if first == "{" then
		local found = {}
		return found, read_entries (text, at, "}", function (place)
			if text:sub (place, place) ~= '"' then fail (text, place, "a name") end
			local key, colon = read_text (text, place)
			colon = skip (text, colon)
			if text:sub (colon, colon) ~= ":" then fail (text, colon, "a colon") end
			local value, after = read_value (text, colon + 1)
			found[key] = value
			return after
		end)
	end
	if first == "[" then
		local found = json.array ()
		return found, read_entries (text, at, "]", function (place)
			local value, after = read_value (text, place)
			found[#found + 1] = value
			return after
		end)
	end
	local number = text:match ("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
	if number then return math.tointeger (number) or tonumber (number), at + #number end
	for _, word in ipairs (WORDS) do
		if text:sub (at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
	end
	fail (text, at, "a value")
end

-- Raises a text that says what is wrong and where.
function json.decode (text)
	local value, after = read_value (text, 1)
	if skip (text, after) <= #text then fail (text, after, "the end") end
	return value
end

return json

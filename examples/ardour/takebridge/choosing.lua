-- Next take, and take against original: playlists of the selected track, switched.
local need = ...
local message, notes, placing = need ("message"), need ("notes"), need ("placing")
local choosing = {}

-- The takes of this session whose playlists are still there.
local function present (takes)
	local found = {}
	for _, take in ipairs (takes) do
		if placing.playlist (take.playlist) and placing.track (take.track) then found[#found + 1] = take end
	end
	return found
end

-- The selected track that has takes, or else the track of the newest take.
local function track_with (takes)
	for route in Editor:get_selection ().tracks:routelist ():iter () do
		for _, take in ipairs (takes) do
			if take.track == placing.id (route) then return placing.track (take.track) end
		end
	end
	return placing.track (takes[#takes].track)
end

local function index_of (takes, playlist)
	for index, take in ipairs (takes) do
		if take.playlist == playlist then return index end
	end
end

-- The take to play after an original: the one played last, or else the first of the newest request.
local function take_over (takes, parent, last)
	local known = last and index_of (takes, last)
	if known then return takes[known] end
	local found
	for _, take in ipairs (takes) do
		if take.parent == parent and (not found or take.request ~= found.request) then found = take end
	end
	return found
end

-- A playlist with takes of several regions counts once.
local function next_of (takes, current)
	local family = {}
	for _, take in ipairs (takes) do
		if take.request == current.request and take.track == current.track and not index_of (family, take.playlist) then
			family[#family + 1] = take
		end
	end
	return family[index_of (family, current.playlist) % #family + 1]
end

-- What the other tracks play along with a take of tracks rendered together, or with its original: they fit each other.
local function use_together (takes, take, original, last_played)
	for _, other in ipairs (takes) do
		if other.request == take.request and (original or other.number == take.number) then
			local playlist = placing.playlist (original and other.parent or other.playlist)
			if playlist then placing.use (placing.track (other.track), playlist) end
			if not original then last_played[other.parent] = other.playlist end
		end
	end
end

-- `pick (takes, current take or nil, id of the current playlist, notes)` gives the id of the playlist to play.
local function switch (pick)
	local known = notes.read ()
	local takes = present (known.takes)
	if #takes == 0 then
		message.inform ("This session has no takes yet. Select a range and request some first.")
		return
	end
	local track = track_with (takes)
	local playing = placing.id (track:playlist ())
	local index = index_of (takes, playing)
	local wanted = pick (takes, takes[index], playing, known)
	if not wanted or not placing.playlist (wanted) then
		message.inform (string.format ("The playlist %q of %q has no takes.", track:playlist ():name (), track:name ()))
		return
	end
	placing.use (track, placing.playlist (wanted))
	local chosen = takes[index_of (takes, wanted)]
	local about = chosen or takes[index]
	if about and about.together then use_together (takes, about, not chosen, known.last_played) end
	if chosen then
		known.last_played[chosen.parent] = wanted
		notes.write (known)
	end
	message.log (string.format ("%s plays %s", track:name (), track:playlist ():name ()))
end

function choosing.next_take ()
	switch (function (takes, current, playing, known)
		local found = current and next_of (takes, current) or take_over (takes, playing, known.last_played[playing])
		return found and found.playlist
	end)
end

function choosing.compare ()
	switch (function (takes, current, playing, known)
		if current then
			known.last_played[current.parent] = current.playlist
			notes.write (known)
			return current.parent
		end
		local found = take_over (takes, playing, known.last_played[playing])
		return found and found.playlist
	end)
end

return choosing
